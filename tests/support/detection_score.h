// What the detectors find in simulated worlds, and what they cry out for nothing.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "audit/anomaly/detector.h"
#include "tests/support/usage_world.h"

namespace cloister::testing {

struct Tally {
  int injected = 0, found = 0;
  std::vector<double> delay_minutes;  // of those found, from the first event of the attack
  std::vector<double> deks_before;    // taken before the finding
};

struct DetectionScore {
  std::array<Tally, kAttackKinds> attacks;
  std::map<std::string, Tally> variants;                       // "slow drip: a service's identity, ..."
  std::array<int, audit::anomaly::kKinds + 1> false_alarms{};  // by kind of finding
  double tenant_weeks = 0;
  std::uint64_t events = 0;
  std::vector<std::string> missed, cried;  // for a look at single cases

  int injected() const;  // of the kinds that count towards the goal
  int found() const;
  double false_alarms_per_tenant_week() const;
  void add(const DetectionScore& other);
};

// Runs one world through a detector. An attack counts as found by a finding of an accepted kind, in its tenant, of a
// principal of the family it used, between its first event and twelve hours after its last. A finding of another kind
// that fits one in all else counts neither way; every other finding is a false alarm.
DetectionScore score_world(std::uint64_t seed, const WorldOptions& options,
                           const audit::anomaly::Thresholds& thresholds = {});

void print(const DetectionScore& score);

}  // namespace cloister::testing
