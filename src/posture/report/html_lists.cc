// Workloads and their attestation, exceptions, exercises.
#include <algorithm>
#include <map>
#include <set>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr Duration kSoon = days(30);
constexpr long kLife = 120;  // pixels

std::string text_of(const Fact* fact, std::string_view name) {
  const std::string* text = fact == nullptr ? nullptr : fact->text(name);
  return text == nullptr ? "" : *text;
}

// How much of a fact's life is over.
std::string life_svg(const Run& run, const Fact& fact) {
  const std::int64_t whole = std::max<std::int64_t>((fact.valid_until - fact.at).ms, 1);
  const std::int64_t used = std::clamp<std::int64_t>((run.at() - fact.at).ms, 0, whole);
  const bool expired = run.expired(fact);
  const long width = std::max<long>(static_cast<long>(used * kLife / whole), 2);
  return "<svg role=\"img\" width=\"120\" height=\"12\" viewBox=\"0 0 120 12\"><title>" +
         std::string(expired ? "too old" : "valid") + " until " + date_text(fact.valid_until) +
         "</title><rect class=\"f-empty\" x=\"0\" y=\"3\" width=\"120\" height=\"6\"/><rect class=\"" +
         (expired ? "f-fail" : "f-accent") + "\" x=\"0\" y=\"3\" width=\"" + std::to_string(width) +
         "\" height=\"6\"/></svg>";
}

Status attested(const Run& run, const Fact* fact) {
  if (fact == nullptr || fact->not_assessed || run.expired(*fact) || fact->simulated) return Status::kNotAssessed;
  if (text_of(fact, "assurance") != "hardware") return Status::kFail;
  return fact->truth("sound").value_or(false) && !fact->truth("debug").value_or(true) ? Status::kPass : Status::kFail;
}

void add_workload(Markup& page, const Run& run, const std::string& name, const Workload* declared) {
  const Subject subject{SubjectKind::kWorkload, name};
  const Fact* evidence = run.index->newest("attestation.workload", subject);
  const Fact* accelerator = run.index->newest("accelerator.mode", subject);
  const Fact* decision = run.index->newest("assessment.workload", subject);
  page.raw("<tr><td><b>").text(name).raw("</b>");
  if (declared == nullptr) page.raw(" <span class=\"tag critical\">undeclared</span>");
  page.raw("</td><td>");
  if (declared != nullptr) {
    page.raw(name_of(declared->use)).raw("<br><span class=\"soft small\">");
    page.raw(declared->label.sensitivity ? name_of(*declared->label.sensitivity) : "no label").raw("</span>");
  }
  page.raw("</td><td>").badge(attested(run, evidence));
  if (evidence != nullptr && evidence->simulated)
    page.raw(" <span class=\"tag sim\">simulated: insecure_software</span>");
  page.raw("</td><td>").text(text_of(evidence, "platform"));
  if (const std::string tcb = text_of(evidence, "tcb_status"); !tcb.empty())
    page.raw("<br><span class=\"soft small\">TCB ").text(tcb).raw("</span>");
  page.raw("</td><td>");
  if (evidence != nullptr) {
    page.raw(life_svg(run, *evidence));
    add_age(page, run, *evidence);
  } else {
    page.raw("<span class=\"soft\">no evidence</span>");
  }
  page.raw("</td><td>");
  if (accelerator != nullptr) {
    add_fact_link(page, run, run.index->id_of(*accelerator),
                  accelerator->truth("cc_on").value_or(false) ? "confidential mode" : "not in confidential mode");
  }
  page.raw("</td><td>");
  if (decision != nullptr) {
    add_fact_link(page, run, run.index->id_of(*decision),
                  decision->not_assessed ? *decision->not_assessed : text_of(decision, "decision"));
  } else {
    page.raw("<span class=\"soft\">not decided</span>");
  }
  page.raw("</td></tr>\n");
}

void add_exception(Markup& page, const Run& run, const Listed& one) {
  const Exception& exception = *one.verdict->exception;
  page.raw("<tr><td>");
  add_control_link(page, run, one.assessment->control);
  page.raw("</td>").cell(one.verdict->subject.text()).cell(exception.reason).cell(exception.compensating_control);
  page.cell(exception.owner).cell(exception.approver).cell(date_text(exception.created)).raw("<td class=\"nowrap\">");
  const bool soon = exception.expires < run.at() + kSoon;
  if (soon) page.raw("<span class=\"late\">");
  page.text(date_text(exception.expires)).raw("<br>in ").text(age_text(exception.expires - run.at()));
  if (soon) page.raw("</span>");
  page.raw("</td></tr>\n");
}

