// What attackers do on a simulated platform, from the blunt to the patient.
#include <algorithm>
#include <utility>

#include "tests/support/usage_world.h"

namespace cloister::testing {

using namespace audit::anomaly;

std::string_view attack_name(AttackKind kind) {
  switch (kind) {
    case AttackKind::kMassDecrypt: return "mass decrypt";
    case AttackKind::kNewIdentity: return "new identity";
    case AttackKind::kDormantKey: return "dormant key";
    case AttackKind::kOffHours: return "off-hours";
    case AttackKind::kHostChange: return "host change";
    case AttackKind::kProbing: return "wrong-tenant probing";
    case AttackKind::kSlowDrip: return "slow drip";
    case AttackKind::kDestructive: return "destructive sequence";
    case AttackKind::kMeasurement: return "swapped measurement";
    case AttackKind::kStaleVersion: return "stale version";
    case AttackKind::kThrottling: return "throttled flood";
    case AttackKind::kLogGap: return "records cut from the log";
  }
  return "";
}

// Puts one attack's events into its tenant's future.
struct AttackMaker {
  UsageWorld& world;
  SimTenant& tenant;
  Attack& attack;
  int number;
  SimRandom& random;

  int actor_of(Role role) {
    std::vector<int> fitting;
    for (int i = 0; i < static_cast<int>(tenant.actors.size()); ++i) {
      const SimActor& actor = tenant.actors[static_cast<std::size_t>(i)];
      if (actor.role == role && attack.start_ms >= actor.since_ms + 8 * kDayMs) fitting.push_back(i);
    }
    return fitting.empty() ? -1 : fitting[static_cast<std::size_t>(random.below(static_cast<int>(fitting.size())))];
  }
  SimActor& actor(int index) { return tenant.actors[static_cast<std::size_t>(index)]; }
  SimKey& key(int index) { return tenant.keys[static_cast<std::size_t>(index)]; }
  std::string_view any_dataset(int index) {
    const auto& datasets = key(index).datasets;
    return datasets[static_cast<std::size_t>(random.below(static_cast<int>(datasets.size())))];
  }
  std::string_view source_in(std::string_view group) {
    return world.keep(std::string(group) + std::to_string(random.between(2, 250)));
  }
  std::string_view strange_source() {
    return source_in("10." + std::to_string(random.between(201, 250)) + "." + std::to_string(random.below(250)) + ".");
  }

  UsageEvent event_of(const SimActor& by, int key_number, Operation operation, std::int64_t ms) {
    // The tenant's own random numbers are for honest traffic, which must be the same without the attack.
    std::swap(tenant.random, random);
    const UsageEvent event = world.event_of(tenant, by, key_number, operation, ms);
    std::swap(tenant.random, random);
    return event;
  }
  void push(UsageEvent event, int by = -1) {
    tenant.later.push_back({event, number, by});
    attack.end_ms = std::max(attack.end_ms, event.time.unix_ms);
  }
  // `deks` spread evenly over a time, in batches.
  void unwrap(const SimActor& by, int by_number, int key_number, int deks, std::int64_t from_ms, std::int64_t span_ms,
              int batch_max) {
    while (deks > 0) {
      UsageEvent event = event_of(by, key_number, Operation::kUnwrap,
                                  from_ms + static_cast<std::int64_t>(random.uniform() * double(span_ms)));
      const int batch = std::min(deks, random.between(1, batch_max));
      event.dek_count = static_cast<std::uint32_t>(batch);
      event.dataset = any_dataset(key_number);
      push(event, by_number);
      deks -= batch;
    }
  }

