// All that is remembered of one tenant, in tables that can't grow past their limits.
#pragma once

#include <memory>

#include "audit/anomaly/bounded_table.h"
#include "audit/anomaly/breadth.h"
#include "audit/anomaly/destructive.h"
#include "audit/anomaly/imbalance.h"
#include "audit/anomaly/key_life.h"
#include "audit/anomaly/log_watch.h"
#include "audit/anomaly/novelty.h"
#include "audit/anomaly/off_hours.h"
#include "audit/anomaly/places.h"
#include "audit/anomaly/planned_jobs.h"
#include "audit/anomaly/probing.h"
#include "audit/anomaly/rate_series.h"
#include "audit/anomaly/throttling.h"

namespace cloister::audit::anomaly {

// One SPIFFE id.
struct Principal {
  static constexpr std::size_t kChecked = 4;
  struct Checked {
    std::uint64_t whole = 0;
    std::int64_t hour = -1;
    template <typename Archive>
    void transfer(Archive& archive) {
      archive(whole, hour);
    }
    bool valid() const { return true; }
  };

  std::uint64_t id = 0, family = 0;
  std::int64_t first_ms = -1;  // of the first event that was allowed
  double novelty = 0;          // bits at novelty_ms
  std::int64_t novelty_ms = 0;
  std::array<Checked, kChecked> checked{};
  Places places;
  Refusals refusals;
  ThrottleBucket throttle;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, family, first_ms, novelty, novelty_ms, checked, places, refusals, throttle);
  }
  bool valid() const { return id != 0 && family != 0 && novelty >= 0; }
};

// The identities of one workload, whatever their version or replica: family_of.
struct Family {
  std::uint64_t id = 0, parent = 0;
  std::int64_t first_ms = 0;
  std::int64_t last_ms = -1;     // where a source was known and no job announced it
  std::uint32_t operations = 0;  // a bit for each it has done
  std::uint32_t groups = 0;      // neighbourhoods it was seen in
  NoveltyRate new_edges;
  HourHabits hours;
  BreadthDay breadth;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, parent, first_ms, last_ms, operations, groups, new_edges, hours, breadth);
  }
  bool valid() const { return id != 0; }
};

struct KeyState {
  std::uint64_t id = 0;
  std::int64_t first_ms = 0;
  std::int64_t created_ms = -1;  // only if we saw it
  std::uint8_t facts = 0;        // facts_of
  KeyLife life;
  ShareHistory shares;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, first_ms, created_ms, facts, life, shares);
  }
  bool valid() const { return id != 0; }
};

// An edge, a neighbourhood, a region, a measurement: all that counts is whether it was there.
struct Seen {
  std::uint64_t id = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id);
  }
  bool valid() const { return id != 0; }
};

// A finding that was told and may still be going on.
struct OpenFinding {
  std::uint64_t id = 0;
  std::int64_t told_ms = 0, last_ms = 0;
  Severity severity{};
  std::uint64_t held_back = 0;

  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, told_ms, last_ms, severity, held_back);
  }
  bool valid() const { return id != 0; }
};

struct Tenant {
  explicit Tenant(const Limits& limits)
      : principals(limits.principals),
        families(limits.families),
        keys(limits.keys),
        series(limits.series),
        seen(limits.seen),
        jobs(limits.jobs),
        measurements(limits.measurements),
        open(limits.open) {}

  std::uint64_t id = 0;
  TenantClass kind = TenantClass::kMixed;
  std::int64_t first_ms = -1;  // of the first event
  std::int64_t now_ms = -1;    // of the latest one; time doesn't go back here
  FalseDiscoveryBudget discoveries;
  NoveltyRate new_principals, new_families, new_edges;
  DestructiveWatch destruction;
  LogWatch log;
  LatencyWatch latency;

  BoundedTable<Principal> principals;
  BoundedTable<Family> families;
  BoundedTable<KeyState> keys;
  BoundedTable<RateSeries> series;
  BoundedTable<Seen> seen;
  BoundedTable<JobState> jobs;
  BoundedTable<Seen> measurements;  // the allow-set
  BoundedTable<OpenFinding> open;

  // Everything but the tables.
  template <typename Archive>
  void transfer(Archive& archive) {
    archive(id, kind, first_ms, now_ms, discoveries.left, discoveries.refilled_ms, new_principals, new_families,
            new_edges, destruction, log, latency);
  }
  bool valid() const { return id != 0 && static_cast<unsigned>(kind) < kTenantClasses && now_ms >= first_ms; }
};

}  // namespace cloister::audit::anomaly