// No more than judges make of it: one about a simulation, or that tried nothing, shows nothing.
Status outcome_of(const Run& run, const Fact& fact) {
  const std::string outcome = text_of(&fact, "outcome");
  if (fact.not_assessed || fact.simulated || fact.at > run.at() || run.expired(fact)) return Status::kNotAssessed;
  if (outcome == "failed") return Status::kFail;
  return outcome == "defended" && fact.number("cases").value_or(0) > 0 ? Status::kPass : Status::kNotAssessed;
}

void add_drill(Markup& page, const Run& run, const Fact& fact) {
  page.raw("<tr><td>").badge(outcome_of(run, fact));
  if (fact.simulated) page.raw(" <span class=\"tag sim\">simulated</span>");
  page.raw("</td><td class=\"nowrap\"><b>")
      .text(text_of(&fact, "drill"))
      .raw("</b></td>")
      .cell(fact.subject.text())
      .raw("<td>");
  if (fact.not_assessed) {
    page.text(*fact.not_assessed);
  } else {
    page.text(text_of(&fact, "outcome").empty() ? "outcome not known" : text_of(&fact, "outcome"));
    const auto cases = fact.number("cases"), refused = fact.number("refused");
    if (cases && refused) page.raw(", ").text(std::to_string(*refused) + " of " + std::to_string(*cases) + " refused");
  }
  page.raw("</td><td>");
  if (const std::vector<std::string>* details = fact.list("details"); details != nullptr)
    page.text(value_text(*details));
  page.raw("</td><td class=\"nowrap\">");
  add_age(page, run, fact);
  page.raw("</td></tr>\n");
}

}  // namespace

void add_workloads(Markup& page, const Run& run) {
  begin_section(page, run, "workloads", "Workloads and their attestation",
                "A pass is hardware evidence that was verified, isn't in debug mode and isn't too old. The bar shows "
                "how much of its "
                "life is over.");
  std::map<std::string, const Workload*> workloads;
  for (const Workload& one : run.posture().estate.workloads) workloads.emplace(one.name, &one);
  for (const std::size_t at : run.index->of_kind("attestation.workload")) {
    workloads.try_emplace(run.posture().facts[at].subject.id, nullptr);
  }
  if (workloads.empty()) {
    add_nothing(page, "No workload is declared, and none was seen.");
  } else {
    begin_table(page, "workloads", {"workload", "use", "attested", "platform", "evidence", "accelerator", "decision"});
    for (const auto& [name, declared] : workloads) add_workload(page, run, name, declared);
    end_table(page);
  }
  end_section(page);
}

void add_exceptions(Markup& page, const Run& run) {
  begin_section(page, run, "exceptions", "Exceptions",
                "Somebody lives with these until a date. None counts as a pass.");
  const std::vector<Listed> all = listed(run.posture().assessment, Status::kException);
  if (all.empty()) {
    add_nothing(page, "No exception is in force.");
  } else {
    begin_table(page, "exceptions",
                {"control", "subject", "reason", "instead", "owner", "approved by", "since", "until"});
    for (const Listed& one : all) {
      if (one.verdict->exception) add_exception(page, run, one);
    }
    end_table(page);
  }
  const std::vector<std::string>& problems = run.posture().assessment.exception_problems;
  if (!problems.empty()) {
    page.raw("<h3>Without effect</h3><ul class=\"plain\">");
    for (const std::string& problem : problems) page.raw("<li>").text(problem).raw("</li>");
    page.raw("</ul>");
  }
  end_section(page);
}

void add_drills(Markup& page, const Run& run) {
  begin_section(page, run, "drills", "Red team and drills", "Attacks on this deployment, and whether it refused them.");
  const std::span<const std::size_t> facts = run.index->of_kind("drill");
  std::vector<const Fact*> drills;
  std::set<std::pair<std::string, Subject>> seen;
  for (const std::size_t at : facts) {
    const Fact& fact = run.posture().facts[at];
    if (seen.emplace(text_of(&fact, "drill"), fact.subject).second) drills.push_back(&fact);
  }
  if (drills.empty()) {
    add_nothing(page, "No exercise has been run.");
  } else {
    begin_table(page, "drills", {"", "exercise", "against", "outcome", "details", "run"});
    for (const Fact* drill : drills) add_drill(page, run, *drill);
    end_table(page);
  }
  end_section(page);
}

}  // namespace cloister::posture::report
