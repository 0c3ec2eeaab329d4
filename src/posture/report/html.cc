// The page as a whole: its frame, what it may load (nothing), the two parts, and the run before behind them.
#include "posture/report/html.h"

#include "base/base64.h"
#include "crypto/hash.h"
#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

std::string source_of(std::string_view text) { return "'sha256-" + to_base64(crypto::sha256(as_bytes(text))) + "'"; }

// Only this very style and this very script, whatever else should get onto the page.
std::string policy() {
  return "default-src 'none'; style-src " + source_of(style_text()) + "; script-src " + source_of(script_text()) +
         "; base-uri 'none'; form-action 'none'";
}

// Areas of SVG whose status must be told apart without colour.
constexpr std::string_view kPatterns =
    "<svg class=\"defs\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"8\" height=\"8\" "
    "patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect class=\"p-open-bg\" width=\"8\" height=\"8\"/><path class=\"p-open\" d=\"M0 "
    "0V8\"/></pattern>"
    "<pattern id=\"dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\"><rect class=\"p-except-bg\" "
    "width=\"6\" height=\"6\"/>"
    "<circle class=\"p-except\" cx=\"3\" cy=\"3\" r=\"1.2\"/></pattern></defs></svg>\n";

struct Entry {
  std::string_view id, title;
};
constexpr Entry kLead[] = {{"overview", "Overview"},
                           {"next", "What to do next"},
                           {"ladder", "Next levels"},
                           {"trend", "Over time"},
                           {"storage", "Storage"},
                           {"paths", "Links"},
                           {"keys", "Keys"},
                           {"workloads", "Workloads"},
                           {"exceptions", "Exceptions"},
                           {"drills", "Red team, drills"}};
constexpr Entry kAuditor[] = {{"scope", "Scope"},           {"populations", "Populations"}, {"controls", "Controls"},
                              {"frameworks", "Frameworks"}, {"changes", "Changes"},         {"evidence", "Evidence"},
                              {"verify", "Checking it"}};

void add_entries(Markup& page, std::span<const Entry> entries, const Run& run) {
  for (const Entry& entry : entries) {
    page.raw("<a href=\"#" + run.prefix).raw(entry.id).raw("\">").raw(entry.title).raw("</a>");
  }
}

void add_navigation(Markup& page, const Run& now, const Run* before) {
  page.raw("<nav aria-label=\"Parts of the report\"><b>At a glance</b>");
  if (before != nullptr) page.raw("<a href=\"#compare\">Before and after</a>");
  add_entries(page, kLead, now);
  page.raw("<b>For the auditor</b>");
  add_entries(page, kAuditor, now);
  if (before != nullptr) {
    page.raw("<b>The run before</b>");
    add_entries(page, kLead, *before);
    add_entries(page, kAuditor, *before);
  }
  page.raw("</nav>\n");
}

void begin_part(Markup& page, std::string_view title, std::string_view words) {
  page.raw("<div class=\"part\"><div class=\"kicker\">").raw(title).raw("</div><p>").raw(words).raw("</p></div>\n");
}

void add_run(Markup& page, const Run& run, const Run* before) {
  add_summary(page, run, before);
  if (before != nullptr) add_comparison(page, run, *before);
  add_next_steps(page, run);
  add_obstacles(page, run);
  add_trend(page, run);
  add_storage(page, run);
  add_paths(page, run);
  add_keys(page, run);
  add_workloads(page, run);
  add_exceptions(page, run);
  add_drills(page, run);
  begin_part(page, "For the auditor",
             "Scope, populations, every verdict with its evidence, and the clauses that they answer.");
  add_scope(page, run);
  add_populations(page, run);
  add_controls(page, run);
  add_frameworks(page, run);
  add_changes(page, run);
  add_evidence(page, run);
  add_verification(page, run);
}

}  // namespace

std::string html_report(const Posture& now, const Posture* before) {
  const Index index(now);
  const Run run{&index, ""};
  std::optional<Index> index_before;
  std::optional<Run> run_before;
  if (before != nullptr) {
    index_before.emplace(*before);
    run_before.emplace(Run{&*index_before, "b-"});
  }
  const Run* earlier = run_before ? &*run_before : nullptr;
  Markup page;
  page.raw(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"");
  page.raw(policy()).raw(
      "\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"referrer\" "
      "content=\"no-referrer\"><title>");
  page.text(now.assessment.estate)
      .raw(": encryption posture, ")
      .text(date_text(now.assessment.at))
      .raw("</title><style>");
  page.raw(style_text()).raw("</style></head><body>\n").raw(kPatterns).raw("<div class=\"page\">");
  add_navigation(page, run, earlier);
  page.raw("<main>\n");
  add_run(page, run, earlier);
  if (earlier != nullptr) {
    begin_part(page, "The run before", "As it was reported then, for comparison.");
    add_run(page, *earlier, nullptr);
  }
  page.raw("</main></div>\n<script>").raw(script_text()).raw("</script></body></html>\n");
  return page.take();
}

}  // namespace cloister::posture::report
