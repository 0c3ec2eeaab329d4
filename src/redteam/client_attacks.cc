// RT-T04: clients that aren't who the server expects.
#include <array>

#include "mesh/relay/peer_verifiers.h"
#include "net/http_server.h"
#include "net/observed_tls.h"
#include "net/spiffe_verifier.h"
#include "probe/dialer.h"
#include "redteam/issuer.h"
#include "redteam/server_attacks.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kExpected = "expected";
constexpr std::string_view kRequest = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
constexpr Duration kPatience = seconds(10);
constexpr std::string_view kRemedy =
    "the server takes a client that it doesn't expect: let it ask for a certificate, verify it by its own trust "
    "domain's bundle, and allow the SPIFFE IDs that it knows, one by one";

struct Served {
  Status status;  // well: the server answered the request
  std::string version;
};

Served ask(probe::Dialer& dialer, const std::shared_ptr<const net::Credentials>& shown) {
  const auto wire = dialer.connect();
  if (!wire.ok()) return {Error(Code::kUnavailable, wire.error().message()), ""};
  net::ObservedTlsOptions options;
  options.server_name = dialer.endpoint().server_name;
  options.protocols = {"http/1.1"};
  options.own = shown;
  const auto session = net::ObservedTls::create((*wire)->socket(), options);
  if (!session.ok()) return {session.error(), ""};
  const net::Ticks deadline = net::ticks_now() + kPatience.ms;
  Status status = (*session)->handshake(deadline);
  if (status.ok()) status = (*session)->write(as_bytes(kRequest), deadline);
  std::array<std::uint8_t, 512> answer;
  if (status.ok()) {
    const auto size = (*session)->read(answer, deadline);
    if (!size.ok()) status = size.error();
    if (size.ok() && *size == 0) status = Error(Code::kDenied, "it hung up without an answer");
  }
  // A server may cut a connection that it refuses, which looks as if the network had.
  const bool cut = !status.ok() && status.error().code() == Code::kUnavailable && net::ticks_now() < deadline;
  if (cut) status = Error(Code::kDenied, "it cut the connection: " + status.error().message());
  return {std::move(status), (*session)->observation().version};
}

class NotFound final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request&, net::Deferral&) override { return net::problem(404); }
};

// As services and relays have it: one SPIFFE ID is allowed, of one trust domain.
Result<std::shared_ptr<const net::PeerVerifier>> verifier_for(const Field& field, Issuer& issuer) {
  LeafParts parts = valid_leaf(field.now);
  parts.uri = "spiffe://" + std::string(kCanaryDomain) + "/server";
  CLOISTER_TRY(Issued own, issuer.issue(field, parts));
  CLOISTER_TRY(auto domain, identity::TrustDomain::parse(kCanaryDomain));
  identity::BundleContents contents;
  contents.x509_authorities = {issuer.certificate()};
  CLOISTER_TRY(auto bundle,
               identity::Bundle::create(std::move(domain), std::move(contents), identity::Conformance::kStrict));
  CLOISTER_TRY(auto svid, identity::X509Svid::from_chain({own.certificate}, identity::Conformance::kStrict));
  CLOISTER_TRY(auto snapshot, identity::Snapshot::create(std::move(svid), std::move(own.key),
                                                         identity::BundleSet().with(std::move(bundle)), field.now));
  const std::string allowed[] = {std::string(kCanaryWorkload)};
  CLOISTER_TRY(auto list, mesh::AllowList::parse(allowed));
  auto inner = std::make_shared<net::SpiffeVerifier>(std::make_shared<identity::Source>(std::move(snapshot)),
                                                     identity::Conformance::kStrict, identity::DenyList());
  return std::shared_ptr<const net::PeerVerifier>(
      std::make_shared<mesh::AdmittingVerifier>(std::move(inner), std::move(list)));
}

Status add(ClientCases& cases, std::string name, const Field& field, Issuer& issuer, const LeafParts& parts) {
  CLOISTER_TRY(cases[std::move(name)], issuer.credentials(field, parts));
  return {};
}

