#include "posture/catalogue.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/support/expect.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kOne = R"toml(id = "c"
version = "1"
[[framework]]
id = "f"
title = "F"
[[framework]]
id = "mitre_atlas"
title = "ATLAS"
[[control]]
id = "X-01"
title = "t"
domain = "in_use"
gates = "Advanced"
automation = "partial"
effort = 3
statement = "s"
procedure = ["p"]
evidence = ["e", "g"]
criterion = "c"
remediation = "r"
direct = ["f: A; B(1)", "mitre_atlas: AML.M0001"]
supports = ["f: C"]
weaknesses = ["CWE-1"]
)toml";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kOne);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void refuses(const std::string& text, std::string_view what) {
  testing::expect_refused(parse_catalogue(text), Code::kInvalid, what);
}

TEST(Catalogue, Reads) {
  const auto parsed = parse_catalogue(kOne);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  const Control* control = parsed->find("X-01");
  ASSERT_NE(control, nullptr);
  EXPECT_EQ(control->domain, Domain::kInUse);
  EXPECT_EQ(control->gates, Level::kAdvanced);
  EXPECT_EQ(control->automation, Automation::kPartial);
  EXPECT_EQ(control->effort, 3U);
  EXPECT_FALSE(control->critical);
  ASSERT_EQ(control->mappings.size(), 3U);
  EXPECT_EQ(control->mappings[0].clauses, (std::vector<std::string>{"A", "B(1)"}));
  EXPECT_EQ(control->mappings[2].relation, Relation::kSupports);
  EXPECT_EQ(control->atlas_mitigations, std::vector<std::string>{"AML.M0001"});
  EXPECT_EQ(parsed->find("X-02"), nullptr);
  EXPECT_NE(parsed->framework("f"), nullptr);
  EXPECT_EQ(parsed->digest.size(), 64U);
}

TEST(Catalogue, RefusesWhatIsNone) {
  refuses("id = \"c\"\nversion = \"1\"\n", "at least one");
  refuses(with("version = \"1\"\n", ""), "version");
  refuses(with("in_use", "inn_use"), "line 12: [[control]]: there is no domain \"inn_use\": did you mean in_use?");
  refuses(with("Advanced", "advanced"), "there is no gates");
  refuses(with("effort = 3", "effort = 5"), "effort");
  refuses(with("\"f: C\"", "\"g: C\""), "there is no framework \"g\"");
  refuses(with("\"f: C\"", "\"f C\""), "a mapping is");
  refuses(with("\"f: C\"", "\"f: C; \""), "a clause is empty");
  refuses(with("\"f: C\"", "\"f: C\", \"f: D\""), "there twice");
  refuses(with("effort", "critical = \"no\"\neffort"), "there is no critical \"no\"");
  refuses(with("effort", "efort"), "efort");
  refuses(with("id = \"mitre_atlas\"", "id = \"f\""), "already");
  refuses(std::string(kOne) + std::string(kOne.substr(kOne.find("[[control]]"))), "already");
  refuses(std::string(kOne) + "[[kontrol]]\n", "there is no table [[kontrol]]");
}

TEST(Catalogue, BuiltInIsWhole) {
  const Catalogue& catalogue = built_in_catalogue();
  EXPECT_EQ(catalogue.controls.size(), 60U);
  std::map<Level, int> gates;
  std::map<Automation, int> automation;
  int critical = 0;
  for (const Control& control : catalogue.controls) {
    ++gates[control.gates];
    ++automation[control.automation];
    critical += control.critical ? 1 : 0;
    EXPECT_FALSE(control.procedure.empty()) << control.id;
    EXPECT_FALSE(control.evidence.empty()) << control.id;
    EXPECT_FALSE(control.mappings.empty()) << control.id;
    EXPECT_EQ(control.mappings.front().relation, Relation::kDirect) << control.id;
  }
  EXPECT_EQ(gates,
            (std::map<Level, int>{
                {Level::kFoundational, 3}, {Level::kApplied, 22}, {Level::kAdvanced, 24}, {Level::kStrategic, 11}}));
  EXPECT_EQ(automation,
            (std::map<Automation, int>{{Automation::kFull, 41}, {Automation::kPartial, 17}, {Automation::kManual, 2}}));
  EXPECT_EQ(critical, 13);
}

// A prefix belongs to one domain, and the gates of each domain are what the levels were made for.
TEST(Catalogue, DomainsHoldTheirPrefixes) {
  const std::map<std::string, Domain> domains = {{"REST", Domain::kAtRest},
                                                 {"MOD", Domain::kAtRest},
                                                 {"TRN", Domain::kInTransit},
                                                 {"USE", Domain::kInUse},
                                                 {"KEY", Domain::kKeysAndTenancy},
                                                 {"TEN", Domain::kKeysAndTenancy},
                                                 {"INV", Domain::kGovernanceAndEvidence},
                                                 {"DET", Domain::kGovernanceAndEvidence},
                                                 {"GOV", Domain::kGovernanceAndEvidence},
                                                 {"AUD", Domain::kGovernanceAndEvidence},
                                                 {"RED", Domain::kGovernanceAndEvidence}};
  for (const Control& control : built_in_catalogue().controls) {
    const auto found = domains.find(control.id.substr(0, control.id.find('-')));
    ASSERT_NE(found, domains.end()) << control.id;
    EXPECT_EQ(control.domain, found->second) << control.id;
  }
}

// What an auditor checks: clauses that don't ask for encryption aren't cited as if they did.
TEST(Catalogue, NoClauseIsMadeToSayMoreThanItSays) {
  const std::set<std::string> only_support = {"iso_42001_2023", "eu_ai_act", "owasp_llm_2025", "nist_ai_rmf_1_0",
                                              "gdpr"};
  for (const Control& control : built_in_catalogue().controls) {
    for (const Mapping& mapping : control.mappings) {
      if (mapping.relation == Relation::kDirect) {
        EXPECT_FALSE(only_support.contains(mapping.framework)) << control.id;
      }
      for (const std::string& clause : mapping.clauses) {
        if (mapping.framework == "owasp_llm_2025") {
          EXPECT_NE(clause, "LLM05:2025") << control.id;
        }
        if (mapping.framework == "csf_2_0" && clause.starts_with("PR.DS-")) {
          const std::set<std::string> of_csf_2 = {"PR.DS-01", "PR.DS-02", "PR.DS-10", "PR.DS-11"};
          EXPECT_TRUE(of_csf_2.contains(clause)) << control.id << " " << clause;
        }
      }
    }
  }
}

}  // namespace
}  // namespace cloister::posture
