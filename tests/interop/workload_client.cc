// A client of the Workload API, for tests with other people's servers:
//   workload_client ENDPOINT USER
// Prints a line of JSON whenever its identity or its health has changed, until its standard input ends.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "crypto/library.h"
#include "mesh/workload_api/workload_source.h"

using namespace cloister;

namespace {

constexpr Duration kPatience{30'000};

[[noreturn]] void fail(const Error& error) {
  std::printf("%s\n", nlohmann::json{{"error", error.message()}}.dump().c_str());
  std::exit(1);
}

std::string_view name_of(mesh::WorkloadHealth::State state) {
  switch (state) {
    case mesh::WorkloadHealth::State::kFollowing: return "following";
    case mesh::WorkloadHealth::State::kDenied: return "denied";
    case mesh::WorkloadHealth::State::kAway: return "away";
    case mesh::WorkloadHealth::State::kRefused: break;
  }
  return "refused";
}

void print(const mesh::WorkloadSource& source) {
  const auto snapshot = source.source()->current();
  const mesh::WorkloadHealth health = source.health();
  nlohmann::json domains = nlohmann::json::array();
  for (const auto& [trust_domain, bundle] : snapshot->bundles().all()) domains.push_back(trust_domain.name());
  std::cout << nlohmann::json{{"id", snapshot->svid().id().uri()},
                              {"serial", to_hex(snapshot->svid().leaf().facts().serial)},
                              {"bundles", domains},
                              {"state", name_of(health.state)},
                              {"detail", health.detail},
                              {"updates", health.updates}}
                   .dump()
            << std::endl;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) fail(Error(Code::kInvalid, "usage: workload_client ENDPOINT USER"));
  if (const Status started = crypto::start_process(); !started.ok()) fail(started.error());
  auto endpoint = mesh::parse_workload_endpoint(arguments[1]);
  if (!endpoint.ok()) fail(endpoint.error());

  std::mutex mutex;
  mesh::WorkloadSource* known = nullptr;
  mesh::WorkloadSourceOptions options;
  options.endpoint = std::move(endpoint).value();
  options.server_user = static_cast<uid_t>(std::stoul(arguments[2]));
  options.clock = system_time;
  options.changed = [&mutex, &known] {
    const std::lock_guard lock(mutex);
    if (known != nullptr) print(*known);
  };
  auto source = mesh::WorkloadSource::create(std::move(options), kPatience);
  if (!source.ok()) fail(source.error());
  {
    const std::lock_guard lock(mutex);
    known = source->get();
    print(*known);
  }
  for (std::string line; std::getline(std::cin, line);) continue;
  const std::lock_guard lock(mutex);
  known = nullptr;
  return 0;
}
