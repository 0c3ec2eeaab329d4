// Lines of words; the same order as the first page of the HTML report.
#include "posture/report/terminal.h"

#include <algorithm>
#include <map>

#include "posture/report/summary.h"
#include "posture/report/text.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kBlockersShown = 5;
constexpr std::size_t kStepsShown = 5;

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t have = columns(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

class Lines {
 public:
  explicit Lines(std::size_t width) : width_(width) {}

  void blank() { text_ += "\n"; }
  void heading(std::string_view title) { text_ += "\n" + std::string(title) + "\n"; }
  // Words, broken where the line would be too long; lines after the first start `hanging` columns in.
  void wrapped(std::size_t indent, std::string_view words, std::size_t hanging) {
    std::string line(indent, ' ');
    std::size_t used = indent;
    bool first = true;
    for (std::size_t at = 0; at < words.size();) {
      const std::size_t end = std::min(words.find(' ', at), words.size());
      const std::string_view word = words.substr(at, end - at);
      at = end + 1;
      if (!first && used + 1 + columns(word) > width_) {
        text_ += line + "\n";
        line = std::string(hanging, ' ');
        used = hanging;
        first = true;
      }
      line += (first ? "" : " ") + std::string(word);
      used += (first ? 0 : 1) + columns(word);
      first = false;
    }
    text_ += line + "\n";
  }
  void raw(const std::string& line) { text_ += line + "\n"; }
  void more(std::size_t all, std::size_t shown) {
    if (all > shown) text_ += "  and " + count_text(all - shown) + " more\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
  std::string text_;
};

std::string steps_picture(Reached reached) {
  std::string text;
  for (std::size_t i = 0; i < kLevelCount; ++i) {
    text += reached && i <= static_cast<std::size_t>(*reached) ? "[#]" : "[ ]";
  }
  return text;
}

std::string blockers_text(const Index& index, const DomainMaturity& domain) {
  std::string text;
  const std::vector<Obstacle> all = obstacles(index, domain);
  for (std::size_t i = 0; i < all.size() && i < kBlockersShown; ++i) {
    text += (i == 0 ? "" : ", ");
    text += all[i].control.empty() ? all[i].reason : all[i].control + " " + std::string(status_text(all[i].status));
  }
  if (all.size() > kBlockersShown) text += ", and " + std::to_string(all.size() - kBlockersShown) + " more";
  return text;
}

void add_ladder(Lines& lines, const Index& index) {
  const Maturity& maturity = index.posture().maturity;
  lines.blank();
  for (const DomainMaturity& domain : maturity.domains) {
    lines.raw(padded(std::string(title_of(domain.domain)), 26) + steps_picture(domain.reached) + "  " +
              std::string(name_of(domain.reached)));
    const std::string blockers = blockers_text(index, domain);
    if (!blockers.empty()) lines.wrapped(4, "needs " + blockers, 10);
  }
  lines.blank();
  lines.raw(padded("Score", 26) + score_text(maturity.score.lower) + " to " + score_text(maturity.score.upper) +
            (maturity.score.lower == maturity.score.upper ? "" : ", depending on what could not be assessed"));
  lines.raw(padded("Coverage", 26) + coverage_text(index.posture().assessment.coverage));
}

void add_steps(Lines& lines, const Index& index) {
  const std::vector<Obstacle> steps = next_steps(index, kStepsShown);
  if (steps.empty()) return;
  const std::optional<Level> next = next_level(index.posture().maturity.overall);
  lines.heading("What to do next" + (next ? ", towards " + std::string(name_of(*next)) : ""));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Obstacle& step = steps[i];
    lines.wrapped(2,
                  std::to_string(i + 1) + ". " + step.control + (step.control.empty() ? "" : " ") + step.title +
                      (step.critical ? " (critical)" : ""),
                  5);
    if (!step.reason.empty()) lines.wrapped(5, std::string(status_text(step.status)) + ": " + step.reason, 5);
    if (!step.what.empty()) lines.wrapped(5, "do: " + step.what, 9);
    lines.wrapped(5, "effort: " + step.effort + "; owner: " + (step.owner.empty() ? "nobody named" : step.owner), 5);
  }
}

// What several controls say of one subject, or one control of a location's objects.
struct Together {
  std::string about, reason, evidence;
  std::vector<std::string> controls;
  std::size_t objects = 0;
  std::size_t others = 0;  // reasons that aren't shown
};

std::vector<Together> together(const std::vector<Listed>& all) {
  std::vector<Together> out;
  std::map<std::string, std::size_t> known;
  for (const Listed& one : all) {
    const Subject& subject = one.verdict->subject;
    const bool object = subject.kind == SubjectKind::kObject;
    const std::string about = object ? "in " + subject.id.substr(0, subject.id.find('#')) : subject.text();
    const auto [at, added] = known.try_emplace(about, out.size());
    if (added) out.push_back({about, one.verdict->reason, "", {}, 0, 0});
    Together& group = out[at->second];
    if (object) ++group.objects;
    if (std::ranges::find(group.controls, one.assessment->control) == group.controls.end()) {
      group.controls.push_back(one.assessment->control);
      if (!added && group.reason != one.verdict->reason) ++group.others;
    }
    if (group.evidence.empty() && !one.verdict->evidence.empty()) group.evidence = one.verdict->evidence.front();
  }
  return out;
}

void add_verdicts(Lines& lines, const Index& index, Status status, std::string_view title, std::size_t count_max) {
  const std::vector<Listed> all = listed(index.posture().assessment, status);
  if (all.empty()) return;
  lines.heading(std::string(title) + " (" + counted(all.size(), "verdict") + ")");
  const std::vector<Together> groups = together(all);
  for (std::size_t i = 0; i < groups.size() && i < count_max; ++i) {
    const Together& group = groups[i];
    std::string text = plain(group.about) + ": ";
    for (const std::string& control : group.controls)
      text += control + (control == group.controls.back() ? ": " : ", ");
    if (group.objects != 0) text += counted(group.objects, "object") + ", ";
    text += plain(group.reason);
    if (group.others != 0) text += " (and " + counted(group.others, "other reason") + ")";
    if (!group.evidence.empty()) text += " [" + plain(group.evidence.substr(0, 16)) + "]";
    lines.wrapped(2, text, 4);
  }
  lines.more(groups.size(), count_max);
}

void add_exceptions(Lines& lines, const Index& index, std::size_t count_max) {
  const std::vector<Listed> all = listed(index.posture().assessment, Status::kException);
  if (all.empty()) return;
  lines.heading("Under an exception, which is not a pass (" + count_text(all.size()) + ")");
  for (std::size_t i = 0; i < all.size() && i < count_max; ++i) {
    const SubjectVerdict& verdict = *all[i].verdict;
    std::string text = all[i].assessment->control + " " + plain(verdict.subject.text()) + ": " + plain(verdict.reason);
    if (verdict.exception) {
      text += "; until " + date_text(verdict.exception->expires) + ", owner " + plain(verdict.exception->owner) +
              ", approved by " + plain(verdict.exception->approver);
    }
    lines.wrapped(2, text, 4);
  }
  lines.more(all.size(), count_max);
}

// Controls that have no subject to list.
void add_unlooked(Lines& lines, const Posture& posture) {
  std::string ids;
  std::size_t count = 0;
  for (const ControlAssessment& one : posture.assessment.controls) {
    if (one.status != Status::kNotAssessed || !one.subjects.empty()) continue;
    ids += (count++ == 0 ? "" : ", ") + one.control;
  }
  if (count == 0) return;
  lines.heading("Controls that nothing was collected for (" + count_text(count) + ")");
  lines.wrapped(2, ids, 2);
}

void add_lines(Lines& lines, const std::vector<std::string>& texts, std::string_view title, std::size_t count_max) {
  if (texts.empty()) return;
  lines.heading(std::string(title) + " (" + count_text(texts.size()) + ")");
  for (std::size_t i = 0; i < texts.size() && i < count_max; ++i) lines.wrapped(2, plain(texts[i]), 4);
  lines.more(texts.size(), count_max);
}

void add_changes(Lines& lines, const Posture& posture, std::size_t count_max) {
  if (posture.changes.empty()) return;
  lines.heading("Changes since the run before (" + count_text(posture.changes.size()) + ")");
  for (std::size_t i = 0; i < posture.changes.size() && i < count_max; ++i) {
    const Changed& one = posture.changes[i];
    lines.wrapped(2,
                  padded(std::string(name_of(one.change)), 14) + padded(one.control, 8) + " " +
                      plain(one.subject.text()) + ": " + std::string(status_text(one.before)) + " -> " +
                      std::string(status_text(one.after)),
                  25);
  }
  lines.more(posture.changes.size(), count_max);
}

}  // namespace

