// Which collateral evidence asks for, and fetching it with what it asks for in turn.
#pragma once

#include "attest/verifier.h"
#include "home/collateral_fetch.h"

namespace cloister::home {

struct Wanted {
  std::vector<attest::CollateralNeed> needs;
  FetchHints hints;
  void add(Wanted more);
};
Wanted wanted_by(const attest::EvidenceSet& evidence);

// What a run brought.
struct Fetched {
  attest::Collateral collateral;
  struct Failure {
    attest::CollateralNeed need;
    Error error;
  };
  std::vector<Failure> failures;
};

// All of them, one after the other, until `go_on` says no; and what the pieces that came need themselves: a RIM is
// signed by certificates that can be revoked. `kept` has the answers of OCSP that are asked for again.
Fetched fetch_wanted(CollateralFetcher& fetcher, Wanted wanted, const attest::Collateral& kept,
                     const std::function<bool()>& go_on);

}  // namespace cloister::home
