// How the parts of the HTML report are put together. Not for others than the report's own sources.
#pragma once

#include <string>
#include <string_view>

#include "posture/report/summary.h"
#include "posture/report/text.h"

namespace cloister::posture::report {

// Grows a page: `raw` takes markup of ours, `text` whatever came from outside.
class Markup {
 public:
  Markup& raw(std::string_view markup) {
    out_ += markup;
    return *this;
  }
  Markup& text(std::string_view words) {
    append_html(out_, words);
    return *this;
  }
  Markup& number(std::uint64_t value) { return raw(std::to_string(value)); }
  Markup& cell(std::string_view words) { return raw("<td>").text(words).raw("</td>"); }
  Markup& badge(Status status);
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// One of the report's runs. Anchors of the earlier one have a prefix, so that both live on one page.
struct Run {
  const Index* index = nullptr;
  std::string prefix;

  const Posture& posture() const { return index->posture(); }
  Time at() const { return posture().assessment.at; }
  // Too old to prove something at the time of the run.
  bool expired(const Fact& fact) const { return fact.valid_until < at(); }
};

inline constexpr std::size_t kShortId = 16;  // digits of a fact's id that name it on the page

std::string class_of(Status status);  // "pass", "fail", "open", "none", "except"
void add_control_link(Markup& page, const Run& run, std::string_view control);
void add_fact_link(Markup& page, const Run& run, std::string_view id, std::string_view words);
// "3 h old", linked to the fact; says so where the fact is too old.
void add_age(Markup& page, const Run& run, const Fact& fact);
void begin_section(Markup& page, const Run& run, std::string_view id, std::string_view title, std::string_view lead);
void end_section(Markup& page);
void begin_table(Markup& page, std::string_view kind, std::initializer_list<std::string_view> headings);
void end_table(Markup& page);
// What to do: as code where it looks like a command.
void add_remedy(Markup& page, std::string_view what);
// A line of text where a list would be empty.
void add_nothing(Markup& page, std::string_view words);

// Parts, in the page's order.
void add_summary(Markup& page, const Run& run, const Run* before);
void add_next_steps(Markup& page, const Run& run);
void add_obstacles(Markup& page, const Run& run);
void add_comparison(Markup& page, const Run& now, const Run& before);
void add_trend(Markup& page, const Run& run);
void add_storage(Markup& page, const Run& run);
void add_paths(Markup& page, const Run& run);
void add_keys(Markup& page, const Run& run);
void add_workloads(Markup& page, const Run& run);
void add_exceptions(Markup& page, const Run& run);
void add_drills(Markup& page, const Run& run);
void add_scope(Markup& page, const Run& run);
void add_populations(Markup& page, const Run& run);
void add_controls(Markup& page, const Run& run);
void add_frameworks(Markup& page, const Run& run);
void add_changes(Markup& page, const Run& run);
void add_evidence(Markup& page, const Run& run);
void add_verification(Markup& page, const Run& run);

// Pictures.
std::string ladder_svg(const Maturity& maturity, const Maturity* before);
std::string interval_svg(const Score& score, const Score* before);
std::string coverage_svg(const Coverage& coverage);
std::string counts_svg(const Counts& counts);
std::string trend_svg(const std::vector<TrendPoint>& points);

std::string_view style_text();
std::string_view script_text();

}  // namespace cloister::posture::report
