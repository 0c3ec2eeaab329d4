#include "identity/x509_svid.h"

#include <algorithm>

namespace cloister::identity {
namespace {

Error refused(std::string_view what, std::string_view why) {
  return Error(Code::kInvalid, std::string(what) + ": " + std::string(why));
}
Error no_leaf(std::string_view why) { return refused("no X.509-SVID", why); }
Error no_signer(std::string_view why) { return refused("no signing certificate", why); }

Status check_leaf_strictly(const crypto::CertificateFacts& facts) {
  if (!facts.key_usage->critical) return no_leaf("its key usage isn't critical");
  const auto& extended = facts.extended_key_usage;
  if (extended && !(extended->server && extended->client)) {
    return no_leaf("its extended key usage isn't for servers and clients both");
  }
  if (!facts.has_subject && !facts.names_critical) {
    return no_leaf("it has no subject, and its alternative names aren't critical");
  }
  return {};
}

bool is_spiffe_uri(std::string_view uri) {
  const auto lower = [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  };
  return std::ranges::equal(uri.substr(0, 7), std::string_view("spiffe:"), {}, lower);
}

}  // namespace

Result<SpiffeId> check_leaf(const crypto::Certificate& certificate, Conformance conformance) {
  const crypto::CertificateFacts& facts = certificate.facts();
  if (facts.names.uris.empty()) return no_leaf("it has no URI name");
  if (facts.names.uris.size() > 1) return no_leaf("it has more than one URI name");
  auto id = SpiffeId::parse(facts.names.uris[0]);
  if (!id.ok()) return no_leaf(id.error().message());
  if (id->path().empty()) return no_leaf("its id has no path: it names a trust domain, not a workload");
  if (facts.is_authority) return no_leaf("it is an authority's certificate");
  if (!facts.key_usage || !facts.key_usage->digital_signature) return no_leaf("its key isn't for signatures");
  if (facts.key_usage->certificate_sign || facts.key_usage->crl_sign) {
    return no_leaf("its key may sign certificates or revocation lists");
  }
  if (conformance == Conformance::kStrict) CLOISTER_RETURN_IF_ERROR(check_leaf_strictly(facts));
  return id;
}

Status check_signing_certificate(const crypto::Certificate& certificate, Conformance conformance) {
  const crypto::CertificateFacts& facts = certificate.facts();
  if (!facts.is_authority) return no_signer("it isn't an authority's");
  if (!facts.key_usage || !facts.key_usage->certificate_sign) return no_signer("its key may not sign certificates");
  if (conformance != Conformance::kStrict) return {};
  if (!facts.key_usage->critical) return no_signer("its key usage isn't critical");
  for (const std::string& uri : facts.names.uris) {
    if (!is_spiffe_uri(uri)) continue;
    const auto id = SpiffeId::parse(uri);
    if (!id.ok()) return no_signer(id.error().message());
    if (!id->path().empty()) return no_signer("its id has a path: it names a workload");
  }
  return {};
}

Result<X509Svid> X509Svid::from_chain(std::vector<crypto::Certificate> chain, Conformance conformance) {
  if (chain.empty()) return no_leaf("there is no certificate");
  if (chain.size() > crypto::kChainLengthMax) return no_leaf("the chain is too long");
  CLOISTER_TRY(SpiffeId id, check_leaf(chain[0], conformance));
  for (std::size_t i = 1; i < chain.size(); ++i) {
    CLOISTER_RETURN_IF_ERROR(check_signing_certificate(chain[i], conformance)
                                 .with_context("certificate " + std::to_string(i + 1) + " of the chain"));
  }
  return X509Svid(std::move(id), std::move(chain), conformance);
}

Result<VerifiedSvid> verify_x509_svid(const X509Svid& svid, const BundleSet& bundles, Time now) {
  const std::string doing = "verify " + svid.id().uri();
  const Bundle* bundle = bundles.find(svid.id().trust_domain());
  if (bundle == nullptr) return Error(Code::kDenied, doing + ": no bundle of its trust domain");
  const bool strict = svid.conformance() == Conformance::kStrict;
  crypto::ChainRequest request;
  request.intermediates = std::span(svid.chain()).subspan(1);
  request.anchors = bundle->x509_authorities();
  request.purpose = strict ? crypto::Purpose::kServerAndClient : crypto::Purpose::kAny;
  request.rules = strict ? crypto::PathRules::kStrict : crypto::PathRules::kCommon;
  request.at = now;
  auto path = crypto::verify_chain(svid.leaf(), request);
  if (!path.ok()) return path.error().with_context(doing);
  Time not_after = svid.leaf().facts().not_after;
  for (const crypto::Certificate& certificate : *path) {
    not_after = std::min(not_after, certificate.facts().not_after);
  }
  return VerifiedSvid{svid.id(), svid.leaf().facts().serial, not_after};
}

}  // namespace cloister::identity
