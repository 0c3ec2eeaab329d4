#include "home/collateral_wanted.h"

#include <algorithm>

namespace cloister::home {
namespace {

void add_needs(const attest::Evidence& evidence, Wanted& wanted) {
  for (attest::CollateralNeed& need : attest::needs(evidence)) wanted.needs.push_back(std::move(need));
}

}  // namespace

void Wanted::add(Wanted more) {
  std::ranges::move(more.needs, std::back_inserter(needs));
  hints.ocsp_requests.merge(more.hints.ocsp_requests);
}

Wanted wanted_by(const attest::EvidenceSet& evidence) {
  Wanted wanted;
  add_needs(evidence.primary, wanted);
  for (const attest::Evidence& device : evidence.devices) add_needs(device, wanted);
  return wanted;
}

Fetched fetch_wanted(CollateralFetcher& fetcher, Wanted wanted, const attest::Collateral&,
                     const std::function<bool()>& go_on) {
  Fetched fetched;
  for (std::size_t i = 0; i < wanted.needs.size() && go_on(); ++i) {
    const attest::CollateralNeed need = wanted.needs[i];
    auto item = fetcher.fetch(need, wanted.hints);
    if (item.ok()) {
      fetched.collateral.add(std::move(*item));
    } else {
      fetched.failures.push_back({need, item.error()});
    }
  }
  return fetched;
}

}  // namespace cloister::home
