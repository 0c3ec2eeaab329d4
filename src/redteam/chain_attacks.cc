#include "redteam/chain_attacks.h"

#include "crypto/der.h"
#include "net/spiffe_verifier.h"
#include "redteam/issuer.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kRemedy =
    "a peer without a valid identity is taken: verify peers by the bundle of their own trust domain alone, and never "
    "turn verification off";

Bytes extended_usage_of_email() {
  static constexpr std::uint8_t kOid[] = {0x55, 0x1d, 0x25};
  static constexpr std::uint8_t kEmail[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04};
  return crypto::der_element(
      crypto::der::kSequence,
      {crypto::der_oid(kOid),
       crypto::der_element(crypto::der::kOctetString,
                           {crypto::der_element(crypto::der::kSequence, {crypto::der_oid(kEmail)})})});
}

class Chains {
 public:
  Chains(const Field& field, const JudgeChain& judge, std::string id)
      : field_(field), judge_(judge), tally_(field, std::move(id), std::string(kRemedy)) {}

  template <typename Attacks>
  Report run(const Attacks& attacks) && {
    Status status = prepare();
    if (status.ok()) status = attacks(*this);
    if (!status.ok()) tally_.cannot(status.error().message());
    return std::move(tally_).finish();
  }

  LeafParts valid() const { return valid_leaf(field_.now); }

  Status attack(const std::string& what, Issuer& issuer, const LeafParts& parts,
                std::vector<const Issuer*> intermediates = {}) {
    CLOISTER_TRY(const Issued leaf, issuer.issue(field_, parts));
    std::vector<Bytes> chain = {leaf.certificate.der()};
    for (const Issuer* one : intermediates) chain.push_back(one->certificate().der());
    if (!tally_.over()) tally_.attack(what, judge_(field_.now, chain, bundles_));
    return {};
  }
  Result<std::unique_ptr<Issuer>> issuer(const IssuerParts& parts, Issuer* above = nullptr) {
    return Issuer::make(field_, parts, above);
  }
  Issuer& trusted() { return *trusted_; }

 private:
  Status prepare() {
    CLOISTER_TRY(trusted_, issuer({"trusted"}));
    CLOISTER_TRY(auto domain, identity::TrustDomain::parse(kCanaryDomain));
    identity::BundleContents contents;
    contents.x509_authorities = {trusted_->certificate()};
    CLOISTER_TRY(auto bundle,
                 identity::Bundle::create(std::move(domain), std::move(contents), identity::Conformance::kStrict));
    bundles_ = identity::BundleSet().with(std::move(bundle));
    CLOISTER_TRY(const Issued leaf, trusted_->issue(field_, valid()));
    tally_.honest("the right identity", judge_(field_.now, {leaf.certificate.der()}, bundles_));
    return {};
  }

  const Field& field_;
  const JudgeChain& judge_;
  Tally tally_;
  std::unique_ptr<Issuer> trusted_;
  identity::BundleSet bundles_;
};

Status misissued(Chains& chains) {
  CLOISTER_TRY(const auto other, chains.issuer({"another authority"}));
  CLOISTER_RETURN_IF_ERROR(chains.attack("the right name, from another authority", *other, chains.valid()));
  CLOISTER_RETURN_IF_ERROR(
      chains.attack("the same, with that authority in the chain", *other, chains.valid(), {other.get()}));
  CLOISTER_TRY(const auto namesake, chains.issuer({"trusted"}));
  CLOISTER_RETURN_IF_ERROR(
      chains.attack("from an authority of the trusted one's name", *namesake, chains.valid(), {namesake.get()}));
  CLOISTER_TRY(const auto cross, chains.issuer({"below another"}, other.get()));
  return chains.attack("from an authority below another", *cross, chains.valid(), {cross.get(), other.get()});
}

