#include "home/collateral_wanted.h"

#include <algorithm>

#include "attest/nvidia/verify.h"
#include "crypto/ocsp.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;

void add_needs(const attest::Evidence& evidence, Wanted& wanted) {
  for (attest::CollateralNeed& need : attest::needs(evidence)) wanted.needs.push_back(std::move(need));
  if (evidence.kind != attest::Kind::kNvidiaGpu && evidence.kind != attest::Kind::kNvidiaSwitch) return;
  wanted.hints.ocsp_requests.merge(attest::nvidia::ocsp_requests(evidence));
}

// What a piece that is kept, or just came, lets ask for.
void add_hints(const attest::CollateralItem& item, FetchHints& hints) {
  if (item.kind == CollateralKind::kNvidiaRim) {
    hints.ocsp_requests.merge(attest::nvidia::ocsp_requests_of_rim(item.body));
  }
  if (item.kind != CollateralKind::kNvidiaOcsp) return;
  const auto response = crypto::parse_ocsp(item.body);
  if (!response.ok() || response->answers.size() != 1) return;
  auto request = crypto::ocsp_request_again(response->answers.front());
  if (request) hints.ocsp_requests.emplace(item.key, std::move(*request));
}

// The pieces that one that came needs itself, unless they are kept or already asked for.
void add_needs_of(const attest::CollateralItem& item, const attest::Collateral& kept, Wanted& wanted) {
  if (item.kind != CollateralKind::kNvidiaRim) return;
  for (attest::CollateralNeed& need : attest::nvidia::rim_needs(item.body)) {
    if (kept.find(need.kind, need.key) != nullptr || std::ranges::count(wanted.needs, need) != 0) continue;
    wanted.needs.push_back(std::move(need));
  }
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

Fetched fetch_wanted(CollateralFetcher& fetcher, Wanted wanted, const attest::Collateral& kept,
                     const std::function<bool()>& go_on) {
  // What is kept first: evidence says what it likes.
  FetchHints hints;
  for (const auto& [name, item] : kept.items()) add_hints(item, hints);
  hints.ocsp_requests.merge(wanted.hints.ocsp_requests);
  wanted.hints = std::move(hints);
  Fetched fetched;
  for (std::size_t i = 0; i < wanted.needs.size() && go_on(); ++i) {
    const attest::CollateralNeed need = wanted.needs[i];
    auto item = fetcher.fetch(need, wanted.hints);
    if (!item.ok()) {
      fetched.failures.push_back({need, item.error()});
      continue;
    }
    add_hints(*item, wanted.hints);
    add_needs_of(*item, kept, wanted);
    fetched.collateral.add(std::move(*item));
  }
  return fetched;
}

}  // namespace cloister::home
