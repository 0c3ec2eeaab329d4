#include "probe/path/verdict.h"

#include <gtest/gtest.h>

#include "probe/path/matrix_text.h"
#include "probe/path/picture.h"
#include "probe/path/report_json.h"
#include "tests/unit/probe/path/graphs.h"

namespace cloister::probe::path {
namespace {

Party gateway() { return id_of("spiffe://acme.example/gateway"); }
Party serving() { return id_of("spiffe://acme.example/serving"); }
Party serving_address() { return address_of("10.0.3.7"); }
Party gateway_address() { return address_of("10.0.1.9"); }

Statement receipt() { return encrypted(Source::kReceipt, gateway(), serving(), 8443, Protection::kMutualTls); }
Statement seen() { return encrypted(Source::kCapture, gateway_address(), serving_address(), 8443, Protection::kTls); }
Statement refused() { return statement(Source::kProbe, Claim::kPlaintextRefused, {}, serving_address(), 8443); }
Statement strict() {
  Statement made = statement(Source::kConfiguration, Claim::kEnforced, {}, workload_of("prod/serving"), 0);
  made.protection = Protection::kMutualTls;
  return made;
}

Report judged(std::vector<Statement> statements, Time now = noon()) {
  return judge(graph_of(kThree), std::move(statements), {}, now);
}

Row first_of(std::vector<Statement> statements) { return judged(std::move(statements)).rows.front(); }

bool says(const Row& row, std::string_view words) {
  return std::ranges::any_of(row.reasons,
                             [&](const std::string& line) { return line.find(words) != std::string::npos; });
}

TEST(PathVerdictTest, NoEvidenceIsUnknownAndNoPass) {
  const Row row = first_of({});
  EXPECT_EQ(row.verdict, Verdict::kUnknown);
  EXPECT_EQ(row.outcome, Outcome::kUnproven);
  EXPECT_TRUE(says(row, "no evidence"));
}

TEST(PathVerdictTest, OneClassIsNoPass) {
  const Row row = first_of({receipt(), receipt()});
  EXPECT_EQ(row.verdict, Verdict::kObserved);
  EXPECT_EQ(row.outcome, Outcome::kUnproven);
  EXPECT_TRUE(says(row, "one class of evidence, receipt"));
  EXPECT_EQ(first_of({strict()}).verdict, Verdict::kConfigured);
  EXPECT_EQ(first_of({strict()}).outcome, Outcome::kUnproven);
  EXPECT_EQ(first_of({refused()}).verdict, Verdict::kRefusing);
  EXPECT_EQ(first_of({refused()}).outcome, Outcome::kUnproven);
}

TEST(PathVerdictTest, TwoClassesPass) {
  const Row row = first_of({receipt(), refused()});
  EXPECT_EQ(row.verdict, Verdict::kObserved);
  EXPECT_EQ(row.outcome, Outcome::kPass);
  EXPECT_TRUE(says(row, "active-probe and receipt"));
}

TEST(PathVerdictTest, RefusedAndConfiguredIsEnforced) {
  const Row row = first_of({refused(), strict()});
  EXPECT_EQ(row.verdict, Verdict::kEnforced);
  EXPECT_EQ(row.outcome, Outcome::kPass);
}

TEST(PathVerdictTest, TlsThatHidesTheClientDoesNotShowIt) {
  const Row row = first_of({seen(), refused()});
  EXPECT_EQ(row.verdict, Verdict::kObserved);
  EXPECT_EQ(row.outcome, Outcome::kUnproven);
  EXPECT_TRUE(says(row, "both ends prove"));
}

TEST(PathVerdictTest, PlaintextSeenBeatsEverything) {
  const Row row =
      first_of({receipt(), refused(), strict(),
                statement(Source::kCapture, Claim::kPlaintextSeen, gateway_address(), serving_address(), 8443)});
  EXPECT_EQ(row.verdict, Verdict::kPlaintextSeen);
  EXPECT_EQ(row.outcome, Outcome::kFail);
}

TEST(PathVerdictTest, PlaintextAcceptedOrConfiguredToPass) {
  for (const Statement& against :
       {statement(Source::kProbe, Claim::kPlaintextAccepted, {}, serving_address(), 8443),
        statement(Source::kConfiguration, Claim::kBypass, {}, workload_of("prod/serving"), 0)}) {
    const Row row = first_of({receipt(), refused(), strict(), against});
    EXPECT_EQ(row.verdict, Verdict::kPlaintextPossible);
    EXPECT_EQ(row.outcome, Outcome::kFail);
  }
}

TEST(PathVerdictTest, WhatCannotBeToldIsNoPass) {
  const Row row =
      first_of({receipt(), refused(),
                statement(Source::kCapture, Claim::kUnrecognised, gateway_address(), serving_address(), 8443)});
  EXPECT_EQ(row.outcome, Outcome::kFail);
  EXPECT_TRUE(says(row, "can't be told"));
}

TEST(PathVerdictTest, ClientThatNeedNotProveItself) {
  const Statement open = statement(Source::kProbe, Claim::kClientNotProven, {}, serving_address(), 8443);
  EXPECT_EQ(first_of({receipt(), refused(), open}).outcome, Outcome::kFail);
  // Where TLS is enough it doesn't matter.
  const Party retriever = address_of("10.0.2.5");
  const Report report = judged({encrypted(Source::kCapture, gateway_address(), retriever, 6334, Protection::kTls),
                                statement(Source::kProbe, Claim::kPlaintextRefused, {}, retriever, 6334),
                                statement(Source::kProbe, Claim::kClientNotProven, {}, retriever, 6334)});
  EXPECT_EQ(report.rows[1].outcome, Outcome::kPass);
}

TEST(PathVerdictTest, VersionBelowTheLeast) {
  Statement old = seen();
  old.tls_version = 0x0303;
  const Row row = first_of({receipt(), refused(), old});
  EXPECT_EQ(row.outcome, Outcome::kFail);
  EXPECT_TRUE(says(row, "TLS 1.2 is below 1.3"));
}

TEST(PathVerdictTest, EncryptedButNotByTls) {
  Statement tunnel = seen();
  tunnel.protection = Protection::kEncrypted;
  tunnel.tls_version = 0;
  EXPECT_TRUE(says(first_of({receipt(), refused(), tunnel}), "not by TLS"));
}

TEST(PathVerdictTest, OldEvidenceIsNone) {
  const Report report = judged({receipt(), refused()}, at("2027-01-17T11:00:01Z"));
  EXPECT_EQ(report.rows.front().verdict, Verdict::kUnknown);
  EXPECT_EQ(report.expired, 2U);
}

TEST(PathVerdictTest, EvidenceFromTheFuture) {
  const Report report = judged({receipt(), refused()}, at("2027-01-10T10:00:00Z"));
  EXPECT_EQ(report.rows.front().verdict, Verdict::kUnknown);
  EXPECT_EQ(report.from_the_future, 2U);
}

TEST(PathVerdictTest, SocketsAloneShowThatSomebodyTalksAndNothingElse) {
  const Row row =
      first_of({statement(Source::kSockets, Claim::kConnected, gateway_address(), serving_address(), 8443)});
  EXPECT_EQ(row.verdict, Verdict::kUnknown);
  EXPECT_TRUE(row.classes.empty());
  EXPECT_EQ(row.flows, 1U);
}

TEST(PathVerdictTest, UndeclaredEdge) {
  const Report report =
      judged({encrypted(Source::kCapture, address_of("10.0.2.5"), serving_address(), 8443, Protection::kMutualTls)});
  ASSERT_EQ(report.rows.size(), 4U);
  EXPECT_EQ(report.rows[3].from, "retriever");
  EXPECT_EQ(report.rows[3].to, "serving");
  EXPECT_EQ(report.rows[3].outcome, Outcome::kFail);
  EXPECT_FALSE(report.rows[3].edge.has_value());
}

TEST(PathVerdictTest, StrangerAtAComponent) {
  const Report report =
      judged({encrypted(Source::kCapture, address_of("192.0.2.1"), serving_address(), 8443, Protection::kTls)});
  ASSERT_EQ(report.rows.size(), 4U);
  EXPECT_EQ(report.rows[3].from, "192.0.2.1");
}

TEST(PathVerdictTest, IdentityBeatsTheAddressItComesFrom) {
  Party impostor = gateway_address();
  impostor.spiffe_id = testing::value_of(identity::SpiffeId::parse("spiffe://acme.example/other"));
  const Report report = judged({encrypted(Source::kReceipt, impostor, serving(), 8443, Protection::kMutualTls)});
  EXPECT_EQ(report.rows.front().verdict, Verdict::kUnknown);
  ASSERT_EQ(report.rows.size(), 4U);
  EXPECT_EQ(report.rows[3].from, "spiffe://acme.example/other");
}

TEST(PathVerdictTest, ListenerThatTakesPlaintextWhereNoEdgeLeads) {
  const Report report = judged({statement(Source::kProbe, Claim::kPlaintextAccepted, {}, serving_address(), 8080)});
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_NE(report.findings.front().find("serving port 8080"), std::string::npos);
  EXPECT_FALSE(report.passes());
}

TEST(PathVerdictTest, WhatASidecarHandsOnStaysInside) {
  const Report report =
      judged({statement(Source::kCapture, Claim::kPlaintextSeen, serving_address(), serving_address(), 9000)});
  EXPECT_EQ(report.rows.size(), 3U);
  EXPECT_EQ(report.inside, 1U);
  // From anybody else it isn't the sidecar's.
  EXPECT_EQ(judged({statement(Source::kCapture, Claim::kPlaintextSeen, gateway_address(), serving_address(), 9000)})
                .rows.size(),
            4U);
}

TEST(PathVerdictTest, RanksOfOneComponentTalkToEachOther) {
  const Report report = judged(
      {encrypted(Source::kCapture, address_of("10.0.3.1"), address_of("10.0.3.2"), 30042, Protection::kEncrypted),
       statement(Source::kConfiguration, Claim::kEnforced, {}, workload_of("prod/serving"), 0)});
  EXPECT_EQ(report.rows[2].outcome, Outcome::kPass);
}

TEST(PathVerdictTest, SharedAddressProvesNothingForTwoAndTellsAgainstBoth) {
  const Graph graph = graph_of(R"(
version = 1
id = "shared"
[[component]]
name = "a"
address = "10.0.0.1"
[[component]]
name = "b"
address = "10.0.0.1"
[[component]]
name = "c"
address = "10.0.0.2"
[[edge]]
from = "a"
to = "c"
port = 1
[[edge]]
from = "b"
to = "c"
port = 1
)");
  const Party shared = address_of("10.0.0.1"), c = address_of("10.0.0.2");
  const Report proven = judge(graph, {encrypted(Source::kCapture, shared, c, 1, Protection::kMutualTls)}, {}, noon());
  EXPECT_EQ(proven.rows[0].verdict, Verdict::kUnknown);
  EXPECT_EQ(proven.ambiguous, 1U);
  const Report against = judge(graph, {statement(Source::kCapture, Claim::kPlaintextSeen, shared, c, 1)}, {}, noon());
  EXPECT_EQ(against.rows[0].verdict, Verdict::kPlaintextSeen);
  EXPECT_EQ(against.rows[1].verdict, Verdict::kPlaintextSeen);
}

TEST(PathVerdictTest, ExceptionHoldsUntilItEnds) {
  const std::string text = std::string(kThree) +
                           "exception = \"ranks move in spring\"\nexception_owner = \"ml-infra\"\n"
                           "exception_until = 2027-02-01T00:00:00Z\n";
  const Graph graph = graph_of(text);
  EXPECT_EQ(judge(graph, {}, {}, noon()).rows[2].outcome, Outcome::kExcepted);
  const Row ended = judge(graph, {}, {}, at("2027-02-01T00:00:01Z")).rows[2];
  EXPECT_EQ(ended.outcome, Outcome::kUnproven);
  EXPECT_TRUE(says(ended, "ended"));
}

TEST(PathVerdictTest, ProviderAloneIsNoPass) {
  const ProviderSays says{true, "everything is encrypted", "", "https://cloud.example/", noon()};
  const Report report = judge(graph_of(kThree), {}, {says, std::nullopt, std::nullopt}, noon());
  EXPECT_EQ(report.rows[0].verdict, Verdict::kProviderOnly);
  EXPECT_EQ(report.rows[0].outcome, Outcome::kUnproven);
  EXPECT_EQ(report.rows[1].verdict, Verdict::kUnknown);
}

TEST(PathVerdictTest, ProviderCountsForNoSecondClass) {
  const ProviderSays says{true, "everything is encrypted", "", "https://cloud.example/", noon()};
  const Report report = judge(graph_of(kThree), {receipt()}, {says}, noon());
  EXPECT_EQ(report.rows[0].outcome, Outcome::kUnproven);
}

TEST(PathMatrixTest, CellIsAsBadAsItsWorstEdge) {
  const Report report =
      judged({receipt(), refused(),
              statement(Source::kCapture, Claim::kPlaintextSeen, gateway_address(), serving_address(), 80)});
  const auto all = cells(report);
  const Cell cell = all.at({0, 2});
  EXPECT_EQ(cell.outcome, Outcome::kFail);
  EXPECT_EQ(cell.verdict, Verdict::kPlaintextSeen);
  EXPECT_EQ(cell.rows, 2U);
  EXPECT_EQ(cell.undeclared, 1U);
  EXPECT_FALSE(all.contains({1, 0}));
}

TEST(PathMatrixTest, TextHasASignForEachCellAndTheReasons) {
  const std::string text = matrix_text(judged({receipt(), refused()}));
  EXPECT_NE(text.find("1   gateway"), std::string::npos) << text;
  EXPECT_NE(text.find("O+  gateway -> serving 8443"), std::string::npos) << text;
  EXPECT_NE(text.find("??  serving -> serving 30000-30099"), std::string::npos) << text;
  EXPECT_NE(text.find("1 pass, 0 excepted, 2 unproven, 0 fail"), std::string::npos) << text;
}

TEST(PathMatrixTest, PictureEscapesWhatCameFromOutside) {
  Statement hostile = statement(Source::kCapture, Claim::kPlaintextSeen, gateway_address(), serving_address(), 8443);
  hostile.detail = "<script>alert(1)</script>";
  const std::string html = matrix_html(judged({hostile}));
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
  EXPECT_NE(html.find("<svg"), std::string::npos);
}

TEST(PathMatrixTest, SameEvidenceSameBytes) {
  EXPECT_EQ(report_json(judged({receipt(), refused()})), report_json(judged({receipt(), refused()})));
}

}  // namespace
}  // namespace cloister::probe::path
