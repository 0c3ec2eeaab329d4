// Graphs and statements that tests of the matrix are made of.
#pragma once

#include <string>

#include "probe/path/verdict.h"
#include "tests/support/value_of.h"

namespace cloister::probe::path {

inline constexpr std::string_view kThree = R"(
version = 1
id = "inference"
evidence_days = 7

[[component]]
name = "gateway"
spiffe_id = "spiffe://acme.example/gateway"
address = "10.0.1.0/24"
workload = "prod/gateway"

[[component]]
name = "retriever"
spiffe_id = "spiffe://acme.example/retriever"
address = "10.0.2.5"

[[component]]
name = "serving"
spiffe_id = ["spiffe://acme.example/serving", "spiffe://acme.example/serving-canary"]
address = "10.0.3.0/24"
workload = "prod/serving"
inside_port = 9000

[[edge]]
from = "gateway"
to = "serving"
port = 8443
protocol = "grpc"

[[edge]]
from = "gateway"
to = "retriever"
port = 6334
requires = "tls"
tls_min = "1.2"

[[edge]]
from = "serving"
to = "serving"
port = 30000
port_last = 30099
protocol = "nccl"
requires = "encrypted"
)";

inline Graph graph_of(std::string_view text) { return testing::value_of(parse_graph(text)); }

inline Time at(std::string_view text) { return testing::value_of(parse_rfc3339(text)); }
inline Time noon() { return at("2027-01-10T12:00:00Z"); }

inline Party address_of(std::string_view text) {
  Party party;
  party.address = testing::value_of(IpAddress::parse(text));
  return party;
}
inline Party id_of(std::string_view text) {
  Party party;
  party.spiffe_id = testing::value_of(identity::SpiffeId::parse(text));
  return party;
}
inline Party workload_of(std::string text) {
  Party party;
  party.workload = std::move(text);
  return party;
}

// An hour ago.
inline Statement statement(Source source, Claim claim, Party from, Party to, std::uint16_t port) {
  Statement statement;
  statement.source = source;
  statement.claim = claim;
  statement.from = std::move(from);
  statement.to = std::move(to);
  statement.port = port;
  statement.begin = statement.end = at("2027-01-10T11:00:00Z");
  statement.flows = 1;
  return statement;
}

inline Statement encrypted(Source source, Party from, Party to, std::uint16_t port, Protection protection) {
  Statement made = statement(source, Claim::kEncrypted, std::move(from), std::move(to), port);
  made.protection = protection;
  made.tls_version = 0x0304;
  return made;
}

}  // namespace cloister::probe::path
