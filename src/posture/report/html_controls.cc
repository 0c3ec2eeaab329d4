// Every control with every verdict, passes too: control, test performed, population, result, evidence.
#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kRowsApart = 3;     // verdicts that say the same stand together when there are more of them
constexpr std::size_t kPrintedMax = 200;  // a longer list of subjects stays on the screen
constexpr std::size_t kEvidenceShown = 4;
constexpr std::size_t kLinkDigits = 8;

struct Group {
  std::vector<const SubjectVerdict*> verdicts;
};

std::vector<Group> groups_of(const ControlAssessment& control) {
  std::vector<Group> groups;
  std::map<std::tuple<Status, std::string_view, std::string_view>, std::size_t> known;
  for (const SubjectVerdict& verdict : control.subjects) {
    if (verdict.exception) {
      groups.push_back({{&verdict}});
      continue;
    }
    const auto [at, added] = known.try_emplace({verdict.status, verdict.reason, verdict.remediation}, groups.size());
    if (added) groups.emplace_back();
    groups[at->second].verdicts.push_back(&verdict);
  }
  return groups;
}

void add_evidence_links(Markup& page, const Run& run, const SubjectVerdict& verdict) {
  if (verdict.evidence.empty()) page.raw("<span class=\"soft\">none</span>");
  for (std::size_t i = 0; i < verdict.evidence.size(); ++i) {
    if (i == kEvidenceShown) {
      page.raw("<details><summary>").number(verdict.evidence.size() - kEvidenceShown).raw(" more</summary>");
    }
    page.raw(i == 0 ? "" : " ");
    add_fact_link(page, run, verdict.evidence[i], std::string_view(verdict.evidence[i]).substr(0, kLinkDigits));
  }
  if (verdict.evidence.size() > kEvidenceShown) page.raw("</details>");
}

void add_age_of(Markup& page, const Run& run, const SubjectVerdict& verdict) {
  const Dates dates = dates_of(*run.index, verdict);
  if (dates.newest == Time{}) return;
  page.raw("<br><span class=\"soft small\">").text(age_text(run.at() - dates.oldest)).raw(" old</span>");
}

void add_verdict(Markup& page, const Run& run, const SubjectVerdict& verdict) {
  page.raw("<tr><td>").badge(verdict.status).raw("</td>").cell(verdict.subject.text()).raw("<td>").text(verdict.reason);
  if (verdict.exception) {
    page.raw("<br><span class=\"soft small\">excepted: ")
        .text(verdict.exception->reason)
        .raw("; owner ")
        .text(verdict.exception->owner);
    page.raw(", approved by ")
        .text(verdict.exception->approver)
        .raw(", until ")
        .text(date_text(verdict.exception->expires))
        .raw("</span>");
  }
  page.raw("</td><td>");
  add_remedy(page, verdict.remediation);
  page.raw("</td><td class=\"mono\">");
  add_evidence_links(page, run, verdict);
  add_age_of(page, run, verdict);
  page.raw("</td></tr>\n");
}

// Subjects of one group: objects by their location, so that its name stands once.
void add_members(Markup& page, const Run& run, const Group& group) {
  std::string_view location;
  bool open = false;
  for (const SubjectVerdict* verdict : group.verdicts) {
    const std::string& id = verdict->subject.id;
    const bool object = verdict->subject.kind == SubjectKind::kObject;
    const std::size_t hash = object ? id.find('#') : std::string::npos;
    const std::string_view own = hash == std::string::npos ? std::string_view() : std::string_view(id).substr(0, hash);
    if (!open || own != location) {
      if (open) page.raw("</ul>");
      if (!own.empty()) page.raw("in <b>").text(own).raw("</b>:");
      page.raw("<ul class=\"many\">\n");
      open = true;
      location = own;
    }
    const std::string name = hash == std::string::npos ? verdict->subject.text() : id.substr(hash + 1);
    page.raw("<li>");
    if (verdict->evidence.size() == 1) {
      add_fact_link(page, run, verdict->evidence.front(), name);
    } else {
      page.text(name);
      for (const std::string& evidence : verdict->evidence) {
        page.raw(" ");
        add_fact_link(page, run, evidence, std::string_view(evidence).substr(0, kLinkDigits));
      }
    }
    page.raw("\n");
  }
  if (open) page.raw("</ul>");
}

