// Where a Workload API listens: SPIFFE Workload Endpoint, section 4.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "net/address.h"

namespace cloister::mesh {

struct WorkloadEndpoint {
  std::variant<Path, net::TcpAddress> where;
  std::string to_string() const;  // as parse_workload_endpoint() takes it
};

// The value of SPIFFE_ENDPOINT_SOCKET: "unix:///run/workload.sock" or "tcp://127.0.0.1:8081". kInvalid, and the fault
// by name, for anything else: a host name, an authority or a relative path with unix, a path, query or user with tcp.
Result<WorkloadEndpoint> parse_workload_endpoint(std::string_view text);

}  // namespace cloister::mesh
