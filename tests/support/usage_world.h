// A simulated platform: weeks of key usage by several tenants, with everything that makes honest traffic look odd, and
// with attacks. Nothing here is known to the detectors but the events, the jobs a scheduler would announce, and the
// measurements a deployment would allow.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "audit/anomaly/finding.h"
#include "audit/anomaly/thresholds.h"
#include "audit/anomaly/usage_event.h"
#include "tests/support/sim_random.h"

namespace cloister::testing {

inline constexpr std::int64_t kSecondMs = 1000, kMinuteMs = 60'000, kHourMs = 3'600'000, kDayMs = 86'400'000;

enum class AttackKind {
  kMassDecrypt,
  kNewIdentity,
  kDormantKey,
  kOffHours,
  kHostChange,
  kProbing,
  kSlowDrip,
  kDestructive,
  // Found by a rule each; reported, but not counted towards the goal.
  kMeasurement,
  kStaleVersion,
  kThrottling,
  kLogGap,
};
inline constexpr int kAttackKinds = 12, kAttackKindsCounted = 8;
std::string_view attack_name(AttackKind kind);

struct Attack {
  AttackKind kind{};
  std::string variant;
  int tenant = 0;
  std::vector<std::string_view> principals;  // whose identities it used; none where it isn't of anybody
  std::vector<std::string_view> keys;        // that it condemned
  std::int64_t start_ms = 0, end_ms = 0;
  std::vector<audit::anomaly::Kind> accepted;  // kinds of findings that would lead somebody to it
};

class UsageSink {
 public:
  virtual ~UsageSink() = default;
  // `attack` is an index into UsageWorld::attacks(), or -1: for the score, never for a detector.
  virtual void use(const audit::anomaly::UsageEvent& event, int attack) = 0;
  virtual void plan(std::string_view tenant, const audit::anomaly::PlannedJob& job) = 0;
  virtual void allow(std::string_view tenant, std::string_view measurement) = 0;
};

struct WorldOptions {
  int weeks = 8;
  int quiet_weeks = 2;      // without attacks
  int attacks_of_kind = 2;  // of each counted kind; one of each other
  bool inject = true;       // false: attacks are scheduled and never happen, to see what would be found by luck
};

struct SimKey {
  std::string_view id;
  std::uint32_t newest = 1;
  std::vector<std::string_view> datasets;
  std::int64_t used_ms = -1;
  bool disabled = false, condemned = false;
};

enum class Role { kService, kLogWriter, kLogReader, kIngest, kAnalyst, kTrainer, kRetrain, kRotator, kAdmin, kBackup };

struct SimActor {
  Role role{};
  std::string stem;  // principal without its version
  int version = 0;   // 0: the principal has none
  std::string_view principal, measurement, region;
  std::vector<std::string_view> sources;
  int key = 0;
  double level = 0;  // events an hour at the height of the day, or DEKs of a run
  double growth = 1, day_noise = 1;
  int weekday = 0, hour = 0;  // of a weekly run, local
  std::int64_t since_ms = 0, deploys_ms = 0,
               moves_ms = 0;  // at work since; the next version takes over (0: none is due)
  std::int64_t travels_until_ms = 0;
  std::string_view travel_region, travel_source;
  int source_today = 0;         // of somebody who is in one place at a time
  std::vector<int> favourites;  // datasets
};

struct SimJob {
  std::string_view id;
  int actor = 0;
  std::int64_t start_ms = 0, end_ms = 0;
  int deks = 0;
};

struct SimEvent {
  audit::anomaly::UsageEvent event;
  int attack = -1;
  int actor = -1;          // whose current identity it bears when it happens; -1: the one it has
  std::uint64_t lost = 0;  // records that vanish from the log before it
};

struct SimTenant {
  std::string_view name;
  audit::anomaly::TenantClass kind{};
  int utc_offset = 0;
  std::string_view region;
  std::vector<std::string> groups;  // "10.3.1."
  std::vector<SimKey> keys;
  std::vector<SimActor> actors;
  std::vector<SimJob> jobs;
  std::vector<std::pair<std::int64_t, int>> retirements;  // when a disabled key is condemned
  std::uint64_t index = 0;
  std::vector<SimEvent> hour;   // what happens in this hour
  std::vector<SimEvent> later;  // what is known to happen after it
  bool holiday = false, rotates = false;
  double busy = 1;
  int names = 0;
  SimRandom random{0}, attack_random{0};
};

class UsageWorld {
 public:
  UsageWorld(std::uint64_t seed, const WorldOptions& options);

  // From the first hour to the last, in order of time within each tenant.
  void run(UsageSink& sink);
  const std::vector<Attack>& attacks() const { return attacks_; }
  const std::vector<SimTenant>& tenants() const { return tenants_; }
  std::uint64_t events() const { return events_; }

 private:
  friend struct AttackMaker;

  std::string_view keep(std::string text);
  SimTenant make_tenant(int number, std::uint64_t seed);
  void make_actors(SimTenant& tenant);
  SimActor& add_actor(SimTenant& tenant, Role role, std::string stem, int key, double level);
  void name_actor(SimTenant& tenant, SimActor& actor);
  std::string_view new_source(SimTenant& tenant, int group);
  void new_measurement(SimTenant& tenant, SimActor& actor);

  void day(SimTenant& tenant, std::int64_t now_ms);
  void deploy(SimTenant& tenant, std::int64_t now_ms);
  void new_service(SimTenant& tenant, std::int64_t now_ms);
  void retire_key(SimTenant& tenant, std::int64_t now_ms);
  void hour(SimTenant& tenant, std::int64_t now_ms);
  void act(SimTenant& tenant, int actor, std::int64_t now_ms);
  void serve(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms, int local_hour, bool weekend);
  void analyse(SimTenant& tenant, SimActor& actor, std::int64_t now_ms, int local_hour, bool weekend);
  void run_batch(SimTenant& tenant, const SimActor& actor, std::int64_t start_ms, int deks, int minutes);
  void start_job(SimTenant& tenant, int actor, std::int64_t start_ms, std::string_view job_id, int deks);
  void checkpoint(SimTenant& tenant, std::int64_t now_ms);
  void rotate(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms);
  void administer(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms);
  void emit(SimTenant& tenant, std::int64_t from_ms, std::int64_t to_ms);

  // An event of this actor under this key at this time, dressed with what the actor and the key are now.
  audit::anomaly::UsageEvent event_of(SimTenant& tenant, const SimActor& actor, int key,
                                      audit::anomaly::Operation operation, std::int64_t ms);

  void schedule_attacks(std::uint64_t seed);
  void begin_attacks(std::int64_t now_ms);

  std::deque<std::string> texts_;
  WorldOptions options_;
  std::int64_t start_ms_ = 0;
  std::vector<SimTenant> tenants_;
  std::vector<Attack> attacks_;
  UsageSink* sink_ = nullptr;
  std::uint64_t events_ = 0;
};

}  // namespace cloister::testing