void add_group(Markup& page, const Run& run, const Group& group) {
  const SubjectVerdict& first = *group.verdicts.front();
  page.raw("<tr><td>").badge(first.status).raw("</td><td colspan=\"2\">").text(first.reason);
  page.raw(group.verdicts.size() > kPrintedMax ? "<details class=\"bulk\"><summary>" : "<details><summary>");
  page.raw(counted(group.verdicts.size(), "subject")).raw("</summary>");
  add_members(page, run, group);
  page.raw("</details></td><td>");
  add_remedy(page, first.remediation);
  page.raw("</td><td class=\"soft small\">each subject leads to its own</td></tr>\n");
}

void add_verdicts(Markup& page, const Run& run, const ControlAssessment& control) {
  if (control.subjects.empty()) return;
  begin_table(page, "verdicts", {"result", "subject", "seen against asked", "what to do", "evidence"});
  for (const Group& group : groups_of(control)) {
    if (group.verdicts.size() > kRowsApart) {
      add_group(page, run, group);
    } else {
      for (const SubjectVerdict* verdict : group.verdicts) add_verdict(page, run, *verdict);
    }
  }
  end_table(page);
}

void add_list(Markup& page, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  page.raw("<dt>").raw(title).raw("</dt><dd>");
  for (std::size_t i = 0; i < lines.size(); ++i) page.raw(i == 0 ? "" : "<br>").text(lines[i]);
  page.raw("</dd>");
}

void add_mappings(Markup& page, const Control& control) {
  for (const Relation relation : {Relation::kDirect, Relation::kSupports}) {
    bool first = true;
    for (const Mapping& mapping : control.mappings) {
      if (mapping.relation != relation) continue;
      if (first) page.raw(relation == Relation::kDirect ? "<dt>asked for by</dt><dd>" : "<dt>supports</dt><dd>");
      const Framework* framework = built_in_catalogue().framework(mapping.framework);
      page.raw(first ? "" : "; ")
          .text(framework == nullptr ? mapping.framework : framework->title)
          .raw(" ")
          .text(value_text(mapping.clauses));
      first = false;
    }
    if (!first) page.raw("</dd>");
  }
}

void add_definition(Markup& page, const Control& control) {
  page.raw("<p>")
      .text(control.statement)
      .raw("</p><details><summary>How it is tested, and which clauses it answers</summary><dl>");
  page.raw("<dt>passes when</dt><dd>").text(control.criterion).raw("</dd>");
  add_list(page, "test", control.procedure);
  add_list(page, "evidence", control.evidence);
  page.raw("<dt>gates</dt><dd>").raw(name_of(control.gates)).raw(", ").raw(title_of(control.domain)).raw("</dd>");
  page.raw("<dt>remedy</dt><dd>").text(control.remediation).raw("</dd>");
  add_mappings(page, control);
  add_list(page, "ATLAS", control.atlas_techniques);
  add_list(page, "weaknesses", control.weaknesses);
  page.raw("</dl></details>");
}

void add_control(Markup& page, const Run& run, const ControlAssessment& control) {
  const Control* known = built_in_catalogue().find(control.control);
  page.raw("<div class=\"control\" id=\"" + run.prefix + "c-")
      .text(control.control)
      .raw("\" data-status=\"" + class_of(control.status) + "\"><h3>");
  page.badge(control.status).text(control.control).raw(" ").text(known == nullptr ? "" : known->title);
  if (known != nullptr && known->critical) page.raw(" <span class=\"tag critical\">critical</span>");
  page.raw("</h3>");
  if (known != nullptr) add_definition(page, *known);
  page.raw("<p><b>Result:</b> ").text(control.reason).raw("</p>");
  add_verdicts(page, run, control);
  page.raw("</div>\n");
}

void add_status_lists(Markup& page, const Run& run) {
  for (const Status status :
       {Status::kFail, Status::kNotAssessed, Status::kException, Status::kNotApplicable, Status::kPass}) {
    std::size_t count = 0;
    for (const ControlAssessment& control : run.posture().assessment.controls) {
      if (control.status != status) continue;
      if (count++ == 0) page.raw("<p id=\"" + run.prefix + "s-" + class_of(status) + "\">").badge(status).raw(" ");
      add_control_link(page, run, control.control);
      page.raw(" ");
    }
    if (count != 0) page.raw("<span class=\"soft\">(").number(count).raw(")</span></p>");
  }
}

