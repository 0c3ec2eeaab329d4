// Every number the detectors judge by, in one place, and how much they may remember. docs/anomalies.md says how to
// tune.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "audit/anomaly/false_discovery.h"
#include "base/clock.h"
#include "base/result.h"

namespace cloister::audit::anomaly {

// What a tenant mostly does, for the days before its own habits are known.
enum class TenantClass : std::uint8_t { kMixed, kInference, kTraining, kInteractive };
inline constexpr unsigned kTenantClasses = 4;

// What UsageEvent::audit_index is.
enum class LogIndices : std::uint8_t {
  kConsecutive,  // the tenant's whole log in its order: a gap or a repetition is a sign of tampering
  kReference,    // where to look in the log, and no more: several threads or machines write it
};

// Ceilings for a tenant or a series that is still learning.
struct ClassPrior {
  double deks_per_hour = 0;
  double datasets_per_day = 0;
};

struct Thresholds {
  // Learning and telling.
  Duration learning = days(7);              // per tenant and per series
  Duration cool_down = hours(24);           // the same thing is told again only after this long without it
  Duration reminder = days(7);              // or when it has gone on for this long
  Duration clock_regress = Duration{5000};  // records may arrive this much out of order
  LogIndices log_indices = LogIndices::kConsecutive;
  std::array<ClassPrior, kTenantClasses> priors = {ClassPrior{3000, 40}, ClassPrior{8000, 30}, ClassPrior{3000, 60},
                                                   ClassPrior{600, 30}};

  // Unwrap surge, per principal's family and key.
  double surge_z = 4.5;                // robust z: (value - median) / MAD, of logarithms
  double surge_minute_deks_min = 100;  // fewer in a minute never are a surge
  double surge_minute_peak_ratio = 2;  // over the largest minute known
  double surge_hour_deks_min = 120;    // over what is usual for this hour of the week
  double surge_hour_ratio = 2;         // over the same
  double surge_spread_min = 0.2;       // of logarithms: habits are never taken to be steadier than this
  FalseDiscoveryBudget::Rules surge_discovery;

  // Slow drip: the surge's slow half, a CUSUM over days.
  double drip_slack = 0.6;            // standard deviations a day may be over its expectation
  double drip_limit = 3.5;            // standard deviations, summed
  double drip_day_clip = 3;           // what one day may add at most: two days at least
  double drip_day_spread_min = 0.08;  // of logarithms
  double drip_deks_min = 100;         // over the expectation, in all
  double drip_day_deks_soft = 50;     // added to both sides: a few DEKs more on a quiet day are no news

  // Breadth: distinct datasets per family and day.
  double breadth_min = 12;
  double breadth_quantile = 0.95;
  double breadth_ratio = 2;
  std::uint32_t breadth_days_min = 7;

  // Decrypt/encrypt imbalance, per key and day.
  double imbalance_p = 1e-6;
  double imbalance_concentration = 30;     // of the beta that daily shares are drawn from
  double imbalance_share_usual_max = 0.8;  // above this the share says nothing
  double imbalance_share_excess = 0.15;    // over the highest daily share known
  double imbalance_unwraps_min = 60;

  // New actor or edge, in bits of surprise that fade with a half-life of a day.
  double novelty_bits = 10;

  // Cross-tenant probing.
  std::uint32_t probe_tenant_critical = 3;      // attempts at another tenant's keys that make it critical; one is high
  std::uint32_t probe_targets_min = 5;          // distinct keys or datasets refused within a day
  std::uint32_t probe_context_targets_min = 3;  // the same, with wrong keys and contexts
  double probe_burst = 1000;                    // refusals in ten minutes, whatever the target

  // Two places.
  Duration place_together = Duration{1'800'000};  // seen within half an hour is seen at the same time
  Duration place_travel = hours(2);               // from one region to another is faster than anybody moves
  std::uint32_t place_turns = 3;       // returns from one source to another, counted once in a sixth of place_together
  std::uint32_t place_groups_max = 4;  // a family known from more neighbourhoods than this moves about

  // Off-hours, per family.
  std::uint32_t hours_distance_min = 4;  // from the nearest usual hour
  std::uint32_t hours_active_min = 20;   // hours a family was seen in before it has habits
  double hours_deks_min = 3;

  // Stale version, dormant key, usage limit.
  std::uint32_t stale_versions = 3;      // behind the newest, for an unwrap
  Duration stale_wrap_grace = hours(1);  // after a rotation, for a wrap
  Duration dormant = days(21);
  double usage_limit_calls = 4294967296.0;  // 2^32 wraps per key version: random nonces under AES-GCM
  double usage_limit_exports = 16;          // per key version

  // Throttling abuse, per principal: a bucket that leaks.
  double throttle_leak_per_minute = 30;
  double throttle_bucket = 600;

  // Destructive sequence.
  std::uint32_t destructive_keys_min = 3;  // distinct keys that make a mass of it

  Status validate() const;  // kInvalid and the name of the first field that makes no sense
};

// What is remembered at most, per tenant where not said otherwise. The least recently seen makes room; one tenant can't
// push out another's. docs/anomalies.md has the bytes.
struct Limits {
  std::size_t tenants = 256;  // in all
  std::size_t principals = 512;
  std::size_t families = 256;
  std::size_t keys = 512;
  std::size_t series = 512;  // families times keys
  std::size_t seen = 2048;   // edges, neighbourhoods, regions, measurements
  std::size_t jobs = 128;
  std::size_t measurements = 256;
  std::size_t open = 256;  // findings

  static constexpr std::size_t kMax = 1 << 20;  // of any of them
  Status validate() const;
};

}  // namespace cloister::audit::anomaly
