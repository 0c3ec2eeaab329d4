// What a security lead reads in two minutes: the level, what to do next, what stands before each domain's next level.
#include <algorithm>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kStepsShown = 5;
constexpr std::size_t kObstaclesShown = 5;
constexpr std::size_t kChangesShown = 40;

void add_counts(Markup& page, const Run& run) {
  const Counts counts = control_counts(run.posture().assessment);
  page.raw("<div class=\"card\"><h3>Controls</h3>").raw(counts_svg(counts)).raw("<p class=\"legend\">");
  for (const Status status :
       {Status::kPass, Status::kFail, Status::kNotAssessed, Status::kException, Status::kNotApplicable}) {
    const std::uint64_t count = counts[static_cast<std::size_t>(status)];
    if (count == 0) continue;
    page.raw("<span class=\"nowrap\"><a href=\"#" + run.prefix + "s-" + class_of(status) + "\">").number(count);
    page.raw("</a> ").badge(status).raw("</span>");
  }
  page.raw("</p></div>");
}

void add_figures(Markup& page, const Run& run, const Run* before) {
  const Posture& posture = run.posture();
  const Score& score = posture.maturity.score;
  page.raw("<div class=\"figures\">");
  add_counts(page, run);
  page.raw("<div class=\"card\"><h3>Score</h3><p class=\"big\">").raw(score_text(score.lower));
  if (score.upper != score.lower) page.raw(" to ").raw(score_text(score.upper));
  page.raw("</p>").raw(interval_svg(score, before == nullptr ? nullptr : &before->posture().maturity.score));
  page.raw("<p class=\"soft small\">hatched: what could not be assessed</p></div>");
  page.raw("<div class=\"card\"><h3>Coverage of the inventory</h3><p class=\"big\">");
  page.raw(coverage_text(posture.assessment.coverage)).raw("</p>").raw(coverage_svg(posture.assessment.coverage));
  page.raw("<p class=\"soft small\">marks: what each level asks for; <a href=\"#" + run.prefix +
           "scope\">what was out of reach</a></p></div></div>");
}

void add_obstacle_row(Markup& page, const Run& run, const Obstacle& one) {
  page.raw("<tr><td class=\"nowrap\">");
  if (one.control.empty()) {
    page.raw("<a href=\"#" + run.prefix + "scope\">Coverage</a>");
  } else {
    add_control_link(page, run, one.control);
    if (one.critical) page.raw(" <span class=\"tag critical\">critical</span>");
  }
  page.raw("</td><td>").badge(one.status).raw("</td><td>");
  if (!one.title.empty()) page.raw("<b>").text(one.title).raw("</b><br>");
  page.raw("<span class=\"soft\">").text(one.reason).raw("</span></td>");
  page.cell(one.owner.empty() && !one.control.empty() ? "nobody named" : one.owner).cell(one.effort);
  page.raw("<td>");
  add_remedy(page, one.what);
  page.raw("</td></tr>\n");
}

void add_domain(Markup& page, const Run& run, const DomainMaturity& domain) {
  const std::vector<Obstacle> all = obstacles(*run.index, domain);
  page.raw("<h3>").raw(title_of(domain.domain)).raw(": ").raw(name_of(domain.reached)).raw("</h3>");
  if (all.empty()) {
    add_nothing(page, "Nothing stands in the way: this is the highest level.");
    return;
  }
  begin_table(page, "obstacles", {"control", "", "why", "owner", "effort", "what to do"});
  for (std::size_t i = 0; i < all.size() && i < kObstaclesShown; ++i) add_obstacle_row(page, run, all[i]);
  end_table(page);
  if (all.size() <= kObstaclesShown) return;
  page.raw("<p class=\"small\">And ").number(all.size() - kObstaclesShown).raw(" more:");
  for (std::size_t i = kObstaclesShown; i < all.size(); ++i) {
    page.raw(i == kObstaclesShown ? " " : ", ");
    if (all[i].control.empty()) {
      page.text(all[i].reason);
    } else {
      add_control_link(page, run, all[i].control);
    }
  }
  page.raw(".</p>");
}

