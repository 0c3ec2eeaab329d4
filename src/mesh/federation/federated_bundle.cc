#include "mesh/federation/federated_bundle.h"

#include <algorithm>

#include "net/http_client.h"
#include "net/spiffe_verifier.h"

namespace cloister::mesh {
namespace {

constexpr Duration kRefreshUsual = minutes(5);
constexpr Duration kRefreshMin = seconds(10);
constexpr Duration kRefreshMax = days(1);

// Endpoints are other people's: their certificates are judged as their own tools do it.
class EndpointVerifier final : public net::PeerVerifier {
 public:
  explicit EndpointVerifier(identity::BundleSet bundles) : bundles_(std::move(bundles)) {}

  Result<net::Peer> verify(Time now, std::span<const Bytes> chain) const override {
    CLOISTER_TRY(const identity::VerifiedSvid verified,
                 net::verify_chain(now, chain, bundles_, identity::Conformance::kGoSpiffe));
    return net::Peer{verified.id.uri(), verified.not_after};
  }

 private:
  const identity::BundleSet bundles_;
};

Result<std::string> fetch(net::HttpClient::Target target, const std::string& path, Duration patience) {
  net::ClientOptions options;
  options.response.body_bytes = identity::kBundleSizeMax;
  CLOISTER_TRY(const auto client, net::HttpClient::create(std::move(target), options));
  net::Request request;
  request.method = "GET";
  request.target = path;
  request.headers.add("accept", "application/json");
  CLOISTER_TRY(const net::Exchange exchange, client->send(request, patience));
  if (exchange.response.status != 200) {
    return Error(Code::kUnavailable, "the bundle endpoint answers " + std::to_string(exchange.response.status));
  }
  return std::string(as_text(exchange.response.body));
}

}  // namespace

Result<std::string> fetch_web_bundle(const BundleLocation& location, std::shared_ptr<const net::WebTls> tls,
                                     Duration patience) {
  return fetch(net::WebTarget{location.address, std::move(tls)}, location.target, patience);
}

Result<std::string> fetch_spiffe_bundle(const BundleLocation& location, const BundleServer& server, Duration patience) {
  CLOISTER_TRY(auto tls,
               net::AnonymousTls::create(std::make_shared<const EndpointVerifier>(server.bundles), server.clock));
  return fetch(net::AnonymousTlsTarget{location.address, server.id, std::move(tls)}, location.target, patience);
}

Result<identity::Bundle> accept_bundle(const identity::TrustDomain& domain, const identity::Bundle* last,
                                       std::string_view document) {
  CLOISTER_TRY(identity::Bundle bundle, identity::parse_bundle(domain, document, identity::Conformance::kGoSpiffe));
  const auto before = last == nullptr ? std::nullopt : last->sequence();
  const auto now = bundle.sequence();
  if (before && now && *now < *before) {
    return Error(Code::kCorrupt,
                 "the bundle's sequence goes back from " + std::to_string(*before) + " to " + std::to_string(*now));
  }
  return bundle;
}

Duration refresh_after(const identity::Bundle& bundle) {
  if (!bundle.refresh_hint()) return kRefreshUsual;
  return std::clamp(*bundle.refresh_hint(), kRefreshMin, kRefreshMax);
}

}  // namespace cloister::mesh
