// Every fact of the run, where verdicts lead to. Few of a sort stand in full; many in a table with a row each, so that
// a report over a hundred thousand objects can still be opened.
#include <algorithm>
#include <set>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kInFull = 40;        // of a group; more become rows
constexpr std::size_t kRawShown = 4096;    // bytes
constexpr std::size_t kRowTextMax = 40;    // bytes of a value in a row; longer ones, digests mostly, are cut
constexpr std::size_t kRowTextShown = 16;  // to so many
constexpr std::size_t kPrintedMax = 200;

std::string_view location_in(const Subject& subject) {
  if (subject.kind != SubjectKind::kObject) return {};
  return std::string_view(subject.id).substr(0, subject.id.find('#'));
}

bool same_group(const Fact& a, const Fact& b) {
  return a.kind == b.kind && a.collector == b.collector && a.scope == b.scope &&
         location_in(a.subject) == location_in(b.subject);
}

void add_marks(Markup& page, const Run& run, const Fact& fact) {
  if (fact.simulated) page.raw(" <span class=\"tag sim\">simulated</span>");
  if (run.expired(fact)) page.raw(" <span class=\"late\">too old</span>");
}

void add_full(Markup& page, const Run& run, const Fact& fact) {
  const std::string& id = run.index->id_of(fact);
  page.raw("<div class=\"fact\" id=\"" + run.prefix + "e" + id.substr(0, kShortId) + "\"><h4>")
      .text(fact.subject.text());
  add_marks(page, run, fact);
  page.raw("</h4><dl><dt>id</dt><dd class=\"mono\">" + id + "</dd><dt>looked</dt><dd>").text(fact.collector).raw(", ");
  page.raw(name_of(fact.method))
      .raw(", ")
      .text(minute_text(fact.at))
      .raw(", proves something until ")
      .text(minute_text(fact.valid_until));
  page.raw("</dd>");
  if (!fact.scope.empty()) page.raw("<dt>could have seen</dt><dd>").text(fact.scope).raw("</dd>");
  if (fact.not_assessed) page.raw("<dt>could not look</dt><dd>").text(*fact.not_assessed).raw("</dd>");
  for (const auto& [name, value] : fact.values)
    page.raw("<dt>").text(name).raw("</dt><dd>").text(value_text(value)).raw("</dd>");
  page.raw("</dl>");
  if (!fact.raw.empty()) {
    page.raw("<details><summary>as it was read</summary><pre>")
        .text(std::string_view(fact.raw).substr(0, kRawShown))
        .raw("</pre>");
    if (fact.raw.size() > kRawShown)
      page.raw("<p class=\"soft small\">cut here, of ").raw(counted(fact.raw.size(), "byte")).raw("</p>");
    page.raw("</details>");
  }
  page.raw("</div>\n");
}

void add_row(Markup& page, const Run& run, const Fact& fact, const std::set<std::string_view>& names) {
  const std::string short_id = run.index->id_of(fact).substr(0, kShortId);
  const std::string_view location = location_in(fact.subject);
  page.raw("<tr id=" + run.prefix + "e" + short_id + "><td>" + short_id + "<td>");
  page.text(location.empty()
                ? std::string_view(fact.subject.id)
                : std::string_view(fact.subject.id).substr(std::min(location.size() + 1, fact.subject.id.size())));
  add_marks(page, run, fact);
  if (fact.not_assessed) {
    page.raw("<td>could not look: ").text(*fact.not_assessed).raw("\n");
    return;
  }
  for (const std::string_view name : names) {
    page.raw("<td>");
    const auto value = fact.values.find(name);
    if (value == fact.values.end()) continue;
    const std::string words = value_text(value->second);
    if (words.size() > kRowTextMax) {
      page.text(std::string_view(words).substr(0, kRowTextShown)).raw("…");
    } else {
      page.text(words);
    }
  }
  page.raw("\n");
}

// What all of them say the same stands once, above the table.
bool is_common(const Run& run, std::span<const std::size_t> group, std::string_view name) {
  const auto value_in = [&](std::size_t at) -> const FactValue* {
    const FactValues& values = run.posture().facts[at].values;
    const auto found = values.find(name);
    return found == values.end() ? nullptr : &found->second;
  };
  const FactValue* first = value_in(group.front());
  return first != nullptr && std::ranges::all_of(group, [&](std::size_t at) {
           const FactValue* value = value_in(at);
           return value != nullptr && *value == *first;
         });
}

