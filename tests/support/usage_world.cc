#include "tests/support/usage_world.h"

#include <algorithm>
#include <utility>

namespace cloister::testing {

using namespace audit::anomaly;

namespace {

constexpr std::int64_t kMonday = 1767571200000;  // 2026-01-05
constexpr TenantClass kKinds[] = {TenantClass::kInference, TenantClass::kTraining, TenantClass::kMixed,
                                  TenantClass::kInteractive};

std::string_view kind_text(TenantClass kind) {
  switch (kind) {
    case TenantClass::kMixed: return "mixed";
    case TenantClass::kInference: return "inference";
    case TenantClass::kTraining: return "training";
    case TenantClass::kInteractive: return "interactive";
  }
  return "";
}

}  // namespace

UsageWorld::UsageWorld(std::uint64_t seed, const WorldOptions& options) : options_(options), start_ms_(kMonday) {
  for (int i = 0; i < 4; ++i) tenants_.push_back(make_tenant(i, seed * 1000003 + static_cast<std::uint64_t>(i)));
  schedule_attacks(seed);
}

std::string_view UsageWorld::keep(std::string text) { return texts_.emplace_back(std::move(text)); }

std::string_view UsageWorld::new_source(SimTenant& tenant, int group) {
  return keep(tenant.groups[static_cast<std::size_t>(group)] + std::to_string(tenant.random.between(2, 250)));
}

SimTenant UsageWorld::make_tenant(int number, std::uint64_t seed) {
  SimTenant tenant;
  tenant.random = SimRandom(seed);
  tenant.attack_random = SimRandom(seed ^ 0xA77AC4);
  tenant.kind = kKinds[number % 4];
  tenant.name = keep("tenant-" + std::string(kind_text(tenant.kind)));
  constexpr int kOffsets[] = {-8, -5, 0, 1, 5, 8};
  tenant.utc_offset = kOffsets[tenant.random.below(6)];
  tenant.region = keep("region-" + std::to_string(tenant.random.below(3)));
  const int net = tenant.random.between(1, 200);
  for (int i = 0; i < 2; ++i) tenant.groups.push_back("10." + std::to_string(net) + "." + std::to_string(i) + ".");
  // 0 and 1 models, 2 logs, 3 corpus, 4 features, 5 to 8 archives nobody touches after the first day.
  constexpr struct {
    const char* name;
    int datasets;
  } kKeys[] = {{"model-a", 8},    {"model-b", 6},    {"logs", 30},      {"corpus", 60},   {"features", 25},
               {"archive-1", 40}, {"archive-2", 40}, {"archive-3", 40}, {"archive-4", 40}};
  for (const auto& key : kKeys) {
    SimKey made;
    made.id = keep(std::string(tenant.name) + "/" + key.name);
    made.newest = static_cast<std::uint32_t>(tenant.random.between(1, 4));
    for (int i = 0; i < key.datasets; ++i)
      made.datasets.push_back(keep(std::string(key.name) + "/" + std::to_string(i)));
    tenant.keys.push_back(std::move(made));
  }
  make_actors(tenant);
  return tenant;
}

void UsageWorld::name_actor(SimTenant& tenant, SimActor& actor) {
  const std::string version = actor.version > 0 ? "-v" + std::to_string(actor.version) : "";
  actor.principal = keep("spiffe://" + std::string(tenant.name) + ".example/" + actor.stem + version);
}

void UsageWorld::new_measurement(SimTenant& tenant, SimActor& actor) {
  actor.measurement = keep("sha384:" + std::to_string(tenant.random.next()) + std::to_string(tenant.random.next()));
  if (sink_ != nullptr) sink_->allow(tenant.name, actor.measurement);
}

SimActor& UsageWorld::add_actor(SimTenant& tenant, Role role, std::string stem, int key, double level) {
  SimActor& actor = tenant.actors.emplace_back();
  actor.role = role;
  actor.stem = std::move(stem);
  actor.key = key;
  actor.level = level;
  actor.region = tenant.region;
  name_actor(tenant, actor);
  return actor;
}

void UsageWorld::make_actors(SimTenant& tenant) {
  SimRandom& random = tenant.random;
  const bool serves = tenant.kind != TenantClass::kTraining;
  const bool small = tenant.kind == TenantClass::kInteractive;
  for (int i = 0; i < (serves ? 2 : 0); ++i) {
    SimActor& service = add_actor(tenant, Role::kService, i == 0 ? "ns/serve/sa/chat" : "ns/serve/sa/embed", i,
                                  small ? random.between(8.0, 15.0) : random.between(25.0, 60.0));
    service.version = random.between(10, 60);
    name_actor(tenant, service);
    service.growth = random.between(0.99, 1.04);
    for (int replica = random.between(4, 6); replica > 0; --replica)
      service.sources.push_back(new_source(tenant, replica % 2));
  }
  const auto single = [&](Role role, const char* stem, int key, double level) -> SimActor& {
    SimActor& actor = add_actor(tenant, role, stem, key, level);
    actor.sources = {new_source(tenant, random.below(2))};
    return actor;
  };
  if (serves)
    single(Role::kLogWriter, "ns/serve/sa/log-writer", 2, small ? 4 : 15).sources.push_back(new_source(tenant, 0));
  SimActor& reader = single(Role::kLogReader, "ns/data/sa/log-analysis", 2, random.between(60.0, 120.0));
  reader.hour = 2;
  single(Role::kIngest, "ns/data/sa/ingest", 3, random.between(4.0, 8.0));
  if (tenant.kind == TenantClass::kMixed || tenant.kind == TenantClass::kTraining) {
    SimActor& retrain = single(Role::kRetrain, "ns/train/sa/retrain", 4, random.between(800.0, 2500.0));
    retrain.weekday = random.below(7);
    retrain.hour = random.between(1, 5);
    SimActor& trainer = single(Role::kTrainer, "ns/train/sa/trainer", 3, 0);
    for (int i = random.between(7, 15); i > 0; --i) trainer.sources.push_back(new_source(tenant, 1));
  }
  for (int i = random.between(2, 4); i > 0; --i) {
    SimActor& analyst = single(Role::kAnalyst, "ns/people/sa/analyst-", 3, random.between(1.5, 4.0));
    analyst.stem += static_cast<char>('a' + i);
    name_actor(tenant, analyst);
    analyst.sources.push_back(keep("192.168." + std::to_string(random.below(200)) + "." + std::to_string(i + 10)));
    for (int favourite = random.between(5, 9); favourite > 0; --favourite)
      analyst.favourites.push_back(random.below(60));
  }
  single(Role::kRotator, "ns/platform/sa/key-rotator", 0, 0).hour = 3;
  SimActor& backup = single(Role::kBackup, "ns/platform/sa/backup-check", 3, 3);
  backup.weekday = 6;
  backup.hour = 4;
  for (const char* stem : {"ns/people/sa/admin-a", "ns/people/sa/admin-b"}) single(Role::kAdmin, stem, 0, 0.05);
}

void UsageWorld::run(UsageSink& sink) {
  sink_ = &sink;
  for (SimTenant& tenant : tenants_) {
    for (SimActor& actor : tenant.actors) new_measurement(tenant, actor);
  }
  const std::int64_t end_ms = start_ms_ + options_.weeks * 7 * kDayMs;
  for (std::int64_t now = start_ms_; now < end_ms; now += kHourMs) {
    begin_attacks(now);
    for (SimTenant& tenant : tenants_) {
      if ((now - start_ms_) % kDayMs == 0) day(tenant, now);
      hour(tenant, now);
      emit(tenant, now, now + kHourMs);
    }
  }
  sink_ = nullptr;
}

// What is decided once a day: the weather of the day, deployments, incidents, new machines.
void UsageWorld::day(SimTenant& tenant, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  const auto number = (now_ms - start_ms_) / kDayMs;
  const bool weekend = number % 7 >= 5;
  tenant.holiday = !weekend && random.chance(0.03);
  tenant.rotates = number % 14 == 9;
  if (number == 0) {
    const auto backup = std::ranges::find(tenant.actors, Role::kBackup, &SimActor::role);
    for (int key = 5; key < 9; ++key)
      tenant.later.push_back({event_of(tenant, *backup, key, Operation::kUnwrap, now_ms)});
  }
  tenant.busy = random.chance(0.01) ? 1.5 : 1;
  for (SimActor& actor : tenant.actors) {
    actor.day_noise = random.factor(0.08);
    if (actor.role == Role::kService && random.chance(0.02 / 7)) actor.level *= random.between(1.4, 1.8);
    if (actor.role == Role::kLogReader && random.chance(0.1)) actor.sources[0] = new_source(tenant, random.below(2));
    if (actor.role == Role::kIngest && random.chance(0.1)) {
      actor.moves_ms = now_ms + (random.between(9, 18) - tenant.utc_offset) * kHourMs;
    }
    if (actor.role == Role::kAnalyst) actor.source_today = random.below(2);
    if (actor.role == Role::kAnalyst && random.chance(0.002)) {
      actor.travels_until_ms = now_ms + 3 * kDayMs;
      actor.travel_region = keep("region-" + std::to_string(random.between(3, 9)));
      actor.travel_source = keep("172.20." + std::to_string(random.below(250)) + ".9");
    }
  }
  if (!weekend && !tenant.holiday && random.chance(0.3)) deploy(tenant, now_ms);
  if (!weekend && random.chance(0.03)) new_service(tenant, now_ms);
  if (!weekend && random.chance(0.05)) retire_key(tenant, now_ms);
  if (random.chance(0.02)) {
    // A node pool in a new neighbourhood; one replica of each service moves there.
    tenant.groups.push_back(tenant.groups[0].substr(0, tenant.groups[0].size() - 2) +
                            std::to_string(tenant.groups.size()) + ".");
    for (SimActor& actor : tenant.actors) {
      if (actor.role == Role::kService)
        actor.sources[0] = new_source(tenant, static_cast<int>(tenant.groups.size()) - 1);
    }
  }
}

// A new version in working hours: a new identity and a new measurement, which the operator allows first. Now and then
// the policy is forgotten, and the new version is refused until somebody notices.
void UsageWorld::deploy(SimTenant& tenant, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  std::vector<SimActor*> services;
  for (SimActor& actor : tenant.actors) {
    if (actor.version > 0) services.push_back(&actor);
  }
  if (services.empty()) return;
  SimActor& service = *services[static_cast<std::size_t>(random.below(static_cast<int>(services.size())))];
  const std::int64_t moment = now_ms + (random.between(9, 17) - tenant.utc_offset) * kHourMs;
  service.deploys_ms = moment;
  const SimActor before = service;
  for (int i = 0; i < 40; ++i) {  // the old version drains
    tenant.later.push_back(
        {event_of(tenant, before, before.key, Operation::kUnwrap, moment + random.below(15) * kMinuteMs)});
  }
  if (!random.chance(0.03)) return;
  const int number = static_cast<int>(&service - tenant.actors.data());
  for (int i = random.between(50, 300); i > 0; --i) {
    UsageEvent event =
        event_of(tenant, service, service.key, Operation::kUnwrap, moment + random.below(1200) * kSecondMs);
    event.outcome = UsageOutcome::kDenied;
    tenant.later.push_back({event, -1, number});
  }
}

// A workload nobody has seen: on a key of its own, or on one its namespace already uses.
void UsageWorld::new_service(SimTenant& tenant, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  const std::string name = std::string(random.chance(0.5) ? "ns/serve/sa/" : "ns/data/sa/") +
                           static_cast<char>('a' + random.below(26)) + "-service-" +
                           static_cast<char>('a' + tenant.names++);
  int key = name.starts_with("ns/serve") ? random.below(2) : 4;
  const std::int64_t moment = now_ms + (10 - tenant.utc_offset) * kHourMs;
  if (random.chance(0.5)) {
    key = static_cast<int>(tenant.keys.size());
    SimKey made;
    made.id = keep(std::string(tenant.name) + "/" + std::to_string(key));
    for (int i = 0; i < 5; ++i) made.datasets.push_back(keep(std::string(made.id) + "/" + std::to_string(i)));
    tenant.keys.push_back(std::move(made));
    const auto admin = std::ranges::find(tenant.actors, Role::kAdmin, &SimActor::role);
    tenant.later.push_back({event_of(tenant, *admin, key, Operation::kCreateKey, moment - kHourMs)});
  }
  SimActor& service = add_actor(tenant, Role::kService, name, key, random.between(5.0, 15.0));
  service.version = 1;
  service.since_ms = moment;
  name_actor(tenant, service);
  service.sources = {new_source(tenant, 0), new_source(tenant, 1)};
  new_measurement(tenant, service);
}

// Disabled today, condemned days later; seldom, somebody still wanted it.
void UsageWorld::retire_key(SimTenant& tenant, std::int64_t now_ms) {
  SimRandom& random = tenant.random;
  const auto admin = std::ranges::find(tenant.actors, Role::kAdmin, &SimActor::role);
  const std::int64_t moment = now_ms + (11 - tenant.utc_offset) * kHourMs;
  const std::string_view id = keep(std::string(tenant.name) + "/retired-" + std::to_string(tenant.names++));
  SimKey made;
  made.id = id;
  made.datasets = {id};
  tenant.keys.push_back(std::move(made));
  const int key = static_cast<int>(tenant.keys.size()) - 1;
  tenant.later.push_back({event_of(tenant, *admin, key, Operation::kDisableKey, moment)});
  std::int64_t condemned = moment + random.between(3, 10) * kDayMs;
  while ((condemned - start_ms_) / kDayMs % 7 >= 5) condemned += kDayMs;
  tenant.later.push_back({event_of(tenant, *admin, key, Operation::kScheduleDeletion, condemned)});
  if (!random.chance(0.05)) return;
  const auto reader = std::ranges::find(tenant.actors, Role::kLogReader, &SimActor::role);
  UsageEvent event = event_of(tenant, *reader, key, Operation::kUnwrap, condemned + random.between(1, 40) * kHourMs);
  event.outcome = UsageOutcome::kDenied;
  tenant.later.push_back({event});
}

void UsageWorld::emit(SimTenant& tenant, std::int64_t from_ms, std::int64_t to_ms) {
  const auto due = std::partition(tenant.later.begin(), tenant.later.end(),
                                  [to_ms](const SimEvent& event) { return event.event.time.unix_ms >= to_ms; });
  tenant.hour.insert(tenant.hour.end(), due, tenant.later.end());
  tenant.later.erase(due, tenant.later.end());
  for (SimEvent& event : tenant.hour) event.event.time.unix_ms = std::max(event.event.time.unix_ms, from_ms);
  // By time, and what is of one millisecond in the order it was made.
  for (std::size_t i = 0; i < tenant.hour.size(); ++i) tenant.hour[i].event.audit_index = i;
  std::ranges::sort(tenant.hour, {},
                    [](const SimEvent& event) { return std::pair(event.event.time.unix_ms, event.event.audit_index); });
  for (SimEvent& event : tenant.hour) {
    if (event.actor >= 0) {
      event.event.principal = tenant.actors[static_cast<std::size_t>(event.actor)].principal;
      event.event.measurement = tenant.actors[static_cast<std::size_t>(event.actor)].measurement;
    }
    if (event.attack >= 0) {
      auto& principals = attacks_[static_cast<std::size_t>(event.attack)].principals;
      if (std::ranges::find(principals, event.event.principal) == principals.end())
        principals.push_back(event.event.principal);
    }
    if (event.event.operation == Operation::kUnwrap) {
      const auto key = std::ranges::find(tenant.keys, event.event.key_id, &SimKey::id);
      if (key != tenant.keys.end()) key->used_ms = event.event.time.unix_ms;
    }
    tenant.index += event.lost + 1;
    event.event.audit_index = tenant.index;
    ++events_;
    sink_->use(event.event, event.attack);
  }
  tenant.hour.clear();
}

}  // namespace cloister::testing