void add_control_change(Markup& page, const Run& now, const Run& before, const ControlAssessment& control) {
  page.raw("<tr><td>");
  add_control_link(page, now, control.control);
  page.raw("</td>");
  const Control* known = built_in_catalogue().find(control.control);
  page.cell(known == nullptr ? "" : known->title).raw("<td>");
  page.badge(before.posture().assessment.status_of(control.control)).raw("</td><td>").badge(control.status);
  page.raw("</td>").cell(control.reason).raw("</tr>\n");
}

}  // namespace

void add_summary(Markup& page, const Run& run, const Run* before) {
  const Posture& posture = run.posture();
  page.raw("<header id=\"" + run.prefix +
           "overview\"><div class=\"kicker\">Encryption of AI workloads: posture</div><h1>");
  page.text(posture.assessment.estate).raw("</h1><p class=\"meta\">").text(minute_text(posture.assessment.at));
  page.raw(" · run <span class=\"mono\">")
      .text(posture.run.substr(0, kShortId))
      .raw("</span> · <a href=\"#" + run.prefix + "evidence\">")
      .raw(counted(posture.facts.size(), "fact"))
      .raw("</a> · ")
      .text(posture.program);
  page.raw("</p><p class=\"level\">")
      .raw(name_of(posture.maturity.overall))
      .raw("</p><p class=\"headline\">")
      .text(headline(posture))
      .raw("</p></header>");
  if (const std::uint64_t simulated = simulated_count(posture); simulated != 0) {
    page.raw("<p class=\"notice\"><b>Simulated.</b> ").raw(counted(simulated, "fact"));
    page.raw(
        " came from <code>insecure_software</code>, a simulation of a TEE. They are marked, and none of them satisfies "
        "a "
        "control about the real thing.</p>");
  }
  page.raw("<section class=\"ladder\">")
      .raw(ladder_svg(posture.maturity, before == nullptr ? nullptr : &before->posture().maturity));
  if (before != nullptr) page.raw("<p class=\"soft small\">The upright marks show where the run before stood.</p>");
  add_figures(page, run, before);
  page.raw("</section>");
}

void add_next_steps(Markup& page, const Run& run) {
  const std::optional<Level> next = next_level(run.posture().maturity.overall);
  begin_section(page, run, "next", next ? "What to do next, towards " + std::string(name_of(*next)) : "What to do next",
                "Ordered by how much each adds for its effort.");
  const std::vector<Obstacle> steps = next_steps(*run.index, kStepsShown);
  if (steps.empty()) {
    add_nothing(page, next ? "No single control would raise the level: see below what stands in the way."
                           : "Keep the evidence fresh: facts that grow too old take the level with them.");
  }
  page.raw("<ol class=\"steps\">");
  for (const Obstacle& step : steps) {
    page.raw("<li><b>").text(step.title).raw("</b> ");
    add_control_link(page, run, step.control);
    page.raw(" ").badge(step.status);
    if (step.critical) page.raw(" <span class=\"tag critical\">critical</span>");
    page.raw("<p class=\"soft\">").text(step.reason).raw("</p>");
    page.raw("<p>");
    add_remedy(page, step.what);
    page.raw("</p>");
    page.raw("<p class=\"soft small\">effort: ").text(step.effort).raw(" · owner: ");
    page.text(step.owner.empty() ? "nobody named" : step.owner).raw("</p></li>");
  }
  page.raw("</ol>");
  end_section(page);
}

void add_obstacles(Markup& page, const Run& run) {
  begin_section(
      page, run, "ladder", "What stands before each domain's next level",
      "A level is a gate, not an average: every control of it and of those below must pass. What fails and what nobody "
      "could assess block alike.");
  for (const DomainMaturity& domain : run.posture().maturity.domains) add_domain(page, run, domain);
  end_section(page);
}