  void mass_decrypt();
  void new_identity();
  void dormant_key();
  void off_hours();
  void host_change();
  void probing();
  void slow_drip();
  void destructive();
  void other();
  void make();
};

void AttackMaker::mass_decrypt() {
  attack.accepted = {Kind::kUnwrapSurge, Kind::kBreadth, Kind::kImbalance};
  const std::int64_t start = attack.start_ms;
  const double pick = random.uniform();
  const int service = actor_of(Role::kService), trainer = actor_of(Role::kTrainer);
  if (pick < 0.3 && service >= 0) {
    attack.variant = "a service's identity";
    unwrap(actor(service), service, actor(service).key, random.between(600, 5000), start,
           random.between(5, 40) * kMinuteMs, 20);
  } else if (pick < 0.45 && service >= 0) {
    attack.variant = "a service's identity, small and patient";
    unwrap(actor(service), service, actor(service).key, random.between(350, 600), start,
           random.between(60, 90) * kMinuteMs, 6);
  } else if (pick < 0.6 && trainer >= 0) {
    attack.variant = "hidden in an announced job";
    const int announced = random.between(500, 3000);
    const auto id = world.keep("job-" + std::to_string(random.next() % 100000));
    const SimActor& by = actor(trainer);
    const PlannedJob plan{id,
                          by.principal,
                          key(by.key).id,
                          static_cast<std::uint64_t>(announced),
                          Time{start - kMinuteMs},
                          Time{start + kDayMs}};
    if (world.options_.inject) world.sink_->plan(tenant.name, plan);
    const std::size_t first = tenant.later.size();
    const int all = announced + static_cast<int>(announced * random.between(0.4, 2.0));
    unwrap(by, trainer, by.key, all, start, random.between(1, 60) * kMinuteMs, 50);
    for (std::size_t i = first; i < tenant.later.size(); ++i) tenant.later[i].event.job_id = id;
  } else if (pick < 0.75) {
    attack.variant = "the log reader's identity, by day";
    const int reader = actor_of(Role::kLogReader);
    unwrap(actor(reader), reader, actor(reader).key, random.between(500, 3000), start,
           random.between(5, 60) * kMinuteMs, 20);
  } else {
    attack.variant = "an analyst's identity";
    const int analyst = actor_of(Role::kAnalyst);
    unwrap(actor(analyst), analyst, actor(analyst).key, random.between(400, 3000), start,
           random.between(10, 60) * kMinuteMs, 20);
  }
}

void AttackMaker::new_identity() {
  attack.accepted = {Kind::kNewActor,  Kind::kUnwrapSurge,      Kind::kBreadth,
                     Kind::kTwoPlaces, Kind::kMeasurementDrift, Kind::kOffHours};
  const int service = actor_of(Role::kService) >= 0 ? actor_of(Role::kService) : actor_of(Role::kIngest);
  SimActor rogue = actor(service);
  const double pick = random.uniform();
  const bool mimics = pick >= 0.55 && rogue.version > 0;
  if (mimics) {
    rogue.version += 1;
  } else {
    rogue.stem =
        rogue.stem.substr(0, rogue.stem.rfind('/') + 1) + "tool-" + static_cast<char>('a' + random.below(26)) + "x";
    rogue.version = 0;
  }
  world.name_actor(tenant, rogue);
  rogue.sources = {source_in(tenant.groups[0])};
  int deks = random.between(20, 200);
  std::int64_t span = random.between(1, 6) * kHourMs;
  if (pick < 0.3) {
    attack.variant = "a workload of its own, inside the cluster";
  } else if (pick < 0.55 || (!mimics && pick < 0.8)) {
    attack.variant = "a workload of its own, from outside";
    rogue.sources = {strange_source()};
    rogue.measurement = {};
  } else if (mimics && pick < 0.8) {
    attack.variant = "named like the next version, from outside";
    rogue.sources = {strange_source()};
    rogue.measurement = {};
  } else {
    attack.variant = "named like the next version, inside, taking much";
    deks = random.between(500, 1500);
    span = kHourMs;
  }
  unwrap(rogue, -1, rogue.key, deks, attack.start_ms, span, 6);
}

void AttackMaker::dormant_key() {
  attack.accepted = {Kind::kDormantKey, Kind::kNewActor};
  int archive = random.between(5, 8);
  for (int other = 5; other < 9; ++other) {
    if (key(other).used_ms < key(archive).used_ms) archive = other;
  }
  const Role roles[] = {Role::kAdmin, Role::kAnalyst, Role::kIngest};
  const int by = actor_of(roles[random.below(3)]);
  if (random.chance(0.3)) {
    attack.variant = "condemned, then used";
    const int admin = actor_of(Role::kAdmin);
    UsageEvent condemn = event_of(actor(admin), archive, Operation::kScheduleDeletion, attack.start_ms);
    if (world.options_.inject) tenant.later.push_back({condemn});
    attack.start_ms += random.between(1, 20) * kHourMs;
  } else {
    attack.variant = "unused for weeks, then used";
  }
  unwrap(actor(by), by, archive, random.between(1, 20), attack.start_ms, 2 * kHourMs, 3);
}

void AttackMaker::off_hours() {
  attack.accepted = {Kind::kOffHours, Kind::kNewActor, Kind::kUnwrapSurge};
  const bool analyst = random.chance(0.7);
  attack.variant = analyst ? "an analyst's identity at night" : "the ingest identity at night";
  const int by = actor_of(analyst ? Role::kAnalyst : Role::kIngest);
  unwrap(actor(by), by, actor(by).key, random.between(4, 60), attack.start_ms, random.between(20, 50) * kMinuteMs, 6);
}

void AttackMaker::host_change() {
  attack.accepted = {Kind::kTwoPlaces, Kind::kNewActor};
  const int service = actor_of(Role::kService);
  const double pick = random.uniform();
  const std::int64_t span = random.between(1, 4) * kHourMs;
  if (pick < 0.55 && service >= 0) {
    SimActor moved = actor(service);
    moved.sources = {strange_source()};
    attack.variant =
        pick < 0.3 ? "a service's identity in another region" : "a service's identity in a strange neighbourhood";
    if (pick < 0.3) moved.region = world.keep("region-" + std::to_string(random.between(10, 99)));
    unwrap(moved, service, moved.key, random.between(20, 150), attack.start_ms, span, 4);
  } else if (pick < 0.8) {
    attack.variant = "the ingest identity on a second host next door";
    const int ingest = actor_of(Role::kIngest);
    SimActor moved = actor(ingest);
    const std::string_view own = moved.sources[0];
    moved.sources = {source_in(own.substr(0, own.rfind('.') + 1))};
    unwrap(moved, ingest, moved.key, random.between(30, 90), attack.start_ms, span, 2);
  } else {
    attack.variant = "an analyst's identity in another region";
    const int analyst = actor_of(Role::kAnalyst);
    SimActor moved = actor(analyst);
    moved.region = world.keep("region-" + std::to_string(random.between(10, 99)));
    moved.sources = {strange_source()};
    unwrap(moved, analyst, moved.key, random.between(5, 40), attack.start_ms, span, 4);
  }
}

void AttackMaker::probing() {
  attack.accepted = {Kind::kCrossTenantProbe};
  const int by = actor_of(random.chance(0.5) ? Role::kAnalyst : Role::kIngest);
  const SimActor& identity = actor(by);
  const double pick = random.uniform();
  int tries = random.between(1, 5);
  std::int64_t span = random.between(1, 60) * kMinuteMs;
  UsageOutcome outcome = UsageOutcome::kWrongTenant;
  attack.variant = "another tenant's keys";
  if (pick >= 0.7) {
    attack.variant = "ciphertexts replayed in the wrong context";
    tries = random.between(4, 9);
    span = random.between(1, 6) * kHourMs;
    outcome = UsageOutcome::kWrongContext;
  } else if (pick >= 0.4) {
    attack.variant = "one denied key after the other, slowly";
    tries = random.between(7, 20);
    span = random.between(1, 20) * kHourMs;
    outcome = UsageOutcome::kDenied;
  }
  for (int i = 0; i < tries; ++i) {
    UsageEvent event = event_of(identity, identity.key, Operation::kUnwrap, attack.start_ms + span * i / tries);
    event.outcome = outcome;
    event.dataset = outcome == UsageOutcome::kWrongContext ? any_dataset(3) : std::string_view();
    if (outcome != UsageOutcome::kWrongContext)
      event.key_id = world.keep("guess-" + std::to_string(random.next() % 100000));
    push(event, by);
  }
}

void AttackMaker::slow_drip() {
  attack.accepted = {Kind::kUnwrapSurge, Kind::kBreadth, Kind::kImbalance};
  const int service = actor_of(Role::kService), analyst = actor_of(Role::kAnalyst);
  const bool by_service = service >= 0 && random.chance(0.75);
  const double more = random.between(0.35, 0.8);
  attack.variant = !by_service  ? "an analyst's identity, many datasets a day"
                   : more < 0.5 ? "a service's identity, 35 to 50 % more"
                                : "a service's identity, 50 to 80 % more";
  const int days = random.between(4, 7);
  for (int hour = 0; hour < days * 24; ++hour) {
    const std::int64_t at = attack.start_ms + hour * kHourMs;
    const std::int64_t local = at - world.start_ms_ + tenant.utc_offset * kHourMs + 7 * kDayMs;
    const auto local_hour = local / kHourMs % 24, weekday = local / kDayMs % 7;
    if (by_service && local_hour >= 8 && local_hour < 20) {
      const double usual = actor(service).level * 2.5 * (weekday >= 5 ? 0.7 : 0.95);
      unwrap(actor(service), service, actor(service).key, random.poisson(usual * more), at, kHourMs, 4);
    } else if (!by_service && weekday < 5 && local_hour >= 9 && local_hour < 18) {
      unwrap(actor(analyst), analyst, actor(analyst).key, random.between(4, 16), at, kHourMs, 2);
    }
  }
}

void AttackMaker::destructive() {
  attack.accepted = {Kind::kDestructiveSequence};
  const int admin = actor_of(Role::kAdmin);
  const double pick = random.uniform();
  std::vector<std::pair<Operation, int>> acts;
  std::int64_t span = random.between(2, 30) * kMinuteMs;
  const auto on_keys = [&](Operation operation, int count) {
    for (int i = 0; i < count; ++i) acts.emplace_back(operation, (i + number) % 5);
  };
  if (pick < 0.35) {
    attack.variant = pick < 0.2 ? "disable, condemn, audit off" : "disable, condemn, audit off, within 20 hours";
    if (pick >= 0.2) span = 20 * kHourMs;
    const int count = random.between(2, 4);
    on_keys(Operation::kDisableKey, count);
    on_keys(Operation::kScheduleDeletion, count);
    acts.emplace_back(Operation::kDisableAudit, 0);
  } else if (pick < 0.5) {
    attack.variant = "foreign material imported, old keys condemned";
    on_keys(Operation::kImportMaterial, 1);
    on_keys(Operation::kScheduleDeletion, 2);
  } else if (pick < 0.7) {
    attack.variant = "all rotated, old versions cut off";
    on_keys(Operation::kRotateKey, 5);
    on_keys(random.chance(0.5) ? Operation::kTrimVersions : Operation::kRaiseMinimumVersion, 5);
  } else if (pick < 0.85) {
    attack.variant = "many condemned at once";
    on_keys(Operation::kScheduleDeletion, random.between(3, 5));
  } else {
    attack.variant = "one condemned every other day";
    span = 10 * kDayMs;
    on_keys(Operation::kScheduleDeletion, 5);
  }
  for (std::size_t i = 0; i < acts.size(); ++i) {
    const std::int64_t at =
        attack.start_ms + span * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(acts.size());
    push(event_of(actor(admin), acts[i].second, acts[i].first, at), admin);
  }
  for (const auto& act : acts) attack.keys.push_back(key(act.second).id);
  if (!world.options_.inject) return;
  // Somebody puts things right afterwards.
  const int other = actor_of(Role::kAdmin);
  for (const auto& [operation, key_number] : acts) {
    const std::int64_t at = attack.end_ms + 2 * kHourMs + random.below(60) * kSecondMs;
    if (operation == Operation::kScheduleDeletion) {
      tenant.later.push_back({event_of(actor(other), key_number, Operation::kCancelDeletion, at), -1, other});
    } else if (operation == Operation::kDisableKey) {
      tenant.later.push_back({event_of(actor(other), key_number, Operation::kEnableKey, at), -1, other});
    }
  }
}

void AttackMaker::other() {
  const std::int64_t start = attack.start_ms;
  const int ingest = actor_of(Role::kIngest);
  if (attack.kind == AttackKind::kMeasurement) {
    attack.variant = "a changed image that was let in";
    attack.accepted = {Kind::kMeasurementDrift};
    SimActor changed = actor(ingest);
    changed.measurement = world.keep("sha384:changed" + std::to_string(random.next()));
    unwrap(changed, -1, changed.key, 5, start, kHourMs, 2);
  } else if (attack.kind == AttackKind::kStaleVersion) {
    attack.variant = "wraps under an old version";
    attack.accepted = {Kind::kStaleVersion};
    for (int i = 0; i < 5; ++i) {
      UsageEvent event = event_of(actor(ingest), actor(ingest).key, Operation::kWrap, start + i * kMinuteMs);
      event.newest_version = std::max(event.newest_version, 2U);
      event.key_version = event.newest_version - 1;
      push(event, ingest);
    }
  } else if (attack.kind == AttackKind::kThrottling) {
    attack.variant = "sixty throttled calls a minute";
    attack.accepted = {Kind::kThrottling};
    for (int i = 0; i < 2400; ++i) {
      UsageEvent event = event_of(actor(ingest), actor(ingest).key, Operation::kUnwrap, start + i * kSecondMs);
      event.throttled = true;
      event.outcome = UsageOutcome::kFailed;
      push(event, ingest);
    }
  } else {
    attack.variant = "a few records";
    attack.accepted = {Kind::kLogTampering};
    push(event_of(actor(ingest), actor(ingest).key, Operation::kWrap, start + kMinuteMs), ingest);
    tenant.later.back().lost = static_cast<std::uint64_t>(random.between(1, 50));
  }
}

void AttackMaker::make() {
  switch (attack.kind) {
    case AttackKind::kMassDecrypt: return mass_decrypt();
    case AttackKind::kNewIdentity: return new_identity();
    case AttackKind::kDormantKey: return dormant_key();
    case AttackKind::kOffHours: return off_hours();
    case AttackKind::kHostChange: return host_change();
    case AttackKind::kProbing: return probing();
    case AttackKind::kSlowDrip: return slow_drip();
    case AttackKind::kDestructive: return destructive();
    default: return other();
  }
}

// Attacks of one tenant keep half a day's distance, so that a finding belongs to one of them.
void UsageWorld::schedule_attacks(std::uint64_t seed) {
  SimRandom random(seed * 7919 + 13);
  const auto place = [&](AttackKind kind) {
    for (int attempt = 0; attempt < 500; ++attempt) {
      Attack attack;
      attack.kind = kind;
      attack.tenant = random.below(4);
      const int last_day = options_.weeks * 7 - (kind == AttackKind::kSlowDrip      ? 8
                                                 : kind == AttackKind::kDestructive ? 11
                                                                                    : 2);
      // A key that was used three weeks ago isn't dormant yet.
      const int first_day = std::max(options_.quiet_weeks * 7, kind == AttackKind::kDormantKey ? 23 : 0);
      const int day = random.between(first_day, last_day);
      int local_hour = random.below(24);
      if (kind == AttackKind::kOffHours) local_hour = random.between(1, 4);
      if (kind == AttackKind::kHostChange) local_hour = random.between(9, 16);
      if (kind == AttackKind::kSlowDrip) local_hour = 0;
      attack.start_ms = start_ms_ + day * kDayMs +
                        (local_hour - tenants_[static_cast<std::size_t>(attack.tenant)].utc_offset) * kHourMs;
      attack.end_ms = attack.start_ms + (kind == AttackKind::kSlowDrip      ? 7 * kDayMs
                                         : kind == AttackKind::kDestructive ? 10 * kDayMs
                                                                            : kDayMs);
      const bool free = std::ranges::none_of(attacks_, [&](const Attack& other) {
        return other.tenant == attack.tenant && attack.start_ms < other.end_ms + kDayMs / 2 &&
               other.start_ms < attack.end_ms + kDayMs / 2;
      });
      if (!free) continue;
      attacks_.push_back(std::move(attack));
      return;
    }
  };
  for (int kind = kAttackKinds - 1; kind >= 0; --kind) {
    const int count = kind < kAttackKindsCounted ? options_.attacks_of_kind : 1;
    for (int i = 0; i < count; ++i) place(static_cast<AttackKind>(kind));
  }
}

void UsageWorld::begin_attacks(std::int64_t now_ms) {
  for (std::size_t i = 0; i < attacks_.size(); ++i) {
    Attack& attack = attacks_[i];
    if (!attack.variant.empty() || attack.start_ms < now_ms || attack.start_ms >= now_ms + kHourMs) continue;
    SimTenant& tenant = tenants_[static_cast<std::size_t>(attack.tenant)];
    const std::size_t before = tenant.later.size();
    attack.end_ms = attack.start_ms;
    AttackMaker{*this, tenant, attack, static_cast<int>(i), tenant.attack_random}.make();
    if (options_.inject) continue;
    for (std::size_t event = before; event < tenant.later.size(); ++event) {
      attack.principals.push_back(tenant.later[event].event.principal);
    }
    tenant.later.resize(before);
  }
}

}  // namespace cloister::testing
