// Small pieces that every part of the page uses.
#include "posture/report/markup.h"

#include <algorithm>
#include <array>

namespace cloister::posture::report {
namespace {

constexpr std::array<std::string_view, 10> kPrograms = {"cloister ",   "aws ", "az ",   "gcloud ", "kubectl ",
                                                        "cryptsetup ", "rm ",  "psql ", "ceph ",   "zfs "};

}  // namespace

std::string class_of(Status status) {
  switch (status) {
    case Status::kPass: return "pass";
    case Status::kFail: return "fail";
    case Status::kNotAssessed: return "open";
    case Status::kNotApplicable: return "none";
    case Status::kException: return "except";
  }
  return "open";
}

Markup& Markup::badge(Status status) {
  return raw("<span class=\"badge " + class_of(status) + "\">").raw(status_text(status)).raw("</span>");
}

void add_control_link(Markup& page, const Run& run, std::string_view control) {
  page.raw("<a class=\"id\" href=\"#" + run.prefix + "c-").text(control).raw("\">").text(control).raw("</a>");
}

void add_fact_link(Markup& page, const Run& run, std::string_view id, std::string_view words) {
  if (run.index->find(id) == nullptr) {
    page.raw("<span class=\"late\">").text(words).raw(", which isn't in this report</span>");
    return;
  }
  page.raw("<a href=\"#" + run.prefix + "e").text(id.substr(0, kShortId)).raw("\">").text(words).raw("</a>");
}

void add_age(Markup& page, const Run& run, const Fact& fact) {
  const bool expired = run.expired(fact);
  if (expired) page.raw("<span class=\"late\">");
  add_fact_link(page, run, run.index->id_of(fact), age_text(run.at() - fact.at) + " old");
  if (expired) page.raw(", too old</span>");
}

void begin_section(Markup& page, const Run& run, std::string_view id, std::string_view title, std::string_view lead) {
  page.raw("\n<section id=\"" + run.prefix).raw(id).raw("\"><h2>").raw(title).raw("</h2>");
  if (!lead.empty()) page.raw("<p class=\"lead\">").raw(lead).raw("</p>");
}

void end_section(Markup& page) { page.raw("</section>\n"); }

void begin_table(Markup& page, std::string_view kind, std::initializer_list<std::string_view> headings) {
  page.raw("<div class=\"wide\"><table class=\"").raw(kind).raw("\"><thead><tr>");
  for (const std::string_view heading : headings) page.raw("<th scope=\"col\">").raw(heading).raw("</th>");
  page.raw("</tr></thead><tbody>\n");
}

void end_table(Markup& page) { page.raw("</tbody></table></div>\n"); }

void add_remedy(Markup& page, std::string_view what) {
  const bool command = std::ranges::any_of(kPrograms, [what](std::string_view one) { return what.starts_with(one); });
  page.raw(command ? "<code>" : "").text(what).raw(command ? "</code>" : "");
}

void add_nothing(Markup& page, std::string_view words) { page.raw("<p class=\"nothing\">").raw(words).raw("</p>"); }

}  // namespace cloister::posture::report
