// The page: hostile names stay text, every verdict leads to its evidence, nothing that isn't assessed looks like a
// pass.
#include "posture/report/html.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "support/sample_posture.h"

namespace cloister::posture::report {
namespace {

std::set<std::string> all_of(const std::string& page, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (auto at = std::sregex_iterator(page.begin(), page.end(), expression); at != std::sregex_iterator(); ++at)
    found.insert((*at)[1]);
  return found;
}

std::size_t count_of(const std::string& page, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = page.find(what); at != std::string::npos; at = page.find(what, at + 1)) ++count;
  return count;
}

TEST(HtmlTest, HostileNamesAreNoMarkup) {
  const std::string page = html_report(testing::sample_before());
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("alert(1)>"), std::string::npos);
  EXPECT_EQ(count_of(page, "<script"), 1U) << "its own";
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find("\xe2\x80\xae"), std::string::npos) << "turns the reading direction";
  EXPECT_NE(page.find("&lt;script&gt;alert(2)"), std::string::npos) << "it is shown as it is";
}

TEST(HtmlTest, LoadsAndRunsNothingElse) {
  const std::string page = html_report(testing::sample_before());
  EXPECT_NE(page.find("default-src 'none'; style-src 'sha256-"), std::string::npos);
  EXPECT_EQ(page.find("unsafe-inline"), std::string::npos);
  for (const std::string_view outside : {"src=\"http", "href=\"http", "url(http", "@import", " style=", " onclick="}) {
    EXPECT_EQ(page.find(outside), std::string::npos) << outside;
  }
}

TEST(HtmlTest, EveryLinkLeadsSomewhere) {
  for (const std::string& page : {html_report(testing::sample_before()), html_report(testing::sample_after())}) {
    const std::set<std::string> ids = all_of(page, "\\bid=\"?([A-Za-z0-9_.-]+)");
    for (const std::string& target : all_of(page, "href=\"#([^\"]*)\"")) EXPECT_TRUE(ids.contains(target)) << target;
  }
}

TEST(HtmlTest, EveryVerdictNamesItsFacts) {
  const Posture posture = testing::sample_before();
  const std::string page = html_report(posture);
  for (const ControlAssessment& control : posture.assessment.controls) {
    EXPECT_NE(page.find("id=\"c-" + control.control + "\""), std::string::npos);
    for (const SubjectVerdict& verdict : control.subjects) {
      for (const std::string& id : verdict.evidence) {
        EXPECT_NE(page.find("href=\"#e" + id.substr(0, 16)), std::string::npos) << control.control;
        EXPECT_NE(page.find("id=\"e" + id.substr(0, 16)), std::string::npos) << control.control;
      }
    }
  }
  for (const Fact& fact : posture.facts) EXPECT_NE(page.find(fact.id()), std::string::npos) << "in full";
}

TEST(HtmlTest, BothRunsOnOnePageDoNotShareAnchors) {
  const Posture before = testing::sample_before();
  const std::string page = html_report(testing::sample_after(), &before);
  std::set<std::string> seen;
  const std::regex expression("\\bid=\"?([A-Za-z0-9_.-]+)");
  for (auto at = std::sregex_iterator(page.begin(), page.end(), expression); at != std::sregex_iterator(); ++at) {
    EXPECT_TRUE(seen.insert((*at)[1]).second) << (*at)[1];
  }
  EXPECT_TRUE(seen.contains("compare"));
  EXPECT_TRUE(seen.contains("b-controls"));
  EXPECT_TRUE(seen.contains("c-REST-01"));
  EXPECT_TRUE(seen.contains("b-c-REST-01"));
}

TEST(HtmlTest, SimulatedEvidenceIsNamed) {
  Posture posture = testing::sample_before();
  EXPECT_NE(html_report(posture).find("simulated: insecure_software"), std::string::npos);
  for (Fact& fact : posture.facts) fact.simulated = false;
  EXPECT_EQ(html_report(posture).find("<b>Simulated.</b>"), std::string::npos);
}