Status bad_leaves(Chains& chains) {
  Issuer& by = chains.trusted();
  const LeafParts valid = chains.valid();
  LeafParts parts = valid;
  parts.not_after = valid.not_before + minutes(1);
  CLOISTER_RETURN_IF_ERROR(chains.attack("expired", by, parts));
  parts = valid;
  parts.not_before = valid.not_after + minutes(-1);
  CLOISTER_RETURN_IF_ERROR(chains.attack("not yet valid", by, parts));
  parts = valid;
  parts.extended = extended_usage_of_email();
  CLOISTER_RETURN_IF_ERROR(chains.attack("for e-mail alone", by, parts));
  parts = valid;
  parts.usage = crypto::extension_authority_key_usage();
  CLOISTER_RETURN_IF_ERROR(chains.attack("for signing certificates", by, parts));
  parts = valid;
  parts.usage.clear();
  CLOISTER_RETURN_IF_ERROR(chains.attack("without a key usage", by, parts));
  parts = valid;
  parts.basic = crypto::extension_authority(0);
  CLOISTER_RETURN_IF_ERROR(chains.attack("an authority as a leaf", by, parts));
  parts = valid;
  parts.uri.clear();
  CLOISTER_RETURN_IF_ERROR(chains.attack("a common name and no alternative one", by, parts));
  parts = valid;
  parts.uri = "https://redteam.example/workload";
  CLOISTER_RETURN_IF_ERROR(chains.attack("a name that is no SPIFFE ID", by, parts));
  parts = valid;
  parts.uri = "spiffe://redteam.example";
  CLOISTER_RETURN_IF_ERROR(chains.attack("the trust domain's own name", by, parts));
  parts = valid;
  parts.uri = "spiffe://elsewhere.example/workload";
  return chains.attack("a name of another trust domain", by, parts);
}

Status bad_paths(Chains& chains) {
  const LeafParts valid = chains.valid();
  CLOISTER_TRY(const auto no_authority, chains.issuer({"a leaf that signs", "", false}, &chains.trusted()));
  CLOISTER_RETURN_IF_ERROR(
      chains.attack("issued by a certificate that is no authority", *no_authority, valid, {no_authority.get()}));
  CLOISTER_TRY(const auto constrained, chains.issuer({"of elsewhere", "elsewhere.example"}, &chains.trusted()));
  CLOISTER_RETURN_IF_ERROR(
      chains.attack("issued by an authority for other names", *constrained, valid, {constrained.get()}));
  CLOISTER_TRY(const auto hidden, chains.issuer({"not shown"}, &chains.trusted()));
  CLOISTER_RETURN_IF_ERROR(chains.attack("with an authority left out", *hidden, valid));
  std::vector<std::unique_ptr<Issuer>> tower;
  std::vector<const Issuer*> shown;
  for (std::size_t i = 0; i < crypto::kChainLengthMax + 2; ++i) {
    CLOISTER_TRY(auto next, chains.issuer({"storey " + std::to_string(i)},
                                          tower.empty() ? &chains.trusted() : tower.back().get()));
    tower.push_back(std::move(next));
    shown.insert(shown.begin(), tower.back().get());
  }
  return chains.attack("a chain that is too long", *tower.back(), valid, shown);
}

}  // namespace

Status judge_chain(Time now, const std::vector<Bytes>& chain, const identity::BundleSet& bundles) {
  const auto came = net::verify_chain(now, chain, bundles, identity::Conformance::kStrict);
  return came.ok() ? Status() : Status(came.error());
}

Report run_misissued(const Field& field, const JudgeChain& judge) {
  return Chains(field, judge, "RT-T05").run(misissued);
}

Report run_invalid_chains(const Field& field, const JudgeChain& judge) {
  return Chains(field, judge, "RT-T06").run([](Chains& chains) -> Status {
    CLOISTER_RETURN_IF_ERROR(bad_leaves(chains));
    return bad_paths(chains);
  });
}

}  // namespace cloister::redteam
