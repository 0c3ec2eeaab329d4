#include "audit/anomaly/posture_drift.h"

#include <bit>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

constexpr std::uint8_t kKnown = 1 << 7;

enum class Good : bool { kUnset, kSet };

struct Fact {
  bool KeyFacts::* field;
  Good good;
  Severity worse;
  std::string_view what;
};
constexpr Fact kFacts[] = {
    {&KeyFacts::rotation_on, Good::kSet, Severity::kMedium, "its rotation was switched off"},
    {&KeyFacts::customer_managed, Good::kSet, Severity::kMedium, "the provider manages it now"},
    {&KeyFacts::exportable, Good::kUnset, Severity::kHigh, "it can be exported now"},
    {&KeyFacts::hardware_protected, Good::kSet, Severity::kHigh, "it is no longer protected by hardware"},
    {&KeyFacts::policy_wildcard, Good::kUnset, Severity::kHigh, "its policy lets any principal use it now"},
    {&KeyFacts::attestation_required, Good::kSet, Severity::kHigh, "it unwraps without attestation now"},
    {&KeyFacts::flagged_for_deletion, Good::kUnset, Severity::kMedium, "it was flagged for deletion"},
};

}  // namespace

// A bit is set where the fact is bad, so that drift is a bit that appears.
std::uint8_t facts_of(const KeyFacts& facts) {
  unsigned bits = kKnown;
  for (std::size_t i = 0; i < std::size(kFacts); ++i) {
    const bool bad = facts.*kFacts[i].field != (kFacts[i].good == Good::kSet);
    bits |= unsigned{bad} << i;
  }
  return static_cast<std::uint8_t>(bits);
}

void watch_posture(Scene& scene, std::uint8_t facts) {
  const std::uint8_t before = scene.key->facts;
  scene.key->facts = facts;
  if ((before & kKnown) == 0) return;
  for (std::size_t i = 0; i < std::size(kFacts); ++i) {
    if ((facts >> i & 1) == 0 || (before >> i & 1) != 0) continue;
    Finding* finding = scene.tell(Kind::kPostureDrift, kFacts[i].worse, scene.names.of(scene.key->id, i + 1), 1,
                                  scene.event.audit_index);
    if (finding == nullptr) continue;
    finding->what = "key " + printable(scene.event.key_id) +
                    " got worse since it was last looked at: " + std::string(kFacts[i].what);
    finding->contributions = {{"facts that are bad now", double(std::popcount(unsigned(facts & ~kKnown))),
                               double(std::popcount(unsigned(before & ~kKnown)))}};
  }
}

}  // namespace cloister::audit::anomaly