TEST(HtmlTest, ADrillThatShowsNothingIsNoPass) {
  const auto passes = [](const auto& change) {
    Posture posture = testing::sample_after();
    for (Fact& fact : posture.facts) {
      if (fact.kind == "drill") change(fact);
    }
    const std::string page = html_report(posture);
    const std::size_t begin = page.find("<section id=\"drills\"");
    return count_of(page.substr(begin, page.find("</section>", begin) - begin), "badge pass");
  };
  EXPECT_EQ(passes([](Fact&) {}), 3U);
  EXPECT_EQ(passes([](Fact& fact) { fact.simulated = true; }), 0U);
  EXPECT_EQ(passes([](Fact& fact) { fact.at = fact.at + days(30); }), 0U) << "after the run";
  EXPECT_EQ(passes([](Fact& fact) { fact.values["cases"] = std::int64_t{0}; }), 0U) << "nothing was tried";
  EXPECT_EQ(passes([](Fact& fact) { fact.values.erase("cases"); }), 0U);
}

TEST(HtmlTest, ExpiredEvidenceIsCalledTooOld) {
  Posture posture = testing::sample_before();
  for (Fact& fact : posture.facts) fact.valid_until = fact.at;
  const std::string page = html_report(posture);
  EXPECT_NE(page.find("too old"), std::string::npos);
  EXPECT_EQ(page.find("class=\"holder pass\""), std::string::npos) << "a location whose fact is too old is no pass";
}

TEST(HtmlTest, AnEmptyRunIsNoGoodRun) {
  Posture posture;
  posture.assessment.estate = "nothing";
  posture.maturity = maturity(built_in_catalogue(), posture.assessment);
  const std::string page = html_report(posture);
  EXPECT_NE(page.find("not rated yet"), std::string::npos);
  EXPECT_NE(page.find("nothing is known"), std::string::npos);
}

TEST(HtmlTest, ManyFindingsStandTogetherAndAllAreThere) {
  const Posture posture = testing::large_posture(2000);
  const std::string page = html_report(posture);
  EXPECT_LT(page.size(), 2'000'000U);
  for (const std::size_t one : {std::size_t{0}, std::size_t{777}, std::size_t{1999}}) {
    const std::string name = "part-" + std::to_string(one) + ".parquet";
    EXPECT_EQ(count_of(page, name), 2U) << "as a subject and as a fact: " << name;
  }
}

TEST(HtmlTest, AnEndlessChainOfKeysIsAList) {
  constexpr int kKeys = 20'000;
  const auto name = [](int i) { return "chained-" + std::to_string(kKeys + i % kKeys); };
  Posture posture;
  posture.assessment.estate = "nothing";
  for (int i = 0; i < kKeys; ++i) {
    Fact fact;
    fact.kind = "key.posture";
    fact.subject = {SubjectKind::kKey, name(i)};
    fact.values["wrapped_by"] = name(i + 1);  // the last one by the first
    posture.facts.push_back(fact);
  }
  posture.maturity = maturity(built_in_catalogue(), posture.assessment);
  const std::string page = html_report(posture);
  EXPECT_NE(page.find("Too many keys for a picture"), std::string::npos);
  EXPECT_NE(page.find(name(0)), std::string::npos);
  EXPECT_NE(page.find(name(kKeys - 1)), std::string::npos);
}

TEST(HtmlTest, ManyComponentsAreAListAndNoPicture) {
  Posture posture = testing::sample_before();
  EXPECT_NE(html_report(posture).find("Pairs of components"), std::string::npos);
  for (int i = 0; i < 41; ++i) {
    Fact fact;
    fact.kind = "path.edge";
    fact.subject = {SubjectKind::kEdge, "client-" + std::to_string(i) + ">engine/tcp/8443"};
    fact.values["verdict"] = std::string("enforced");
    posture.facts.push_back(fact);
  }
  const std::string page = html_report(posture);
  EXPECT_EQ(page.find("Pairs of components"), std::string::npos);
  EXPECT_NE(page.find("client-40"), std::string::npos);
}

TEST(HtmlTest, TheSameRunGivesTheSamePage) {
  EXPECT_EQ(html_report(testing::sample_after()), html_report(testing::sample_after()));
}

}  // namespace
}  // namespace cloister::posture::report