// Those that only the authority itself can make.
Status add_of_authority(ClientCases& cases, const Field& field, Issuer& issuer) {
  const LeafParts valid = valid_leaf(field.now);
  CLOISTER_RETURN_IF_ERROR(add(cases, std::string(kExpected), field, issuer, valid));
  LeafParts parts = valid;
  parts.not_after = valid.not_before + minutes(1);
  CLOISTER_RETURN_IF_ERROR(add(cases, "expired", field, issuer, parts));
  parts = valid;
  parts.uri = "spiffe://" + std::string(kCanaryDomain) + "/other";
  CLOISTER_RETURN_IF_ERROR(add(cases, "other-workload", field, issuer, parts));
  parts = valid;
  parts.uri.clear();
  return add(cases, "common-name-alone", field, issuer, parts);
}

// Those that anybody can.
Status add_of_strangers(ClientCases& cases, const Field& field) {
  cases["no-certificate"] = nullptr;
  CLOISTER_TRY(const auto stranger, Issuer::make(field, {.name = "a stranger"}));
  CLOISTER_RETURN_IF_ERROR(add(cases, "self-signed-same-name", field, *stranger, valid_leaf(field.now)));
  LeafParts parts = valid_leaf(field.now);
  parts.uri = "spiffe://elsewhere.example/workload";
  CLOISTER_TRY(const auto elsewhere, Issuer::make(field, {.name = "elsewhere", .permitted_host = ""}));
  return add(cases, "other-trust-domain", field, *elsewhere, parts);
}

Result<std::unique_ptr<net::HttpServer>> canary_server(const Field& field, Issuer& issuer, std::uint16_t& port) {
  LeafParts parts = valid_leaf(field.now);
  parts.uri = "spiffe://" + std::string(kCanaryDomain) + "/server";
  CLOISTER_TRY(auto own, issuer.credentials(field, parts));
  CLOISTER_TRY(auto verifier, verifier_for(field, issuer));
  const net::Clock clock = [now = field.now] { return now; };
  CLOISTER_TRY(auto tls, net::MutualTls::create(std::make_shared<net::SwappableCredentials>(std::move(own)),
                                                std::move(verifier), clock));
  net::ServerOptions options;
  options.clock = clock;
  CLOISTER_TRY(auto server, net::HttpServer::create(options, std::make_shared<NotFound>()));
  CLOISTER_TRY(port, server->listen(net::TcpAddress{"127.0.0.1", 0}, std::move(tls)));
  return server;
}

Report not_tried(const Error& error) { return not_run("RT-T04", error.message()); }

}  // namespace

Report run_clients(const Field& field, const ClientsTarget& target) {
  const auto address = net::parse_tcp_address(target.address);
  if (!address.ok()) return not_tried(address.error());
  const auto addresses = net::resolve(*address, kPatience);
  if (!addresses.ok()) return not_tried(addresses.error());
  const bool named = !net::numeric_address(*address).ok();
  probe::Dialer dialer({*address, addresses->front(), named ? address->host : ""}, probe::Politeness());
  Tally tally(field, "RT-T04", std::string(kRemedy));
  Clients clients;
  for (const auto& [name, shown] : target.cases) {
    if (tally.over()) break;
    const Served served = ask(dialer, shown);
    const bool undecided = !served.status.ok() && served.status.error().code() == Code::kUnavailable;
    if (name == kExpected) {
      clients.tls13 = served.version == "TLSv1.3";
      tally.honest("the client that is expected", served.status);
    } else {
      tally.attack(name, served.status);
    }
    if (!undecided) (served.status.ok() ? clients.accepted : clients.refused).push_back(name);
  }
  if (!target.cases.contains(kExpected)) tally.cannot("nobody handed over the credentials of the expected client");
  tally.clients(std::move(clients));
  return std::move(tally).finish();
}

Report run_clients_of(const Field& field, const std::string& address, ClientCases given) {
  const Status added = add_of_strangers(given, field);
  if (!added.ok()) return not_tried(added.error());
  return run_clients(field, {address, std::move(given)});
}

Report run_canary_clients(const Field& field) {
  const auto issuer = Issuer::make(field, {.name = "canary"});
  if (!issuer.ok()) return not_tried(issuer.error());
  ClientCases cases;
  const Status added = add_of_authority(cases, field, **issuer);
  if (!added.ok()) return not_tried(added.error());
  std::uint16_t port = 0;
  const auto server = canary_server(field, **issuer, port);
  if (!server.ok()) return not_tried(server.error());
  Report report = run_clients_of(field, "127.0.0.1:" + std::to_string(port), std::move(cases));
  report.simulated = true;
  return report;
}

}  // namespace cloister::redteam
