// Levels by gates, the score as an interval, and what to do next.
#include "posture/maturity.h"

#include <algorithm>

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, kLevelCount> kNames = {"Foundational", "Applied", "Advanced", "Strategic"};
constexpr std::array<std::uint64_t, kLevelCount> kCoveragePercent = {50, 90, 95, 98};
// Without these two nothing that is reported means anything: no domain reaches a level.
constexpr std::array<std::string_view, 2> kGround = {"INV-01", "GOV-06"};

std::size_t index_of(Level level) { return static_cast<std::size_t>(level); }
int order_of(Reached reached) { return reached ? static_cast<int>(*reached) : -1; }

std::uint32_t weight_of(const Control& control) {
  return static_cast<std::uint32_t>(index_of(control.gates) + 1) * (control.critical ? 2 : 1);
}

std::string reason_of(const Assessment& assessment, std::string_view control) {
  const ControlAssessment* found = assessment.find(control);
  return found == nullptr ? "it wasn't judged" : found->reason;
}

bool enough(const Coverage& coverage, std::size_t step) {
  return coverage.known != 0 && coverage.assessed * 100 >= kCoveragePercent[step] * coverage.known;
}

class Ladder {
 public:
  Ladder(const Catalogue& catalogue, const Assessment& assessment) : catalogue_(catalogue), assessment_(assessment) {}

  DomainMaturity climb(Domain domain) const {
    DomainMaturity out{domain, {}, {}};
    for (std::size_t step = 0; step < kLevelCount; ++step) {
      out.blockers = blockers(domain, step);
      if (!out.blockers.empty()) break;
      out.reached = static_cast<Level>(step);
    }
    return out;
  }

  // All that stands between a domain and this level.
  std::vector<Blocker> blockers(Domain domain, std::size_t step) const {
    std::vector<Blocker> out;
    if (step == 0) add_ground(domain, out);
    add_gates(domain, step, out);
    if (!enough(assessment_.coverage, step))
      out.push_back({"", Status::kNotAssessed,
                     std::to_string(assessment_.coverage.assessed) + " of " +
                         std::to_string(assessment_.coverage.known) + " subjects of the inventory were measured; " +
                         std::string(kNames[step]) + " asks for " + std::to_string(kCoveragePercent[step]) + " %"});
    return out;
  }

 private:
  void add_ground(Domain domain, std::vector<Blocker>& out) const {
    for (const std::string_view id : kGround) {
      const Status status = assessment_.status_of(id);
      if (status != Status::kPass) out.push_back({std::string(id), status, reason_of(assessment_, id)});
    }
    const auto measured = [&](const Control& control) {
      const Status status = assessment_.status_of(control.id);
      return control.domain == domain && (status == Status::kPass || status == Status::kFail);
    };
    if (std::ranges::none_of(catalogue_.controls, measured))
      out.push_back({"", Status::kNotAssessed, "no control of the domain was measured"});
  }

  void add_gates(Domain domain, std::size_t step, std::vector<Blocker>& out) const {
    std::size_t gates = 0;
    std::vector<const Control*> excepted;
    for (const Control& control : catalogue_.controls) {
      const Status status = assessment_.status_of(control.id);
      if (control.domain != domain || index_of(control.gates) > step || status == Status::kNotApplicable) continue;
      ++gates;
      if (status == Status::kException) {
        excepted.push_back(&control);
      } else if (status != Status::kPass && !there(out, control.id)) {
        out.push_back({control.id, status, reason_of(assessment_, control.id)});
      }
    }
    const bool too_many = excepted.size() > std::max<std::size_t>(1, gates / 20);
    for (const Control* control : excepted) {
      if (there(out, control->id)) continue;
      if (control->critical) {
        out.push_back({control->id, Status::kException, "the control is critical, and takes no exception"});
      } else if (too_many) {
        out.push_back({control->id, Status::kException,
                       std::to_string(excepted.size()) + " controls are excepted; the level allows " +
                           std::to_string(std::max<std::size_t>(1, gates / 20))});
      }
    }
  }

  static bool there(const std::vector<Blocker>& blockers, std::string_view control) {
    return std::ranges::find(blockers, control, &Blocker::control) != blockers.end();
  }

  const Catalogue& catalogue_;
  const Assessment& assessment_;
};

Score score_of(const Catalogue& catalogue, const Assessment& assessment) {
  std::uint64_t passed = 0, open = 0, applicable = 0;
  for (const Control& control : catalogue.controls) {
    const Status status = assessment.status_of(control.id);
    const std::uint64_t weight = weight_of(control);
    if (status != Status::kNotApplicable) applicable += weight;
    if (status == Status::kPass) passed += weight;
    if (status == Status::kNotAssessed) open += weight;
  }
  const std::uint64_t divisor = std::max<std::uint64_t>(applicable, 1);
  const auto share = [&](std::uint64_t weight) {
    return static_cast<std::uint32_t>((weight * 20'000 + divisor) / (2 * divisor));
  };
  return {share(passed), share(passed + open)};
}

std::string remedy_of(const Control& control, const Assessment& assessment) {
  const ControlAssessment* found = assessment.find(control.id);
  if (found == nullptr) return control.remediation;
  for (const SubjectVerdict& verdict : found->subjects) {
    if (verdict.status != Status::kPass && !verdict.remediation.empty()) return verdict.remediation;
  }
  return control.remediation;
}

std::vector<NextStep> next_steps(const Catalogue& catalogue, const Assessment& assessment, const Maturity& maturity) {
  std::vector<NextStep> out;
  if (maturity.overall == Level::kStrategic) return out;
  const auto target = static_cast<std::size_t>(order_of(maturity.overall) + 1);
  const Ladder ladder(catalogue, assessment);
  for (const DomainMaturity& domain : maturity.domains) {
    if (order_of(domain.reached) > order_of(maturity.overall)) continue;
    for (const Blocker& blocker : ladder.blockers(domain.domain, target)) {
      const Control* control = catalogue.find(blocker.control);
      const auto same = [&](const NextStep& step) {
        return step.control == blocker.control && (control != nullptr || step.what == blocker.reason);
      };
      if (std::ranges::any_of(out, same)) continue;
      const auto level = static_cast<Level>(target);
      out.push_back(control == nullptr ? NextStep{"", domain.domain, level, 0, 2, blocker.reason}
                                       : NextStep{control->id, control->domain, level, weight_of(*control),
                                                  control->effort, remedy_of(*control, assessment)});
    }
  }
  const auto better = [](const NextStep& left, const NextStep& right) {
    const std::uint64_t mine = std::uint64_t{left.gain} * right.effort,
                        theirs = std::uint64_t{right.gain} * left.effort;
    if (mine != theirs) return mine > theirs;
    if (left.effort != right.effort) return left.effort < right.effort;
    return left.control < right.control;
  };
  std::ranges::sort(out, better);
  return out;
}

}  // namespace

std::string_view name_of(Reached reached) { return reached ? kNames[index_of(*reached)] : "Unrated"; }

Maturity maturity(const Catalogue& catalogue, const Assessment& assessment) {
  Maturity out;
  const Ladder ladder(catalogue, assessment);
  out.overall = Level::kStrategic;
  for (std::size_t i = 0; i < kDomainCount; ++i) {
    out.domains[i] = ladder.climb(static_cast<Domain>(i));
    if (order_of(out.domains[i].reached) < order_of(out.overall)) out.overall = out.domains[i].reached;
  }
  out.score = score_of(catalogue, assessment);
  out.next = next_steps(catalogue, assessment, out);
  return out;
}

}  // namespace cloister::posture
