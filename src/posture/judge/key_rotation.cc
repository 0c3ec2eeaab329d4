// KEY-04 to KEY-07: rotation, by schedule, by itself, and when something happened.
#include <algorithm>

#include "posture/judge/keys.h"

namespace cloister::posture {
namespace {

// SP 800-57 part 1, table 1, where no schedule says otherwise: a master key about a year, keys that wrap or encrypt
// data two years.
constexpr std::int64_t kRootDays = 365;
constexpr std::int64_t kKeyDays = 730;

constexpr std::string_view kRotate =
    "cloister key rotate --tenant TENANT; cloister dataset rotate-key; a root's key at its provider";

std::int64_t cryptoperiod_days(const Fact& fact, const KeyFacts& key, const std::string& key_class) {
  if (const auto days = fact.number("cryptoperiod_days"); days && *days > 0) return *days;
  if (key.declared != nullptr && key.declared->cryptoperiod) return key.declared->cryptoperiod->ms / days(1).ms;
  return key_class == "root" ? kRootDays : kKeyDays;
}

// Since it was made, or last rotated.
std::optional<Duration> key_age(const View& view, const Fact& fact) {
  const std::optional<Duration> made = age(view, fact.text("created"));
  const std::optional<Duration> rotated = age(view, fact.text("last_rotated"));
  if (!made) return rotated;
  return rotated ? std::min(*made, *rotated) : *made;
}

std::string in_days(Duration duration) { return std::to_string(duration.ms / days(1).ms) + " days"; }

Finding look_overdue(const View& view, const Fact& fact, const KeyFacts& key) {
  const std::string* state = fact.text("state");
  if (state != nullptr && *state == "destroyed") return passes("it is destroyed");
  const std::optional<Duration> old = key_age(view, fact);
  if (!old) return unproven("its age isn't known", std::string(kRotate));
  const std::int64_t period = cryptoperiod_days(fact, key, key.key_class(view));
  const std::string aged = in_days(*old) + " old, of " + std::to_string(period);
  if (old->ms / days(1).ms >= period) return fails("it is overdue: " + aged, std::string(kRotate));
  return passes("it is " + aged);
}

Finding look_schedule(const View& view, const Fact& record, const std::vector<KeyFacts>& keys) {
  Finding finding = check_record(view, record);
  if (finding.status != Status::kPass) return finding;
  const std::vector<std::string>* covers = record.list("covers");
  for (const KeyFacts& key : keys) {
    const std::string key_class = key.key_class(view);
    if (key_class.empty() || contains(covers, key_class)) continue;
    return fails("the schedule says nothing of keys of the class \"" + key_class + "\"",
                 "add the class to the schedule, with its cryptoperiod, and have it approved");
  }
  return finding;
}

Finding look_automatic(const View& view, const Fact& fact) {
  const std::string remediation =
      "let it rotate by itself: cloister tenant set-rotation TENANT --rotate-after DAYS, and cloisterd or cloister key "
      "rotate-due from a timer; a provider's key by its own schedule";
  const std::string* state = fact.text("state");
  if (state != nullptr && *state == "destroyed") return passes("it is destroyed");
  const auto automatic = fact.truth("rotation_automatic");
  if (!automatic) return unproven("whether it rotates by itself isn't known", remediation);
  if (!*automatic) return fails("somebody has to rotate it", remediation);
  const auto period = fact.number("rotation_period_days");
  if (!period || *period < 1) return unproven("how often it rotates isn't known", remediation);
  const std::optional<Duration> rotated = age(view, fact.text("last_rotated"));
  if (!rotated) return unproven("no rotation of it was seen yet", "wait for its first");
  if (fact.truth("rotated_automatically") == false) return unproven("its last rotation was made by hand");
  if (rotated->ms > days(*period).ms) {
    return fails("its last rotation was " + in_days(*rotated) + " ago, of " + std::to_string(*period), remediation);
  }
  return passes("it rotated by itself " + in_days(*rotated) + " ago");
}

}  // namespace

std::vector<SubjectVerdict> judge_key_04(const View& view) {
  return {
      judge_drill(view, the_platform(),
                  {.drill = "kek-rotation", .covers = {"readers", "rewrapped", "data-unchanged", "retired-refused"}})};
}

std::vector<SubjectVerdict> judge_key_05(const View& view) {
  std::vector<SubjectVerdict> out;
  const std::vector<KeyFacts> all = keys(view);
  const Question schedule{the_platform(), "no schedule of cryptoperiods is recorded",
                          "cloister posture record key-schedule"};
  SubjectVerdict scheduled = judge_by(view, schedule, records(view, "key-schedule", the_platform()),
                                      [&](const Fact& record) { return look_schedule(view, record, all); });
  if (scheduled.status == Status::kPass && all.empty()) {
    scheduled = not_assessed(the_platform(), "no key was described");
  }
  out.push_back(std::move(scheduled));
  for (const KeyFacts& key : all) {
    out.push_back(judge_by(view, {key.subject, "nobody described the key"}, key.postures,
                           [&](const Fact& fact) { return look_overdue(view, fact, key); }));
  }
  return out;
}

std::vector<SubjectVerdict> judge_key_06(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const KeyFacts& key : wrapping_keys(view)) {
    if (key.key_class(view) == "dataset") continue;  // rotates on events
    out.push_back(judge_by(view, {key.subject, "nobody described the key"}, key.postures,
                           [&](const Fact& fact) { return look_automatic(view, fact); }));
  }
  if (out.empty()) out.push_back(not_assessed(the_platform(), "no key was described"));
  out.push_back(judge_drill(view, the_platform(), {.drill = "rotation-failure", .alerts = true}));
  return out;
}

std::vector<SubjectVerdict> judge_key_07(const View& view) {
  return {judge_drill(view, the_platform(),
                      {.drill = "dek-rotation",
                       .covers = {"refused-for-new", "dependants-listed", "re-encrypted", "old-removed"},
                       .age_max = days(365)})};
}

}  // namespace cloister::posture
