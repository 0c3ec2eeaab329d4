// Which of two pieces of collateral is kept: the newer one, by what they say of themselves; and floors, which only
// rise. Nothing here is verified: a forged date can at most keep a genuine piece from being fetched again, or be
// fetched again too early.
#pragma once

#include <string>
#include <vector>

#include "attest/collateral/bundle.h"

namespace cloister::attest {

// What a body says of itself.
struct CollateralFacts {
  std::optional<Time> issued, expires;
  std::optional<std::uint64_t> number;  // Intel's tcbEvaluationDataNumber
};
// kInvalid for a body that isn't of that kind: a page of a proxy in place of a list of revocations.
Result<CollateralFacts> collateral_facts(CollateralKind kind, ByteView body);

// With its dates. kInvalid as above, for a key that is none, and for an OCSP answer about another certificate than the
// key names: it would drive out the right one.
Result<CollateralItem> make_collateral(const CollateralNeed& of, Bytes body, std::string issuer_chain, Time fetched);

enum class Merged { kAdded, kReplaced, kSame, kOlder };
// Takes it in unless what is there is newer: a higher number, else a later date of issue, else fetched later.
Merged merge(Collateral& into, CollateralItem item);

struct MergeReport {
  std::size_t added = 0, replaced = 0, same = 0;
  std::vector<std::string> older;  // names of those that were left out
};
MergeReport merge(Collateral& into, const Collateral& from);

// The higher of both. Whether any rose.
bool raise(Floors& floors, const Floors& seen);

// The floor that keeps older bundles of that signer out: its value is the newest one's time.
std::string bundle_floor(std::string_view signer);
// All of a bundle, its floors too. kDenied for one that is older than another of its signer that was taken before.
Result<MergeReport> take_bundle(const OpenedBundle& opened, Collateral& collateral, Floors& floors);

}  // namespace cloister::attest