void add_rows(Markup& page, const Run& run, std::span<const std::size_t> group) {
  std::set<std::string_view> names;
  for (const std::size_t at : group) {
    for (const auto& [name, value] : run.posture().facts[at].values) names.insert(name);
  }
  bool any = false;
  for (auto name = names.begin(); name != names.end();) {
    if (!is_common(run, group, *name)) {
      ++name;
      continue;
    }
    page.raw(any ? "; " : "<p>All of them: ").text(*name).raw(": ");
    page.text(value_text(run.posture().facts[group.front()].values.find(*name)->second));
    any = true;
    name = names.erase(name);
  }
  if (any) page.raw("</p>");
  page.raw(group.size() > kPrintedMax ? "<details class=\"bulk\"><summary>" : "<details><summary>");
  page.raw(counted(group.size(), "fact"));
  page.raw(", a row each</summary><div class=\"wide\"><table class=\"mono\"><tr><th>id begins<th>subject");
  for (const std::string_view name : names) page.raw("<th>").text(name);
  page.raw("\n");
  for (const std::size_t at : group) add_row(page, run, run.posture().facts[at], names);
  page.raw("</table></div></details>");
}

void add_group(Markup& page, const Run& run, std::span<const std::size_t> group) {
  const Fact& first = run.posture().facts[group.front()];
  if (group.size() <= kInFull) {
    for (const std::size_t at : group) add_full(page, run, run.posture().facts[at]);
    return;
  }
  page.raw("<p><b>").text(first.collector).raw("</b>, ").raw(name_of(first.method));
  if (const std::string_view location = location_in(first.subject); !location.empty())
    page.raw(", in <b>").text(location).raw("</b>");
  page.raw(", ").text(minute_text(first.at));
  if (!first.scope.empty()) page.raw("; could have seen: ").text(first.scope);
  page.raw("</p>");
  add_rows(page, run, group);
}

}  // namespace

void add_evidence(Markup& page, const Run& run) {
  begin_section(page, run, "evidence", "Evidence",
                "Every fact of this run. Its id is the SHA-256 of its canonical JSON, so an id names exactly one "
                "content. The bundle "
                "and the JSON report hold each in full, with what it was read from.");
  const std::vector<Fact>& facts = run.posture().facts;
  if (facts.empty()) add_nothing(page, "No fact was collected.");
  // Within a kind by who looked and where, so that many of one sort become one table.
  std::vector<std::size_t> order(run.index->ordered().begin(), run.index->ordered().end());
  std::ranges::sort(order, [&facts, &run](std::size_t a, std::size_t b) {
    const Fact &left = facts[a], &right = facts[b];
    if (left.kind != right.kind) return left.kind < right.kind;
    if (left.collector != right.collector) return left.collector < right.collector;
    if (left.scope != right.scope) return left.scope < right.scope;
    if (left.subject != right.subject) return left.subject < right.subject;
    return run.index->id_of(a) < run.index->id_of(b);
  });
  std::string_view kind;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i + 1;
    while (end < order.size() && same_group(facts[order[i]], facts[order[end]])) ++end;
    if (facts[order[i]].kind != kind) {
      kind = facts[order[i]].kind;
      page.raw("<h3>").text(kind).raw("</h3>");
    }
    add_group(page, run, std::span<const std::size_t>(order).subspan(i, end - i));
    i = end;
  }
  end_section(page);
}

void add_verification(Markup& page, const Run& run) {
  begin_section(page, run, "verify", "Checking this without trusting it", "");
  page.raw(
      "<p>This page is for reading. What can be verified is the run's bundle: the facts, the estate, the exceptions "
      "and the "
      "assessment, signed, with an anchor in the audit log. Whoever has the bundle and the public key repeats the "
      "assessment "
      "offline:</p><pre>cloister posture verify BUNDLE --key PUBLIC-KEY</pre><p>It says whether signature and digests "
      "hold, judges "
      "all facts again at the time of the run, and names every control that comes out differently or is missing. One "
      "fact in "
      "full:</p><pre>cloister posture evidence ID</pre><p class=\"soft\">run <span class=\"mono\">");
  page.text(run.posture().run).raw("</span></p>");
  end_section(page);
}

}  // namespace cloister::posture::report
