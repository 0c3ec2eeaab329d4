// The auditor's frame: what was looked at, by whom, with which rights, what was out of reach, and the populations that
// samples can be drawn from.
#include <algorithm>
#include <map>
#include <set>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kUnreadShown = 100;

struct CollectorRow {
  std::uint64_t facts = 0, unable = 0;
  Time oldest, newest;
  std::map<std::string, std::uint64_t> scopes;
};

void add_collectors(Markup& page, const Run& run) {
  std::map<std::string, CollectorRow> rows;
  for (const Fact& fact : run.posture().facts) {
    CollectorRow& row = rows[fact.collector];
    ++row.facts;
    if (fact.not_assessed) ++row.unable;
    row.oldest = row.facts == 1 ? fact.at : std::min(row.oldest, fact.at);
    row.newest = std::max(row.newest, fact.at);
    if (row.scopes.size() < 6 || row.scopes.contains(fact.scope)) ++row.scopes[fact.scope];
  }
  page.raw("<h3>Who looked, and what they could have seen</h3>");
  begin_table(page, "collectors", {"collector", "facts", "could not look", "from", "to", "scope"});
  for (const auto& [name, row] : rows) {
    page.raw("<tr>")
        .cell(name)
        .cell(count_text(row.facts))
        .cell(count_text(row.unable))
        .cell(minute_text(row.oldest))
        .cell(minute_text(row.newest));
    page.raw("<td>");
    std::uint64_t shown = 0;
    for (const auto& [scope, count] : row.scopes) {
      page.raw(shown == 0 ? "" : "<br>").text(scope);
      shown += count;
    }
    if (shown < row.facts) page.raw("<br>and others");
    page.raw("</td></tr>\n");
  }
  end_table(page);
}

void add_unread(Markup& page, const Run& run) {
  const std::vector<std::string>& unread = run.posture().unread;
  page.raw("<h3>What could not be looked at, and why</h3>");
  if (unread.empty()) {
    add_nothing(page, "Everything that was asked for could be looked at.");
    return;
  }
  const auto add_list = [&](std::size_t begin, std::size_t end) {
    page.raw("<ul class=\"plain\">");
    for (std::size_t i = begin; i < end; ++i) page.raw("<li>").text(unread[i]).raw("</li>");
    page.raw("</ul>");
  };
  const std::size_t shown = std::min(unread.size(), kUnreadShown);
  add_list(0, shown);
  if (unread.size() == shown) return;
  page.raw("<details class=\"bulk\"><summary>").raw(count_text(unread.size() - shown)).raw(" more</summary>");
  add_list(shown, unread.size());
  page.raw("</details>");
}

void add_samples(Markup& page, const Run& run) {
  page.raw("<h3>Sampling</h3>");
  bool any = false;
  for (const std::size_t at : run.index->of_kind("storage.encryption")) {
    const Fact& fact = run.posture().facts[at];
    const auto objects = fact.number("objects"), sampled = fact.number("objects_sampled");
    if (!objects || !sampled) continue;
    if (!any)
      begin_table(page, "samples", {"location", "objects", "looked at", "bound with 95 % confidence", "evidence"});
    any = true;
    page.raw("<tr>")
        .cell(fact.subject.id)
        .cell(count_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*objects, 0))));
    page.cell(count_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*sampled, 0))));
    const auto bound = fact.number("sample_bound_permille");
    page.cell(bound
                  ? "at most " + permille_text(static_cast<std::uint32_t>(std::clamp<std::int64_t>(*bound, 0, 1000))) +
                        " differ"
                  : "not stated");
    page.raw("<td>");
    add_age(page, run, fact);
    page.raw("</td></tr>\n");
  }
  if (any) {
    end_table(page);
  } else {
    add_nothing(page, "No population was sampled: each member was judged by itself.");
  }
}

// How the verdicts about a subject fell: of all controls, for the population lists.
using Tally = std::map<Subject, Counts>;

Tally tally_of(const Assessment& assessment) {
  Tally tally;
  for (const ControlAssessment& control : assessment.controls) {
    for (const SubjectVerdict& verdict : control.subjects) {
      if (verdict.subject.kind == SubjectKind::kObject) continue;
      ++tally[verdict.subject][static_cast<std::size_t>(verdict.status)];
    }
  }
  return tally;
}