// The sheet an auditor works along: one row a control.
void add_sheet(Markup& page, const Run& run) {
  page.raw("<details><summary>All on one sheet: control, test, population, result, evidence</summary>");
  begin_table(page, "sheet", {"control", "gates", "test performed", "population", "result", "facts"});
  for (const ControlAssessment& control : run.posture().assessment.controls) {
    const Control* known = built_in_catalogue().find(control.control);
    page.raw("<tr><td>");
    add_control_link(page, run, control.control);
    page.raw("</td>").cell(known == nullptr ? "" : name_of(known->gates));
    page.cell(known == nullptr || known->procedure.empty() ? "" : known->procedure.front()).raw("<td>");
    const Counts counts = subject_counts(control);
    page.raw(counted(control.subjects.size(), "subject"));
    for (std::size_t i = 0; i < kStatusCount; ++i) {
      if (counts[i] != 0) page.raw("<br>").raw(count_text(counts[i])).raw(" ").raw(status_text(static_cast<Status>(i)));
    }
    std::size_t facts = 0;
    for (const SubjectVerdict& verdict : control.subjects) facts += verdict.evidence.size();
    page.raw("</td><td>")
        .badge(control.status)
        .raw("</td><td class=\"num\">")
        .raw(count_text(facts))
        .raw("</td></tr>\n");
  }
  end_table(page);
  page.raw("</details>");
}

// By clause, numbers in names as numbers would sort: "PR.DS-2" before "PR.DS-10".
struct ClauseOrder {
  bool operator()(const std::string& a, const std::string& b) const {
    const auto digits = [](const std::string& text, std::size_t at) {
      std::size_t end = at;
      while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
      return end - at;
    };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
      const std::size_t left = digits(a, i), right = digits(b, j);
      if (left != 0 && right != 0) {
        if (left != right) return left < right;
        const int order = a.compare(i, left, b, j, right);
        if (order != 0) return order < 0;
        i += left;
        j += right;
      } else {
        if (a[i] != b[j]) return a[i] < b[j];
        ++i;
        ++j;
      }
    }
    return a.size() - i < b.size() - j;
  }
};

void add_framework(Markup& page, const Run& run, const Framework& framework) {
  std::map<std::string, std::array<std::vector<const Control*>, 2>, ClauseOrder> clauses;
  for (const Control& control : built_in_catalogue().controls) {
    for (const Mapping& mapping : control.mappings) {
      if (mapping.framework != framework.id) continue;
      for (const std::string& clause : mapping.clauses)
        clauses[clause][static_cast<std::size_t>(mapping.relation)].push_back(&control);
    }
  }
  if (clauses.empty()) return;
  page.raw("<h3>").text(framework.title).raw("</h3>");
  if (!framework.note.empty()) page.raw("<p class=\"soft small\">").text(framework.note).raw("</p>");
  page.raw("<details><summary>").raw(counted(clauses.size(), "clause")).raw("</summary>");
  begin_table(page, "framework", {"clause", "controls that it asks for", "controls that support it"});
  for (const auto& [clause, controls] : clauses) {
    page.raw("<tr>").cell(clause);
    for (const std::vector<const Control*>& list : controls) {
      page.raw("<td>");
      for (const Control* control : list) {
        page.raw("<span class=\"nowrap\">");
        add_control_link(page, run, control->id);
        page.raw(" ").badge(run.posture().assessment.status_of(control->id)).raw("</span> ");
      }
      page.raw("</td>");
    }
    page.raw("</tr>\n");
  }
  end_table(page);
  page.raw("</details>");
}

}  // namespace

void add_controls(Markup& page, const Run& run) {
  begin_section(page, run, "controls", "Every control, with every verdict",
                "Passes too. Each verdict names the facts that it rests on; a pass without one can't be.");
  add_status_lists(page, run);
  add_sheet(page, run);
  page.raw(
      "<div class=\"filter\"><label>Find <input type=\"search\" title=\"a control, a location, a key, a word\"></label>"
      "<label>Result <select><option value=\"\">every one</option>");
  for (const Status status :
       {Status::kFail, Status::kNotAssessed, Status::kException, Status::kNotApplicable, Status::kPass}) {
    page.raw("<option value=\"" + class_of(status) + "\">").raw(status_text(status)).raw("</option>");
  }
  page.raw("</select></label></div>\n");
  for (const ControlAssessment& control : run.posture().assessment.controls) add_control(page, run, control);
  end_section(page);
}

void add_frameworks(Markup& page, const Run& run) {
  begin_section(
      page, run, "frameworks", "Frameworks",
      "Which clauses the controls answer. Asked for: the clause itself wants that outcome. Supports: it is relevant to "
      "the clause, which doesn't ask for it. Nothing here is a certificate.");
  for (const Framework& framework : built_in_catalogue().frameworks) add_framework(page, run, framework);
  end_section(page);
}

}  // namespace cloister::posture::report
