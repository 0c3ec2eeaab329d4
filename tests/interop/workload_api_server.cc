// Workload API, secret discovery and reflection on a Unix socket, for tests with other people's clients:
//   workload_api_server SOCKET
// Every caller gets what the test says, in lines on standard input; each is answered by one line, "done" at its best.
//   entries PATH[=HINT] ...   the SPIFFE IDs of example.org that callers have, none for nobody; /worker=main at first
//   rotate                    new SVIDs with new keys
//   authority                 a new authority; the old one is trusted no more
//   federate | unfederate     with partner.example, for every entry
//   unavailable | available   as if the store were away
//   refusals                  the calls that were refused since, as JSON
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "crypto/library.h"
#include "mesh/workload_api/reflection.h"
#include "mesh/workload_api/sds.h"
#include "mesh/workload_api/service_table.h"
#include "net/http_server.h"
#include "tests/support/test_identities.h"

using namespace cloister;

namespace {

[[noreturn]] void fail(const Error& error) {
  std::fprintf(stderr, "workload_api_server: %s\n", error.message().c_str());
  std::exit(1);
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) fail(result.error());
  return std::move(result).value();
}

class Refusals {
 public:
  void add(const mesh::RefusedCall& call) {
    const std::lock_guard lock(mutex_);
    all_.push_back({{"method", call.method},
                    {"code", static_cast<unsigned>(call.code)},
                    {"uid", call.caller.uid},
                    {"pid", call.caller.pid},
                    {"pidfd", call.caller.pidfd != nullptr},
                    {"reason", call.reason}});
  }
  std::string take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(all_, nlohmann::json::array()).dump();
  }

 private:
  std::mutex mutex_;
  nlohmann::json all_ = nlohmann::json::array();
};

// What a test may say, and what becomes of it.
class Script {
 public:
  Script(testing::TestIdentities& identities, Refusals& refusals) : identities_(identities), refusals_(refusals) {}

  std::string run(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "entries") {
      set_entries(words);
    } else if (verb == "rotate") {
      identities_.rotate();
    } else if (verb == "authority") {
      identities_.replace_authority();
    } else if (verb == "federate") {
      identities_.federate(partner_.bundle());
    } else if (verb == "unfederate") {
      identities_.unfederate("partner.example");
    } else if (verb == "unavailable") {
      identities_.refuse_with(Error(Code::kUnavailable, "the store is away"));
    } else if (verb == "available") {
      identities_.refuse_with(std::nullopt);
    } else if (verb == "refusals") {
      return refusals_.take();
    } else {
      return "no such verb: " + verb;
    }
    return "done";
  }

 private:
  void set_entries(std::istringstream& words) {
    std::vector<testing::TestEntry> entries;
    for (std::string word; words >> word;) {
      const std::size_t equals = word.find('=');
      const std::string hint = equals == std::string::npos ? "" : word.substr(equals + 1);
      entries.push_back({word.substr(0, equals), hint, {"partner.example"}});
    }
    identities_.set_entries(std::move(entries));
  }

  testing::TestIdentities& identities_;
  Refusals& refusals_;
  testing::TestIdentities partner_{"partner.example", system_time};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) fail(Error(Code::kInvalid, "usage: workload_api_server SOCKET"));
  if (const Status started = crypto::start_process(); !started.ok()) fail(started.error());

  testing::TestIdentities identities("example.org", system_time);
  Refusals refusals;
  Script script(identities, refusals);
  script.run("entries /worker=main");

  const auto workers = must(mesh::Workers::start(2, 64));
  crypto::SystemRandom random;
  mesh::StateFeed feed(identities, *workers, random);
  mesh::CallerLimits limits;
  const mesh::WorkloadApiParts parts{identities,  feed,
                                     *workers,    limits,
                                     system_time, [&refusals](const mesh::RefusedCall& call) { refusals.add(call); }};
  auto table = std::make_shared<mesh::ServiceTable>();
  table->add("SpiffeWorkloadAPI", std::make_shared<mesh::WorkloadApi>(parts));
  table->add(std::string(mesh::kSecretDiscovery), std::make_shared<mesh::SecretDiscovery>(parts));
  std::vector<std::string> names = table->names();
  names.emplace_back(mesh::kReflectionV1);
  const auto reflection = std::make_shared<mesh::Reflection>(names, mesh::workload_api_files());
  table->add(std::string(mesh::kReflectionV1), reflection);
  table->add(std::string(mesh::kReflectionV1Alpha), reflection);

  net::ServerOptions options;
  options.clock = system_time;
  const auto server = must(net::HttpServer::create(std::move(options), must(net::grpc_handler(table, {}))));
  const Status listens = server->listen(net::UnixListener{arguments[1], net::UnixUsers::everybody(), 0666});
  if (!listens.ok()) fail(listens.error());

  for (std::string line; std::getline(std::cin, line);) std::cout << script.run(line) << std::endl;
  const Status drained = server->drain(Duration{1000});
  workers->stop();
  return drained.ok() || drained.error().code() == Code::kUnavailable ? 0 : 1;
}
