#include "mesh/workload_api/workload_endpoint.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kTcp = "tcp://";

Error refusal(std::string_view text, std::string_view what) {
  return Error(Code::kInvalid, "the workload endpoint " + std::string(text) + " " + std::string(what));
}

Result<WorkloadEndpoint> parse_unix(std::string_view text, std::string_view rest) {
  if (rest.starts_with("//")) {
    if (!rest.starts_with("///")) return refusal(text, "names a host: unix sockets have none");
    rest.remove_prefix(2);
  }
  if (!rest.starts_with('/')) return refusal(text, "has no absolute path");
  if (rest.size() == 1) return refusal(text, "has no path");
  if (rest.find_first_of("?#%") != std::string_view::npos) return refusal(text, "has more than a path");
  auto address = net::unix_address(Path(rest));
  if (!address.ok()) return address.error().with_context("the workload endpoint " + std::string(text));
  return WorkloadEndpoint{Path(rest)};
}

Result<WorkloadEndpoint> parse_tcp(std::string_view text, std::string_view rest) {
  if (rest.find_first_of("/?#@") != std::string_view::npos) return refusal(text, "has more than an address and a port");
  auto address = net::parse_tcp_address(rest);
  if (!address.ok() || address->port == 0) return refusal(text, "has no address and port");
  if (!net::numeric_address(*address).ok()) return refusal(text, "names a host: tcp takes an IP address");
  return WorkloadEndpoint{std::move(address).value()};
}

}  // namespace

std::string WorkloadEndpoint::to_string() const {
  if (const auto* path = std::get_if<Path>(&where)) return "unix://" + path->string();
  return "tcp://" + std::get<net::TcpAddress>(where).to_string();
}

Result<WorkloadEndpoint> parse_workload_endpoint(std::string_view text) {
  if (text.empty()) return Error(Code::kInvalid, "the workload endpoint is empty");
  if (std::ranges::any_of(text, [](char c) { return c <= 0x20 || c >= 0x7F; })) {
    return Error(Code::kInvalid, "the workload endpoint isn't plain text");
  }
  if (text.starts_with(kUnix)) return parse_unix(text, text.substr(kUnix.size()));
  if (text.starts_with(kTcp)) return parse_tcp(text, text.substr(kTcp.size()));
  return refusal(text, "is neither unix:///path nor tcp://address:port");
}

}  // namespace cloister::mesh