void add_comparison(Markup& page, const Run& now, const Run& before) {
  begin_section(page, now, "compare", "Before and after",
                "The same estate, audited twice. The run before stands in full at the end of this page.");
  page.raw("<div class=\"two\">");
  for (const Run* run : {&before, &now}) {
    const Posture& posture = run->posture();
    page.raw("<div class=\"card\"><h3>")
        .raw(run == &before ? "Before, " : "After, ")
        .text(minute_text(posture.assessment.at));
    page.raw("</h3><p class=\"level\"><a href=\"#" + run->prefix + "overview\">")
        .raw(name_of(posture.maturity.overall));
    page.raw("</a></p><p class=\"soft\">Score ").raw(score_text(posture.maturity.score.lower)).raw(" to ");
    page.raw(score_text(posture.maturity.score.upper))
        .raw("<br>Coverage ")
        .raw(coverage_text(posture.assessment.coverage));
    page.raw("</p>").raw(counts_svg(control_counts(posture.assessment))).raw("</div>");
  }
  page.raw("</div>");
  begin_table(page, "changes", {"control", "", "before", "after", "now"});
  std::size_t changed = 0;
  for (const ControlAssessment& control : now.posture().assessment.controls) {
    if (before.posture().assessment.status_of(control.control) == control.status) continue;
    ++changed;
    add_control_change(page, now, before, control);
  }
  end_table(page);
  if (changed == 0) add_nothing(page, "No control changed its status.");
  end_section(page);
}

void add_trend(Markup& page, const Run& run) {
  begin_section(
      page, run, "trend", "Over time",
      "The line is what was proved, the band above it what could not be assessed. A wider band is lost evidence.");
  const std::vector<TrendPoint>& trend = run.posture().trend;
  if (trend.size() < 2) {
    add_nothing(page, "This is the first run that is known.");
    end_section(page);
    return;
  }
  page.raw(trend_svg(trend));
  page.raw("<details><summary>").raw(counted(trend.size(), "run")).raw(" in numbers</summary>");
  begin_table(page, "trend",
              {"run", "overall", "at rest", "in transit", "in use", "keys and tenancy", "governance", "score",
               "coverage", "pass", "fail", "not assessed"});
  for (auto point = trend.rbegin(); point != trend.rend(); ++point) {
    page.raw("<tr><td class=\"nowrap\">").text(minute_text(point->at)).raw("</td>").cell(name_of(point->overall));
    for (const Reached& domain : point->domains) page.cell(name_of(domain));
    page.cell(score_text(point->score.lower) + " to " + score_text(point->score.upper))
        .cell(permille_text(point->coverage_permille));
    for (const std::uint64_t count : {point->pass, point->fail, point->not_assessed}) page.cell(count_text(count));
    page.raw("</tr>\n");
  }
  end_table(page);
  page.raw("</details>");
  end_section(page);
}

void add_changes(Markup& page, const Run& run) {
  const std::vector<Changed>& changes = run.posture().changes;
  begin_section(page, run, "changes", "Changes since the run before",
                "Lost coverage: it was judged last time, and nobody could look this time. That is never a repair.");
  if (changes.empty()) {
    add_nothing(page, "Nothing changed, or there is no run before.");
    end_section(page);
    return;
  }
  const auto add_rows = [&](std::size_t begin, std::size_t end) {
    begin_table(page, "changes", {"change", "control", "subject", "before", "after"});
    for (std::size_t i = begin; i < end; ++i) {
      page.raw("<tr>").cell(name_of(changes[i].change)).raw("<td>");
      add_control_link(page, run, changes[i].control);
      page.raw("</td>").cell(changes[i].subject.text()).raw("<td>").badge(changes[i].before).raw("</td><td>");
      page.badge(changes[i].after).raw("</td></tr>\n");
    }
    end_table(page);
  };
  const std::size_t shown = std::min(changes.size(), kChangesShown);
  add_rows(0, shown);
  if (changes.size() > shown) {
    page.raw("<details class=\"bulk\"><summary>").raw(count_text(changes.size() - shown)).raw(" more</summary>");
    add_rows(shown, changes.size());
    page.raw("</details>");
  }
  end_section(page);
}

}  // namespace cloister::posture::report
