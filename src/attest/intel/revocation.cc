#include "attest/intel/revocation.h"

#include <algorithm>

#include "attest/intel/statement.h"
#include "crypto/crl.h"

namespace cloister::attest::intel {
namespace {

constexpr std::string_view kCheck = "revocation";

struct Lookup {
  std::string key;  // of the list
  const crypto::Certificate& issuer;
  std::vector<Bytes> serials;
  bool pinned;  // it ends at a root of Intel's: only such a list says what was seen
};

std::optional<Refusal> look_up(Verdict& verdict, const Lookup& lookup, const Question& question) {
  const std::string name = "the " + lookup.key + " authority's revocation list";
  const CollateralItem* item =
      question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kIntelCrl, lookup.key);
  if (item == nullptr) return Refusal{Reason::kRevocationUnknown, name + " is missing"};
  verdict.used.push_back({item->name(), item->digest()});
  const auto parsed = crypto::parse_revocation_list(question.cache, item->body);
  if (!parsed.ok()) return Refusal{Reason::kMalformed, name + ": " + parsed.error().message()};
  const crypto::RevocationList* const list = parsed->get();
  const Status signature = list->verify(lookup.issuer, question.cache);
  if (!signature.ok()) {
    const bool denied = signature.error().code() == Code::kDenied;
    return Refusal{denied ? Reason::kBindingMismatch : Reason::kBadSignature,
                   name + ": " + signature.error().message()};
  }
  if (lookup.pinned && question.now >= list->this_update()) {
    const std::int64_t issued = std::max<std::int64_t>(list->this_update().unix_ms / 1000, 0);
    verdict.seen["intel/crl/" + lookup.key] = static_cast<std::uint64_t>(issued);
  }
  for (const Bytes& serial : lookup.serials) {
    // An old list is right about what it revokes.
    if (list->contains(serial)) return Refusal{Reason::kRevoked, "Intel has revoked a certificate of the chain"};
  }
  return outside(list->this_update(), list->next_update(), question.now, name);
}

}  // namespace

void check_revocation(Verdict& verdict, const PckChain& chain, const std::vector<crypto::Certificate>& signers,
                      const Question& question) {
  const crypto::Certificate& authority = chain.intermediates.front();
  const bool pinned = question.anchors->trusts(Root::kIntelSgx, chain.root.spki_digest());
  Lookup by_root{"root", chain.root, {authority.facts().serial}, pinned};
  for (const crypto::Certificate& signer : signers) by_root.serials.push_back(signer.facts().serial);
  const Lookup by_authority{
      std::string(authority_key(chain.authority)), authority, {chain.leaf.facts().serial}, pinned};
  const auto first = look_up(verdict, by_root, question);
  const auto second = look_up(verdict, by_authority, question);
  // What was found to be wrong counts for more than what couldn't be looked up.
  const auto& worse = first && (first->reason != Reason::kRevocationUnknown || !second) ? first : second;
  const auto& revoked = second && second->reason == Reason::kRevoked ? second : worse;
  if (!revoked) {
    verdict.pass(std::string(kCheck), "neither the platform's key nor who certified it is revoked");
  } else if (revoked->reason == Reason::kRevocationUnknown) {
    verdict.skip(std::string(kCheck), revoked->reason, revoked->detail);
  } else {
    verdict.fail(std::string(kCheck), revoked->reason, revoked->detail);
  }
}

}  // namespace cloister::attest::intel
