// What each honest actor of a simulated platform does in an hour.
#include <algorithm>

#include "tests/support/usage_world.h"

namespace cloister::testing {

using namespace audit::anomaly;

namespace {

// How busy people, and the services they use, are at this hour of their day: 1 at the height of the afternoon.
double diurnal(int local_hour) {
  return 0.25 + 0.75 * (0.5 - 0.5 * std::cos((local_hour - 3) * 6.283185307179586 / 24));
}

}  // namespace

UsageEvent UsageWorld::event_of(SimTenant& tenant, const SimActor& actor, int key, Operation operation,
                                std::int64_t ms) {
  SimKey& used = tenant.keys[static_cast<std::size_t>(key)];
  UsageEvent event;
  event.time = Time{ms};
  event.tenant = tenant.name;
  event.principal = actor.principal;
  event.operation = operation;
  event.key_id = used.id;
  event.key_version = event.newest_version = used.newest;
  event.measurement = actor.measurement;
  const bool travels = ms < actor.travels_until_ms;
  event.region = travels ? actor.travel_region : actor.region;
  const int any = tenant.random.below(static_cast<int>(actor.sources.size()));
  const auto source = static_cast<std::size_t>(
      actor.role == Role::kAnalyst ? actor.source_today % static_cast<int>(actor.sources.size()) : any);
  event.source = travels ? actor.travel_source : actor.sources[source];
  event.latency = Duration{tenant.random.between(2, 20)};
  return event;
}

void UsageWorld::hour(SimTenant& tenant, std::int64_t now_ms) {
  for (int actor = 0; actor < static_cast<int>(tenant.actors.size()); ++actor) act(tenant, actor, now_ms);
  checkpoint(tenant, now_ms);
}

void UsageWorld::act(SimTenant& tenant, int number, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  SimActor& actor = tenant.actors[static_cast<std::size_t>(number)];
  const std::int64_t local = now_ms - start_ms_ + tenant.utc_offset * kHourMs + 7 * kDayMs;
  const int local_hour = static_cast<int>(local / kHourMs % 24), weekday = static_cast<int>(local / kDayMs % 7);
  const bool weekend = weekday >= 5;
  if (now_ms < actor.since_ms) return;
  if (actor.deploys_ms != 0 && now_ms >= actor.deploys_ms) {
    actor.deploys_ms = 0;
    ++actor.version;
    name_actor(tenant, actor);
    new_measurement(tenant, actor);
  }
  if (actor.moves_ms != 0 && now_ms >= actor.moves_ms) {
    // The pod moves; for two minutes both are there.
    const auto old_source = actor.sources[0];
    actor.moves_ms = 0;
    actor.sources[0] = new_source(tenant, random.below(2));
    for (int i = 0; i < 4; ++i) {
      UsageEvent event = event_of(tenant, actor, actor.key, Operation::kWrap, now_ms + i * 30 * kSecondMs);
      if (i % 2 == 0) event.source = old_source;
      tenant.hour.push_back({event});
    }
  }
  switch (actor.role) {
    case Role::kService:
    case Role::kLogWriter: return serve(tenant, actor, now_ms, local_hour, weekend);
    case Role::kLogReader:
      if (local_hour == actor.hour) {
        run_batch(tenant, actor, now_ms + random.below(30) * kMinuteMs,
                  static_cast<int>(actor.level * random.factor(0.15)), 10);
      }
      return;
    case Role::kIngest:
      if (local_hour < 8 || local_hour >= 20 || tenant.holiday) return;
      for (int i = random.poisson(actor.level * (weekend ? 0.5 : 1)); i > 0; --i) {
        UsageEvent event =
            event_of(tenant, actor, actor.key, Operation::kWrap, now_ms + random.below(3600) * kSecondMs);
        event.dek_count = static_cast<std::uint32_t>(random.between(1, 10));
        tenant.hour.push_back({event});
      }
      return;
    case Role::kAnalyst: return analyse(tenant, actor, now_ms, local_hour, weekend);
    case Role::kTrainer: {
      const double a_day = tenant.kind == TenantClass::kTraining ? 0.7 : 0.15;
      if (weekend || local_hour < 8 || local_hour >= 22 || !random.chance(a_day / 14)) return;
      const std::string_view id = keep("job-" + std::to_string(random.next() % 100000));
      return start_job(tenant, number, now_ms + random.below(50) * kMinuteMs, id, random.between(500, 6000));
    }
    case Role::kRetrain:
      // Cron, which nobody announces; twenty minutes early or late.
      if (weekday == actor.weekday && local_hour == actor.hour) {
        const std::int64_t start = now_ms + random.between(0, 40) * kMinuteMs;
        run_batch(tenant, actor, start, static_cast<int>(actor.level * random.factor(0.15)), random.between(5, 15));
      }
      return;
    case Role::kRotator:
      if (tenant.rotates && local_hour == actor.hour) rotate(tenant, actor, now_ms);
      return;
    case Role::kAdmin:
      if (!weekend && !tenant.holiday && local_hour >= 9 && local_hour < 18 && random.chance(actor.level)) {
        administer(tenant, actor, now_ms);
      }
      return;
    case Role::kBackup:
      if (weekday == actor.weekday && local_hour == actor.hour) {
        for (int key = 0; key < 5; ++key) {
          tenant.hour.push_back(
              {event_of(tenant, actor, key, Operation::kUnwrap, now_ms + random.below(60) * kMinuteMs)});
        }
      }
      return;
  }
}

void UsageWorld::serve(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms, int local_hour, bool weekend) {
  SimRandom& random = tenant.random;
  const double weeks = static_cast<double>(now_ms - start_ms_) / (7 * kDayMs);
  const double rate = actor.level * diurnal(local_hour) * (weekend ? 0.75 : 1) * (tenant.holiday ? 0.6 : 1) *
                      tenant.busy * std::pow(actor.growth, weeks) * actor.day_noise * random.factor(0.12);
  const bool writes = actor.role == Role::kLogWriter;
  const SimKey& key = tenant.keys[static_cast<std::size_t>(actor.key)];
  for (int i = random.poisson(rate); i > 0; --i) {
    UsageEvent event = event_of(tenant, actor, actor.key, writes ? Operation::kWrap : Operation::kUnwrap,
                                now_ms + random.below(3600) * kSecondMs + random.below(1000));
    event.dek_count = static_cast<std::uint32_t>(writes ? 1 : random.between(1, 4));
    const int datasets = static_cast<int>(key.datasets.size());
    event.dataset = key.datasets[static_cast<std::size_t>(random.skewed(datasets))];
    // Old objects are opened under old versions until they are rewrapped.
    if (!writes && event.newest_version > 1 && random.chance(0.1)) --event.key_version;
    tenant.hour.push_back({event});
  }
}

void UsageWorld::analyse(SimTenant& tenant, SimActor& actor, std::int64_t now_ms, int local_hour, bool weekend) {
  SimRandom& random = tenant.random;
  double likely = 0;
  if (local_hour >= 9 && local_hour < 18) likely = weekend ? 0.012 : 0.6;
  if (local_hour >= 18 && local_hour < 22) likely = weekend ? 0.006 : 0.06;
  if (tenant.holiday) likely *= 0.05;
  if (!random.chance(likely)) return;
  const SimKey& key = tenant.keys[static_cast<std::size_t>(actor.key)];
  if (random.chance(0.01))
    actor.favourites[static_cast<std::size_t>(random.below(static_cast<int>(actor.favourites.size())))] =
        random.below(60);
  for (int i = random.poisson(actor.level) + 1; i > 0; --i) {
    UsageEvent event = event_of(tenant, actor, actor.key, Operation::kUnwrap, now_ms + random.below(3600) * kSecondMs);
    event.dek_count = static_cast<std::uint32_t>(random.between(1, 20));
    const int favourite =
        actor.favourites[static_cast<std::size_t>(random.below(static_cast<int>(actor.favourites.size())))];
    event.dataset = key.datasets[static_cast<std::size_t>(random.chance(0.06) ? random.below(60) : favourite)];
    if (random.chance(0.005)) event.outcome = UsageOutcome::kDenied;
    tenant.hour.push_back({event});
  }
}

// Many DEKs within minutes, each of some dataset of its key.
void UsageWorld::run_batch(SimTenant& tenant, const SimActor& actor, std::int64_t start_ms, int deks, int minutes) {
  SimRandom& random = tenant.random;
  const SimKey& key = tenant.keys[static_cast<std::size_t>(actor.key)];
  while (deks > 0) {
    UsageEvent event =
        event_of(tenant, actor, actor.key, Operation::kUnwrap, start_ms + random.below(minutes * 60) * kSecondMs);
    const int batch = std::min(deks, random.between(5, 40));
    event.dek_count = static_cast<std::uint32_t>(batch);
    event.dataset = key.datasets[static_cast<std::size_t>(random.below(10))];
    tenant.later.push_back({event});
    deks -= batch;
  }
}

// Thousands of unwraps within a minute. The scheduler announces the job; now and then somebody starts one by hand.
void UsageWorld::start_job(SimTenant& tenant, int number, std::int64_t start_ms, std::string_view id, int deks) {
  SimRandom& random = tenant.random;
  const SimActor& actor = tenant.actors[static_cast<std::size_t>(number)];
  SimKey& key = tenant.keys[static_cast<std::size_t>(actor.key)];
  const bool announced = random.chance(0.97);
  const std::int64_t end_ms = start_ms + random.between(2, 40) * kHourMs;
  const PlannedJob plan{id, actor.principal, key.id, static_cast<std::uint64_t>(deks), Time{start_ms}, Time{end_ms}};
  if (announced) sink_->plan(tenant.name, plan);
  tenant.jobs.push_back({id, number, start_ms, end_ms, deks});
  const int seconds = random.between(20, 90);
  for (int left = deks; left > 0;) {
    UsageEvent event = event_of(tenant, actor, actor.key, Operation::kUnwrap, start_ms + random.below(seconds * 1000));
    const int batch = std::min(left, random.between(10, 50));
    event.dek_count = static_cast<std::uint32_t>(batch);
    event.dataset = key.datasets[static_cast<std::size_t>(random.below(60))];
    if (announced) event.job_id = id;
    tenant.later.push_back({event});
    left -= batch;
    if (random.chance(0.1)) {
      event.throttled = true;
      event.outcome = UsageOutcome::kFailed;
      tenant.later.push_back({event});
    }
  }
}

void UsageWorld::checkpoint(SimTenant& tenant, std::int64_t now_ms) {
  std::erase_if(tenant.jobs, [now_ms](const SimJob& job) { return job.end_ms < now_ms; });
  for (const SimJob& job : tenant.jobs) {
    if (now_ms < job.start_ms) continue;
    const SimActor& actor = tenant.actors[static_cast<std::size_t>(job.actor)];
    for (int i = tenant.random.between(1, 8); i > 0; --i) {
      UsageEvent event =
          event_of(tenant, actor, actor.key, Operation::kWrap, now_ms + tenant.random.below(60) * kMinuteMs);
      event.job_id = job.id;
      tenant.hour.push_back({event});
    }
  }
}

void UsageWorld::rotate(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms) {
  for (int key = 0; key < 5; ++key) {
    ++tenant.keys[static_cast<std::size_t>(key)].newest;
    tenant.hour.push_back({event_of(tenant, actor, key, Operation::kRotateKey, now_ms + key * kSecondMs)});
  }
  for (int key = 0; key < 5; ++key) {
    UsageEvent event = event_of(tenant, actor, key, Operation::kRewrap, now_ms + (20 + key) * kMinuteMs);
    event.dek_count = 5000;
    tenant.hour.push_back({event});
    const std::int64_t trimmed = now_ms + 5 * kDayMs + key * kSecondMs;
    tenant.later.push_back({event_of(tenant, actor, key, Operation::kTrimVersions, trimmed)});
  }
}

void UsageWorld::administer(SimTenant& tenant, const SimActor& actor, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  const std::int64_t moment = now_ms + random.below(50) * kMinuteMs;
  const int key = random.below(5);
  if (random.chance(0.9)) {
    tenant.hour.push_back({event_of(tenant, actor, key, Operation::kChangePolicy, moment)});
  } else if (random.chance(0.8)) {
    tenant.hour.push_back({event_of(tenant, actor, key, Operation::kDisableKey, moment)});
    tenant.hour.push_back({event_of(tenant, actor, key, Operation::kEnableKey, moment + 5 * kMinuteMs)});
  } else {
    // A question of compliance: one look into an archive.
    UsageEvent event = event_of(tenant, actor, random.between(5, 8), Operation::kUnwrap, moment);
    tenant.hour.push_back({event});
  }
}

}  // namespace cloister::testing
