#include "secret_input.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "identity_text.h"
#include "output.h"

namespace cloister::cli {
namespace {

class Terminal {
 public:
  static Result<Terminal> open() {
    const int descriptor = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return Error(Code::kInvalid, "there is no terminal to ask for a passphrase: name a file");
    return Terminal(descriptor);
  }
  Terminal(Terminal&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), before_(other.before_) {}
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal() {
    if (descriptor_ < 0) return;
    ::tcsetattr(descriptor_, TCSAFLUSH, &before_);
    ::close(descriptor_);
  }

  void say(std::string_view text) const { ignore_result(::write(descriptor_, text.data(), text.size())); }

  Result<crypto::Secret> read_line(const Progress& progress) const {
    crypto::Secret line(kSecretFileMax);
    const MutableByteView buffer = line.expose_mutable();
    std::size_t size = 0;
    for (;;) {
      if (progress.stop_requested()) return Error(Code::kUnavailable, "ask for a passphrase: interrupted");
      pollfd waiting{descriptor_, POLLIN, 0};
      if (::poll(&waiting, 1, 100) <= 0) continue;
      if (size == buffer.size()) return invalid("ask for a passphrase: it has 4096 bytes or more");
      const ssize_t count = ::read(descriptor_, &buffer[size], 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0 || buffer[size] == '\n') return crypto::Secret::copy_of(buffer.first(size));
      ++size;
    }
  }

 private:
  explicit Terminal(int descriptor) : descriptor_(descriptor) {
    ::tcgetattr(descriptor_, &before_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(descriptor_, TCSAFLUSH, &quiet);
  }

  int descriptor_;
  termios before_{};
};

}  // namespace

Result<crypto::Secret> ask_secret(const std::string& prompt, const Progress& progress) {
  CLOISTER_TRY(const Terminal terminal, Terminal::open());
  terminal.say(prompt + ": ");
  auto secret = terminal.read_line(progress);
  terminal.say("\n");
  return secret;
}

Result<crypto::Secret> ask_new_secret(const std::string& prompt, const Progress& progress) {
  CLOISTER_TRY(crypto::Secret first, ask_secret(prompt, progress));
  CLOISTER_TRY(const crypto::Secret second, ask_secret("the same again", progress));
  if (!crypto::equal_constant_time(first.expose(), second.expose())) {
    return invalid("the two passphrases aren't the same");
  }
  return first;
}

Status write_identity_file(const Path& path, const crypto::HpkePrivateKey& key) {
  return write_file(path, identity_text(key).expose(), Overwrite::kRefuse, 0600);
}

Result<crypto::HpkePrivateKey> read_identity_file(const Path& path) {
  CLOISTER_TRY(const crypto::Secret content, read_secret_file(path));
  return parse_identity(content.expose()).with_context("read " + path.string());
}

Result<crypto::HpkePublicKey> parse_recipient(const std::string& text_or_path) {
  if (text_or_path.starts_with("cloister-recipient-")) return crypto::HpkePublicKey::parse_text(text_or_path);
  if (text_or_path.starts_with("cloister-identity-")) {
    return invalid("that is a private key: it doesn't belong on a command line, take it out of use");
  }
  CLOISTER_TRY(const Bytes content, read_file(text_or_path, 64 * 1024));
  return crypto::HpkePublicKey::parse_text(only_line(as_text(content))).with_context("read " + text_or_path);
}

}  // namespace cloister::cli
