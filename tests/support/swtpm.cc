#include "tests/support/swtpm.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/result.h"

namespace cloister::testing {
namespace {

constexpr const char* kProgram = "/usr/bin/swtpm";

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// The port that was bound; 0 when that one isn't free.
std::uint16_t try_to_bind(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  CLOISTER_CHECK(fd >= 0);
  sockaddr_in address = loopback(port);
  socklen_t size = sizeof address;
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : std::uint16_t{0};
}

// Commands go to one port and control to the next one: tpm2-tss knows it no other way. swtpm listens by itself: a
// socket that it is handed serves one connection only.
std::uint16_t two_free_ports() {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const std::uint16_t port = try_to_bind(0);
    if (port != 0 && port < 65535 && try_to_bind(static_cast<std::uint16_t>(port + 1)) != 0) return port;
  }
  CLOISTER_CHECK(false);
  return 0;
}

bool accepts(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

std::string listening_on(std::uint16_t port) { return "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port); }

[[noreturn]] void become_swtpm(std::uint16_t port, const Path& folder) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string state = "dir=" + folder.string();
  const std::string server = listening_on(port);
  const std::string control = listening_on(static_cast<std::uint16_t>(port + 1));
  const std::string log = "file=" + (folder / "log").string();
  ::execl(kProgram, kProgram, "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--ctrl",
          control.c_str(), "--flags", "not-need-init,startup-clear", "--log", log.c_str(), nullptr);
  ::_exit(127);
}

}  // namespace

std::unique_ptr<Swtpm> Swtpm::start() {
  if (::access(kProgram, X_OK) != 0) return nullptr;
  for (int attempt = 0; attempt < 10; ++attempt) {
    std::unique_ptr<Swtpm> tpm(new Swtpm(two_free_ports()));
    if (tpm->run()) return tpm;
  }
  CLOISTER_CHECK(false);
  return nullptr;
}

bool Swtpm::run() {
  child_ = ::fork();
  CLOISTER_CHECK(child_ >= 0);
  if (child_ == 0) become_swtpm(port_, state_.path());
  for (int wait = 0; wait < 3000; ++wait) {
    if (accepts(static_cast<std::uint16_t>(port_ + 1)) && accepts(port_)) return true;
    // Somebody else took a port in between.
    if (::waitpid(child_, nullptr, WNOHANG) == child_) {
      child_ = -1;
      return false;
    }
    ::usleep(10'000);
  }
  return false;
}

Swtpm::~Swtpm() {
  if (child_ <= 0) return;
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
}

}  // namespace cloister::testing