std::string terminal_report(const Posture& posture, const TerminalOptions& options) {
  const Index index(posture);
  Lines lines(options.width);
  lines.raw(plain(posture.assessment.estate) + ": " + std::string(name_of(posture.maturity.overall)));
  lines.wrapped(0, headline(posture), 0);
  add_ladder(lines, index);
  add_steps(lines, index);
  add_verdicts(lines, index, Status::kFail, "What fails", options.subjects_max);
  add_verdicts(lines, index, Status::kNotAssessed, "What could not be assessed", options.subjects_max);
  add_unlooked(lines, posture);
  add_exceptions(lines, index, options.subjects_max);
  add_lines(lines, posture.assessment.exception_problems, "Exceptions without effect", options.subjects_max);
  add_lines(lines, posture.unread, "What could not be looked at", options.subjects_max);
  add_changes(lines, posture, options.subjects_max);
  if (const std::uint64_t simulated = simulated_count(posture); simulated != 0) {
    lines.blank();
    lines.wrapped(0,
                  counted(simulated, "fact") + " came from a simulation (insecure_software) and proved nothing about " +
                      "the real thing.",
                  0);
  }
  lines.blank();
  lines.raw("run " + plain(posture.run.substr(0, 16)) + ", " + minute_text(posture.assessment.at) + ", " +
            counted(posture.facts.size(), "fact") + ", catalogue " + plain(posture.assessment.catalogue_version));
  return lines.take();
}

}  // namespace cloister::posture::report
