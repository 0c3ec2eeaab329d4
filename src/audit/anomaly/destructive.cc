#include "audit/anomaly/destructive.h"

#include <algorithm>

#include "audit/anomaly/scene.h"

namespace cloister::audit::anomaly {
namespace {

using Progress = DestructiveWatch::Progress;

constexpr std::uint32_t bit(Operation operation) { return 1U << static_cast<unsigned>(operation); }
constexpr std::uint32_t kDisable = bit(Operation::kDisableKey), kAuditOff = bit(Operation::kDisableAudit);
constexpr std::uint32_t kDelete = bit(Operation::kScheduleDeletion) | bit(Operation::kDestroyKey);
constexpr std::uint32_t kCutOff = bit(Operation::kRaiseMinimumVersion) | bit(Operation::kTrimVersions);
constexpr std::uint32_t kAnyLoss = kDisable | kDelete | kCutOff;

enum class Keys : std::uint8_t { kOne, kTwo, kMass, kMassAndOne };

struct Step {
  std::uint32_t operations = 0;
  Keys keys = Keys::kOne;
  Severity told{};  // 0: a step on the way says nothing yet
};
struct Pattern {
  std::string_view what;
  Duration window;
  std::array<Step, DestructiveWatch::kStepsMax> steps;
  std::size_t count;
};

constexpr std::array<Pattern, DestructiveWatch::kPatterns> kPatterns = {{
    {"keys were disabled, then condemned, then the audit was switched off",
     hours(24),
     {{{kDisable, Keys::kTwo, {}},
       {kDelete, Keys::kTwo, Severity::kHigh},
       {kAuditOff, Keys::kOne, Severity::kCritical}}},
     3},
    {"the audit was switched off, and keys were made useless afterwards",
     hours(24),
     {{{kAuditOff, Keys::kOne, Severity::kHigh}, {kAnyLoss, Keys::kOne, Severity::kCritical}}},
     2},
    {"foreign key material was imported, and older keys or versions were made useless afterwards",
     hours(24),
     {{{bit(Operation::kImportMaterial), Keys::kOne, {}}, {kAnyLoss, Keys::kOne, Severity::kHigh}}},
     2},
    {"many keys were condemned within a day", hours(24), {{{kDelete, Keys::kMass, Severity::kHigh}}}, 1},
    {"one key after the other was condemned within two weeks",
     days(14),
     {{{kDelete, Keys::kMassAndOne, Severity::kHigh}}},
     1},
    {"many keys were rotated and their older versions cut off, as ransomware does",
     hours(24),
     {{{bit(Operation::kRotateKey), Keys::kMass, {}}, {kCutOff, Keys::kTwo, Severity::kCritical}}},
     2},
    {"many keys were disabled within a day", hours(24), {{{kDisable, Keys::kMass, Severity::kHigh}}}, 1},
}};

std::uint32_t keys_of(Keys keys, const Thresholds& thresholds) {
  switch (keys) {
    case Keys::kOne: return 1;
    case Keys::kTwo: return 2;
    case Keys::kMass: return thresholds.destructive_keys_min;
    case Keys::kMassAndOne: return thresholds.destructive_keys_min + 1;
  }
  return 1;
}

// True when this act completes the step that is next.
bool completes_step(const Scene& scene, const Pattern& pattern, Progress& progress) {
  const std::int64_t now = scene.now.unix_ms;
  if (progress.steps_done > 0 && now - progress.step_done_ms > pattern.window.ms) progress = Progress();
  const Step& step = pattern.steps[progress.steps_done];
  if ((step.operations & bit(scene.event.operation)) == 0) return false;
  // An act on the whole tenant has no key; it counts as one.
  const std::uint64_t key = scene.key_id == 0 ? 1 : scene.key_id;
  auto acted = std::ranges::find(progress.acted, key, &Progress::Acted::key);
  if (acted == progress.acted.end()) acted = std::ranges::min_element(progress.acted, {}, &Progress::Acted::ms);
  *acted = {key, now, scene.event.audit_index};
  std::uint32_t distinct = 0;
  std::uint64_t first_index = scene.event.audit_index;
  for (const Progress::Acted& one : progress.acted) {
    if (one.key == 0 || now - one.ms > pattern.window.ms) continue;
    ++distinct;
    first_index = std::min(first_index, one.index);
  }
  if (progress.steps_done == 0) progress.first_index = first_index;
  return distinct >= keys_of(step.keys, scene.thresholds);
}

void tell(Scene& scene, std::size_t number_of_pattern, const Pattern& pattern, const Progress& progress) {
  const Step& step = pattern.steps[progress.steps_done];
  if (step.told == Severity{}) return;
  Finding* finding =
      scene.tell(Kind::kDestructiveSequence, step.told, scene.names.of(std::uint64_t{number_of_pattern} + 1, 1),
                 progress.steps_done + 1, progress.first_index);
  if (finding == nullptr) return;
  const bool whole = progress.steps_done + 1U == pattern.count;
  finding->what = std::string(whole ? "" : "the first steps of this: ") + std::string(pattern.what) +
                  ", last: " + std::string(operation_name(scene.event.operation)) +
                  (scene.event.key_id.empty() ? "" : " " + printable(scene.event.key_id)) +
                  ": hold these acts until a second person agrees";
  finding->contributions = {{"steps of the pattern", progress.steps_done + 1.0, double(pattern.count)}};
}

}  // namespace

bool DestructiveWatch::valid() const {
  for (std::size_t i = 0; i < kPatterns; ++i) {
    if (patterns[i].steps_done >= anomaly::kPatterns[i].count) return false;
  }
  return true;
}

void watch_destruction(Scene& scene) {
  for (std::size_t i = 0; i < kPatterns.size(); ++i) {
    const Pattern& pattern = kPatterns[i];
    Progress& progress = scene.tenant.destruction.patterns[i];
    if (!completes_step(scene, pattern, progress)) continue;
    tell(scene, i, pattern, progress);
    const bool whole = progress.steps_done + 1U == pattern.count;
    // A pattern of one step stays complete, so that more keys are the same finding going on.
    if (whole && pattern.count == 1) continue;
    Progress next;
    if (!whole) {
      next.steps_done = static_cast<std::uint8_t>(progress.steps_done + 1);
      next.step_done_ms = scene.now.unix_ms;
      next.first_index = progress.first_index;
    }
    progress = next;
  }
}

}  // namespace cloister::audit::anomaly