void add_member(Markup& page, const Run& run, const Subject& subject, const Tally& tally) {
  const Label* label = run.index->label_of(subject);
  const Fact* entry = run.index->newest("inventory.entry", subject);
  page.raw("<tr><td>").text(subject.id);
  const bool declared = label != nullptr || (entry != nullptr && entry->truth("declared").value_or(false));
  if (!declared) page.raw(" <span class=\"tag critical\">undeclared</span>");
  page.raw("</td>").cell(entry == nullptr ? "not looked for" : entry->truth("observed").value_or(false) ? "yes" : "no");
  page.cell(label == nullptr ? "" : label->owner)
      .cell(label == nullptr ? "" : label->environment)
      .cell(label == nullptr ? "" : label->tenant);
  page.cell(label == nullptr || !label->sensitivity ? "" : name_of(*label->sensitivity)).raw("<td>");
  const auto counts = tally.find(subject);
  for (const Status status : {Status::kFail, Status::kNotAssessed, Status::kException, Status::kPass}) {
    const std::uint64_t count = counts == tally.end() ? 0 : counts->second[static_cast<std::size_t>(status)];
    if (count != 0) page.raw("<span class=\"nowrap\">").number(count).raw(" ").badge(status).raw("</span> ");
  }
  page.raw("</td></tr>\n");
}

void add_population(Markup& page, const Run& run, SubjectKind kind, std::string_view title, const Tally& tally) {
  std::set<Subject> members;
  const auto add = [&](const std::string& id) { members.insert({kind, id}); };
  const Estate& estate = run.posture().estate;
  if (kind == SubjectKind::kLocation) {
    for (const Location& one : estate.locations) add(one.name);
  } else if (kind == SubjectKind::kWorkload) {
    for (const Workload& one : estate.workloads) add(one.name);
  } else if (kind == SubjectKind::kEndpoint) {
    for (const Endpoint& one : estate.endpoints) add(one.name);
  } else if (kind == SubjectKind::kKey) {
    for (const DeclaredKey& one : estate.keys) add(one.name);
  }
  for (const auto& [subject, counts] : tally) {
    if (subject.kind == kind) add(subject.id);
  }
  for (const std::size_t at : run.index->of_kind("inventory.entry")) {
    const Subject& subject = run.posture().facts[at].subject;
    if (subject.kind == kind) add(subject.id);
  }
  page.raw("<h3>").raw(title).raw(" (").raw(count_text(members.size())).raw(")</h3>");
  if (members.empty()) {
    add_nothing(page, "None.");
    return;
  }
  begin_table(page, "population", {"name", "seen", "owner", "environment", "tenant", "sensitivity", "verdicts"});
  for (const Subject& subject : members) add_member(page, run, subject, tally);
  end_table(page);
}

}  // namespace

void add_scope(Markup& page, const Run& run) {
  const Posture& posture = run.posture();
  begin_section(
      page, run, "scope", "Scope",
      "What this report can speak about. Whatever was out of reach is not assessed, and never counts as good.");
  page.raw("<dl><dt>estate</dt><dd>")
      .text(posture.assessment.estate)
      .raw("</dd><dt>its file, SHA-256</dt><dd class=\"mono\">");
  page.text(posture.assessment.estate_digest)
      .raw("</dd><dt>catalogue</dt><dd>")
      .text(posture.assessment.catalogue_version);
  page.raw("</dd><dt>its file, SHA-256</dt><dd class=\"mono\">").text(posture.assessment.catalogue_digest).raw("</dd>");
  page.raw("<dt>coverage</dt><dd>")
      .raw(coverage_text(posture.assessment.coverage))
      .raw(" of what is declared or was seen</dd>");
  page.raw("<dt>run</dt><dd class=\"mono\">")
      .text(posture.run)
      .raw("</dd><dt>at</dt><dd>")
      .text(minute_text(run.at()))
      .raw("</dd>");
  page.raw("<dt>program</dt><dd>").text(posture.program).raw("</dd>");
  for (const auto& [name, value] : posture.context)
    page.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>");
  page.raw("</dl>");
  if (posture.assessment.catalogue_digest != built_in_catalogue().digest) {
    page.raw("<p class=\"notice\">This run was judged by another catalogue than the one whose words stand here.</p>");
  }
  add_unread(page, run);
  add_collectors(page, run);
  add_samples(page, run);
  end_section(page);
}

void add_populations(Markup& page, const Run& run) {
  begin_section(page, run, "populations", "Populations",
                "Everything that is declared or was seen, for drawing samples.");
  const Tally tally = tally_of(run.posture().assessment);
  add_population(page, run, SubjectKind::kLocation, "Locations", tally);
  add_population(page, run, SubjectKind::kEdge, "Edges", tally);
  add_population(page, run, SubjectKind::kKey, "Keys", tally);
  add_population(page, run, SubjectKind::kWorkload, "Workloads", tally);
  add_population(page, run, SubjectKind::kEndpoint, "Endpoints", tally);
  end_section(page);
}

}  // namespace cloister::posture::report
