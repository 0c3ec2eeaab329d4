#include "tests/support/detection_score.h"

#include <algorithm>
#include <cstdio>

#include "audit/anomaly/names.h"

namespace cloister::testing {

using namespace audit::anomaly;

namespace {

class Scorer final : public UsageSink {
 public:
  Scorer(UsageWorld& world, Detector detector) : world_(world), detector_(std::move(detector)) {}

  void use(const UsageEvent& event, int attack) override {
    if (attack >= 0) {
      State& state = state_of(attack);
      if (state.first_ms < 0) state.first_ms = event.time.unix_ms;
      const bool taken = event.operation == Operation::kUnwrap && event.outcome == UsageOutcome::kAllowed;
      if (state.found_ms < 0 && taken) state.deks += event.dek_count;
    }
    for (const Finding& finding : detector_.observe(event)) judge(finding);
  }
  void plan(std::string_view tenant, const PlannedJob& job) override {
    CLOISTER_CHECK(detector_.plan_job(tenant, job).ok());
  }
  void allow(std::string_view tenant, std::string_view measurement) override {
    detector_.allow_measurement(tenant, measurement);
  }
  Detector& detector() { return detector_; }

  DetectionScore score(double weeks, bool injected) {
    DetectionScore score = std::move(score_);
    for (std::size_t i = 0; i < world_.attacks().size(); ++i) {
      const Attack& attack = world_.attacks()[i];
      const State state = state_of(static_cast<int>(i));
      const std::string name = std::string(attack_name(attack.kind)) + ": " + attack.variant;
      for (Tally* tally : {&score.attacks[static_cast<std::size_t>(attack.kind)], &score.variants[name]}) {
        ++tally->injected;
        if (state.found_ms < 0) continue;
        ++tally->found;
        if (!injected) continue;
        tally->delay_minutes.push_back(static_cast<double>(state.found_ms - state.first_ms) / kMinuteMs);
        tally->deks_before.push_back(state.deks);
      }
      if (state.found_ms < 0)
        score.missed.push_back(name + " of " +
                               std::string(world_.tenants()[static_cast<std::size_t>(attack.tenant)].name));
    }
    score.tenant_weeks = weeks * static_cast<double>(world_.tenants().size());
    score.events = world_.events();
    return score;
  }

 private:
  struct State {
    std::int64_t first_ms = -1, found_ms = -1;
    double deks = 0;
  };
  State& state_of(int attack) {
    if (states_.size() <= static_cast<std::size_t>(attack)) states_.resize(static_cast<std::size_t>(attack) + 1);
    return states_[static_cast<std::size_t>(attack)];
  }

  bool fits(const Finding& finding, const Attack& attack) const {
    if (world_.tenants()[static_cast<std::size_t>(attack.tenant)].name != finding.tenant) return false;
    if (attack.variant.empty()) return false;  // not begun
    if (finding.time.unix_ms < attack.start_ms || finding.time.unix_ms > attack.end_ms + kDayMs / 2) return false;
    if (finding.principal.empty()) return attack.kind == AttackKind::kLogGap;
    // That a key it condemned is still in use is told of whoever uses it.
    if (std::ranges::find(attack.keys, finding.key_id) != attack.keys.end()) return true;
    const std::string family = family_of(finding.principal);
    return std::ranges::any_of(attack.principals, [&](std::string_view own) { return family_of(own) == family; });
  }

  void judge(const Finding& finding) {
    bool attributed = false;
    for (std::size_t i = 0; i < world_.attacks().size(); ++i) {
      const Attack& attack = world_.attacks()[i];
      if (!fits(finding, attack)) continue;
      attributed = true;
      State& state = state_of(static_cast<int>(i));
      const bool accepted = std::ranges::find(attack.accepted, finding.kind) != attack.accepted.end();
      if (accepted && state.found_ms < 0) state.found_ms = finding.time.unix_ms;
    }
    if (attributed) return;
    ++score_.false_alarms[static_cast<std::size_t>(finding.kind)];
    score_.cried.push_back(to_rfc3339(finding.time) + " " + explain(finding));
  }

