// What a record must say before it takes anything out of what is judged.
#include "posture/records.h"

#include "posture/people.h"

namespace cloister::posture {

std::string problem_of_record(const Fact& record, Time now) {
  if (record.kind != "record" || record.method != Method::kRecord || record.not_assessed) return "it is no record";
  if (record.at > now) return "it is dated in the future: " + to_rfc3339(record.at);
  const auto said = [&](std::string_view name) {
    return record.text(name) == nullptr ? std::string() : *record.text(name);
  };
  const std::string people = problem_of_people(said("owner"), said("approver"));
  if (!people.empty()) return people;
  if (is_blank(said("reason"))) return "it has no reason";
  if (said("record") == "decommission") return "";
  if (record.valid_until - record.at > kRecordValid) return "it would hold for more than a year";
  if (record.valid_until < now) return "it held until " + to_rfc3339(record.valid_until);
  return "";
}

}  // namespace cloister::posture
