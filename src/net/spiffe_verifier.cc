#include "net/spiffe_verifier.h"

namespace cloister::net {
namespace {

Result<std::vector<crypto::Certificate>> parse_chain(std::span<const Bytes> chain) {
  std::vector<crypto::Certificate> certificates;
  for (const Bytes& der : chain) {
    CLOISTER_TRY(auto certificate, crypto::Certificate::parse(der).with_context(
                                       "certificate " + std::to_string(certificates.size() + 1) + " of the chain"));
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

}  // namespace

Result<identity::VerifiedSvid> verify_chain(Time now, std::span<const Bytes> chain, const identity::BundleSet& bundles,
                                            identity::Conformance conformance) {
  CLOISTER_TRY(auto certificates, parse_chain(chain));
  CLOISTER_TRY(const auto svid, identity::X509Svid::from_chain(std::move(certificates), conformance));
  return identity::verify_x509_svid(svid, bundles, now);
}

SpiffeVerifier::SpiffeVerifier(std::shared_ptr<const identity::Source> source, identity::Conformance conformance,
                               identity::DenyList deny_list)
    : source_(std::move(source)),
      conformance_(conformance),
      deny_list_(std::make_shared<const identity::DenyList>(std::move(deny_list))) {
  CLOISTER_CHECK(source_ != nullptr);
}

Result<Peer> SpiffeVerifier::verify(Time now, std::span<const Bytes> chain) const {
  CLOISTER_TRY(const auto verified, verify_chain(now, chain, source_->current()->bundles(), conformance_));
  CLOISTER_RETURN_IF_ERROR(deny_list()->check(verified, now));
  return Peer{verified.id.uri(), verified.not_after};
}

void SpiffeVerifier::replace_deny_list(identity::DenyList next) {
  auto list = std::make_shared<const identity::DenyList>(std::move(next));
  const std::scoped_lock lock(mutex_);
  deny_list_.swap(list);
}

std::shared_ptr<const identity::DenyList> SpiffeVerifier::deny_list() const {
  const std::scoped_lock lock(mutex_);
  return deny_list_;
}

}  // namespace cloister::net