  UsageWorld& world_;
  Detector detector_;
  std::vector<State> states_;
  DetectionScore score_;
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void add(Tally& to, const Tally& from) {
  to.injected += from.injected;
  to.found += from.found;
  to.delay_minutes.insert(to.delay_minutes.end(), from.delay_minutes.begin(), from.delay_minutes.end());
  to.deks_before.insert(to.deks_before.end(), from.deks_before.begin(), from.deks_before.end());
}

void print_row(const std::string& name, const Tally& tally) {
  std::printf("%-72s %8d %6d %7.1f %% %10.1f min %8.0f\n", name.c_str(), tally.injected, tally.found,
              tally.injected == 0 ? 0 : 100.0 * tally.found / tally.injected, median(tally.delay_minutes),
              median(tally.deks_before));
}

}  // namespace

int DetectionScore::injected() const {
  int sum = 0;
  for (int i = 0; i < kAttackKindsCounted; ++i) sum += attacks[static_cast<std::size_t>(i)].injected;
  return sum;
}

int DetectionScore::found() const {
  int sum = 0;
  for (int i = 0; i < kAttackKindsCounted; ++i) sum += attacks[static_cast<std::size_t>(i)].found;
  return sum;
}

double DetectionScore::false_alarms_per_tenant_week() const {
  double sum = 0;
  for (const int count : false_alarms) sum += count;
  return tenant_weeks > 0 ? sum / tenant_weeks : 0;
}

void DetectionScore::add(const DetectionScore& other) {
  for (std::size_t i = 0; i < attacks.size(); ++i) testing::add(attacks[i], other.attacks[i]);
  for (const auto& [name, tally] : other.variants) testing::add(variants[name], tally);
  for (std::size_t i = 0; i < false_alarms.size(); ++i) false_alarms[i] += other.false_alarms[i];
  tenant_weeks += other.tenant_weeks;
  events += other.events;
  missed.insert(missed.end(), other.missed.begin(), other.missed.end());
  cried.insert(cried.end(), other.cried.begin(), other.cried.end());
}

DetectionScore score_world(std::uint64_t seed, const WorldOptions& options, const Thresholds& thresholds) {
  UsageWorld world(seed, options);
  auto detector = Detector::create(thresholds, Limits(), seed);
  CLOISTER_CHECK(detector.ok());
  Scorer scorer(world, std::move(detector).value());
  for (const SimTenant& tenant : world.tenants()) {
    scorer.detector().set_tenant_class(tenant.name, tenant.kind);
  }
  world.run(scorer);
  return scorer.score(options.weeks, options.inject);
}

void print(const DetectionScore& score) {
  std::printf("%-72s %8s %6s %9s %14s %8s\n", "attack", "injected", "found", "", "median delay", "DEKs");
  for (int i = 0; i < kAttackKinds; ++i) {
    if (i == kAttackKindsCounted) {
      std::printf("%-72s %8d %6d %7.1f %%\n", "all of these", score.injected(), score.found(),
                  100.0 * score.found() / std::max(1, score.injected()));
    }
    print_row(std::string(attack_name(static_cast<AttackKind>(i))), score.attacks[static_cast<std::size_t>(i)]);
  }
  std::printf("\nby variant\n");
  for (const auto& [name, tally] : score.variants) print_row(name, tally);
  std::printf("\nfalse alarms: %.2f per tenant and week, over %.0f tenant-weeks\n",
              score.false_alarms_per_tenant_week(), score.tenant_weeks);
  for (unsigned kind = 1; kind <= kKinds; ++kind) {
    if (score.false_alarms[kind] == 0) continue;
    std::printf("  %-28s %5d   %.3f\n", std::string(kind_name(static_cast<Kind>(kind))).c_str(),
                score.false_alarms[kind], score.false_alarms[kind] / score.tenant_weeks);
  }
}

}  // namespace cloister::testing
