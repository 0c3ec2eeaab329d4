// A key service for a worker's program, on a Unix socket, by the real verifier; and the model whose key it gives out.
// worker_key_service SOCKET MODEL SEALED ANCHOR LEASE-SECONDS: seals MODEL into SEALED, trusts the software attester
// whose fingerprint is ANCHOR ("sha256:…"), says "ready" and its process's user, and serves until its input ends.
// "deny" as a line of input: from then on no evidence is good enough.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <mutex>

#include "attest/workload_manifest.h"
#include "net/http_server.h"
#include "tests/support/sealed_model.h"

namespace {

using namespace cloister;
using testing::value_of;

class Face final : public net::Handler {
 public:
  explicit Face(testing::ReleaseService& service) : service_(service) {}
  std::optional<net::Response> handle(net::Request& request, net::Deferral&) override {
    const std::lock_guard lock(mutex_);
    service_.now = system_time();
    net::Response response = service_.answer(request, *request.connection);
    std::printf("%s %u\n", request.target.c_str(), response.status);
    std::fflush(stdout);
    return response;
  }
  void deny() {
    const std::lock_guard lock(mutex_);
    service_.anchors = attest::Anchors::production();
    service_.leases_hold = false;
  }

 private:
  std::mutex mutex_;
  testing::ReleaseService& service_;
};

int run(const std::vector<std::string>& arguments) {
  testing::SealedModel sealed(value_of(read_file(arguments.at(1), 1 << 26)));
  CLOISTER_CHECK(write_file(arguments.at(2), value_of(read_file(sealed.path, 1 << 27)), Overwrite::kReplace).ok());
  sealed.service.anchors =
      attest::Anchors::with_insecure_software({value_of(attest::parse_digest_text(arguments.at(3)))});
  sealed.service.lease_length = seconds(std::stoll(arguments.at(4)));
  const auto face = std::make_shared<Face>(sealed.service);
  net::ServerOptions options;
  options.clock = system_time;
  const auto server = value_of(net::HttpServer::create(std::move(options), face));
  CLOISTER_CHECK(server->listen(net::UnixListener{arguments.at(0), net::UnixUsers::everybody(), 0666}).ok());
  std::printf("ready %u\n", ::geteuid());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "deny") face->deny();
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 5) return run(arguments);
  std::fprintf(stderr, "worker_key_service SOCKET MODEL SEALED ANCHOR LEASE-SECONDS\n");
  return 2;
}
