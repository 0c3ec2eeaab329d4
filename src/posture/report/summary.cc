// Counts and orders; decides nothing.
#include "posture/report/summary.h"

#include <algorithm>
#include <set>

#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kOwnersShown = 2;

bool is_open(Status status) { return status == Status::kFail || status == Status::kNotAssessed; }

std::string owners_of(const Index& index, const ControlAssessment& control) {
  std::set<std::string> owners;
  for (const SubjectVerdict& verdict : control.subjects) {
    if (!is_open(verdict.status)) continue;
    const Label* label = index.label_of(verdict.subject);
    if (label != nullptr && !label->owner.empty()) owners.insert(label->owner);
  }
  std::string text;
  std::size_t shown = 0;
  for (const std::string& owner : owners) {
    if (shown++ == kOwnersShown) break;
    text += (text.empty() ? "" : ", ") + plain(owner);
  }
  if (owners.size() > kOwnersShown) text += " and " + std::to_string(owners.size() - kOwnersShown) + " more";
  return text;
}

std::string remedy_of(const ControlAssessment* assessment, const Control* control) {
  if (assessment != nullptr) {
    for (const SubjectVerdict& verdict : assessment->subjects) {
      if (is_open(verdict.status) && !verdict.remediation.empty()) return plain(verdict.remediation);
    }
  }
  return control == nullptr ? "" : control->remediation;
}

Obstacle obstacle_of(const Index& index, const std::string& id, Status status, const std::string& reason) {
  Obstacle out{
      .control = id, .title = "", .status = status, .reason = plain(reason), .owner = "", .effort = "", .what = ""};
  if (id.empty()) return out;
  const Control* control = built_in_catalogue().find(id);
  const ControlAssessment* assessment = index.posture().assessment.find(id);
  if (control != nullptr) {
    out.title = control->title;
    out.critical = control->critical;
    out.effort = effort_text(control->effort);
  }
  if (assessment != nullptr) out.owner = owners_of(index, *assessment);
  out.what = remedy_of(assessment, control);
  return out;
}

int rank(const Obstacle& obstacle) {
  const int severity = obstacle.status == Status::kFail ? 0 : obstacle.status == Status::kNotAssessed ? 1 : 2;
  return (obstacle.critical ? 0 : 3) + severity;
}

std::string levels_sentence(const Posture& posture) {
  const Maturity& maturity = posture.maturity;
  const std::string name(name_of(maturity.overall));
  const std::optional<Level> next = next_level(maturity.overall);
  if (!next) return "The platform is at Strategic, the highest level, in every domain.";
  const std::string start = maturity.overall ? "The platform is at " + name : "The platform is not rated yet";
  const bool all =
      std::ranges::all_of(maturity.domains, [&](const DomainMaturity& one) { return one.reached == maturity.overall; });
  if (all) return start + ", and no domain is further.";
  return start + ": a platform is as far as its lowest domain, here " + lowest_domains(maturity) + ".";
}

}  // namespace

Counts control_counts(const Assessment& assessment) {
  Counts counts{};
  for (const ControlAssessment& one : assessment.controls) ++counts[static_cast<std::size_t>(one.status)];
  return counts;
}

Counts subject_counts(const ControlAssessment& control) {
  Counts counts{};
  for (const SubjectVerdict& one : control.subjects) ++counts[static_cast<std::size_t>(one.status)];
  return counts;
}

std::vector<Obstacle> obstacles(const Index& index, const DomainMaturity& domain) {
  std::vector<Obstacle> out;
  for (const Blocker& blocker : domain.blockers) {
    out.push_back(obstacle_of(index, blocker.control, blocker.status, blocker.reason));
  }
  std::ranges::sort(out, [](const Obstacle& a, const Obstacle& b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : a.control < b.control;
  });
  return out;
}

std::vector<Obstacle> next_steps(const Index& index, std::size_t count_max) {
  std::vector<Obstacle> out;
  const Posture& posture = index.posture();
  for (const NextStep& step : posture.maturity.next) {
    if (out.size() == count_max) break;
    const ControlAssessment* assessment = posture.assessment.find(step.control);
    out.push_back(obstacle_of(index, step.control, posture.assessment.status_of(step.control),
                              assessment == nullptr ? "" : assessment->reason));
    out.back().effort = effort_text(step.effort);
    if (!step.what.empty()) out.back().what = plain(step.what);
  }
  return out;
}

std::optional<Level> next_level(Reached reached) {
  if (!reached) return Level::kFoundational;
  if (*reached == Level::kStrategic) return std::nullopt;
  return static_cast<Level>(static_cast<int>(*reached) + 1);
}

std::string lowest_domains(const Maturity& maturity) {
  std::vector<std::string> names;
  for (const DomainMaturity& one : maturity.domains) {
    if (one.reached == maturity.overall) names.emplace_back(title_of(one.domain));
  }
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

std::string headline(const Posture& posture) {
  const Counts counts = control_counts(posture.assessment);
  const auto of = [&counts](Status status) { return counts[static_cast<std::size_t>(status)]; };
  std::string text = levels_sentence(posture) + " Of " + counted(posture.assessment.controls.size(), "control") + " " +
                     count_text(of(Status::kPass)) + " pass, " + count_text(of(Status::kFail)) + " fail and " +
                     count_text(of(Status::kNotAssessed)) + " could not be assessed";
  if (of(Status::kException) != 0) text += "; " + count_text(of(Status::kException)) + " under an exception";
  if (of(Status::kNotApplicable) != 0) text += "; " + count_text(of(Status::kNotApplicable)) + " not applicable";
  return text + ".";
}

std::uint64_t simulated_count(const Posture& posture) {
  return static_cast<std::uint64_t>(std::ranges::count_if(posture.facts, &Fact::simulated));
}

std::vector<Listed> listed(const Assessment& assessment, Status status) {
  std::vector<Listed> out;
  for (const ControlAssessment& control : assessment.controls) {
    const Control* known = built_in_catalogue().find(control.control);
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.status == status) out.push_back({known, &control, &verdict});
    }
  }
  return out;
}

}  // namespace cloister::posture::report
