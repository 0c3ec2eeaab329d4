#include "probe/path/evidence_item.h"

#include <gtest/gtest.h>

#include "probe/path/bundle.h"
#include "probe/path/cloud_facts.h"
#include "probe/path/mesh_audit.h"
#include "probe/path/plaintext_probe.h"
#include "probe/path/report_json.h"
#include "probe/path/scan_result.h"
#include "probe/path/socket_diag.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/unit/probe/path/graphs.h"

namespace cloister::probe::path {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kScan = R"({"format":"cloister-scan/1","targets":[{"target":"serving:8443","host":"serving",
"port":8443,"address":"10.0.3.7:8443","time":"2027-01-10T11:00:00Z","facts":[
{"check":"P5","subject":"","seen":"no"},{"check":"P6","subject":"","seen":"yes"},
{"check":"M1","subject":"required","seen":"yes"},{"check":"W2","subject":"plaintext answers","seen":"no"},
{"check":"W6","subject":"h2c","seen":"no"}]}]})";

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out(text);
  const std::size_t at = out.find(what);
  CLOISTER_CHECK(at != std::string::npos);
  return out.replace(at, what.size(), by);
}

TEST(PathScanTest, HardenedListener) {
  const auto statements = value_of(parse_scan_result(kScan));
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].claim, Claim::kPlaintextRefused);
  EXPECT_EQ(statements[1].claim, Claim::kEncrypted);
  EXPECT_EQ(statements[1].protection, Protection::kMutualTls);
  EXPECT_EQ(statements[1].tls_version, 0x0304);
}

TEST(PathScanTest, WeakestVersionCountsAndTheOpenDoorIsTold) {
  const auto weak = value_of(
      parse_scan_result(replaced(kScan, R"("P5","subject":"","seen":"no")", R"("P3","subject":"","seen":"yes")")));
  EXPECT_EQ(weak[1].tls_version, 0x0301);
  const auto open =
      value_of(parse_scan_result(replaced(kScan, R"("required","seen":"yes")", R"("required","seen":"no")")));
  EXPECT_EQ(open.back().claim, Claim::kClientNotProven);
  const auto h2c = value_of(parse_scan_result(replaced(kScan, R"("h2c","seen":"no")", R"("h2c","seen":"yes")")));
  EXPECT_EQ(h2c[0].claim, Claim::kPlaintextAccepted);
}

TEST(PathScanTest, WhatWasNotTriedIsNotRefused) {
  const auto statements = value_of(parse_scan_result(
      replaced(kScan, R"("plaintext answers","seen":"no")", R"("plaintext answers","seen":"unknown")")));
  EXPECT_NE(statements[0].claim, Claim::kPlaintextRefused);
  const auto half = value_of(parse_scan_result(replaced(kScan, R"("h2c","seen":"no")", R"("h2c","seen":"unknown")")));
  EXPECT_NE(half[0].claim, Claim::kPlaintextRefused) << "HTTP/2 in the clear wasn't tried";
}

TEST(PathMeshAuditTest, ModesOfWorkloadsAndPorts) {
  const auto statements = value_of(parse_mesh_audit(R"({"format":"cloister-mesh-audit/1","time":"2027-01-10T11:00:00Z",
    "workloads":[{"namespace":"prod","name":"serving","mode":"strict","ports":{"8080":"permissive"},"because":"PeerAuthentication a/b"},
    {"namespace":"prod","name":"other","mode":"none"},{"namespace":"prod","name":"third","mode":"unknown"}]})"));
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].claim, Claim::kEnforced);
  EXPECT_EQ(statements[0].to.workload, "prod/serving");
  EXPECT_EQ(statements[1].claim, Claim::kBypass);
  EXPECT_EQ(statements[1].port, 8080);
  expect_refused(parse_mesh_audit(R"({"format":"cloister-mesh-audit/1","time":"x","workloads":[]})"), Code::kInvalid,
                 "time");
}

TEST(PathStatementsTest, SurviveTheirJson) {
  const std::string json =
      format_evidence({statement(Source::kProbe, Claim::kPlaintextRefused, {}, address_of("10.0.3.7"), 8443)});
  EXPECT_EQ(format_evidence(value_of(parse_evidence(json))), json);
}

TEST(PathStatementsTest, NobodyWritesDownACaptureOrAReceipt) {
  for (const Source source : {Source::kCapture, Source::kReceipt}) {
    const std::string json = format_evidence({statement(source, Claim::kEncrypted, {}, address_of("10.0.3.7"), 8443)});
    expect_refused(parse_evidence(json), Code::kInvalid, "can't claim");
  }
}

TEST(PathStatementsTest, AboutNobodyOrBackwardsInTime) {
  const std::string json =
      format_evidence({statement(Source::kProbe, Claim::kPlaintextRefused, {}, address_of("10.0.3.7"), 8443)});
  expect_refused(parse_evidence(replaced(json, R"({"address":"10.0.3.7"})", "{}")), Code::kInvalid, "names whom");
  expect_refused(parse_evidence(replaced(json, R"("end":"2027)", R"("end":"2026)")), Code::kInvalid, "before begin");
  expect_refused(parse_evidence(replaced(json, "\"port\"", "\"portt\"")), Code::kInvalid, "did you mean port");
}

TEST(PathItemsTest, FileThatIsNoEvidence) {
  expect_refused(recognise("README.md", to_bytes(as_bytes("# hello"))), Code::kUnsupported, "README.md");
  EXPECT_EQ(value_of(recognise("scan.json", to_bytes(as_bytes(kScan)))).kind, ItemKind::kScan);
}

TEST(PathPlaintextTest, WhatAnAnswerSays) {
  EXPECT_EQ(read_answer(as_bytes("HTTP/1.1 400 Bad Request\r\n"), false), PlaintextAnswer::kAccepted);
  EXPECT_EQ(read_answer(as_bytes(std::string_view("\x15\x03\x03\0\2\2\x46", 7)), false), PlaintextAnswer::kRefused);
  EXPECT_EQ(read_answer({}, true), PlaintextAnswer::kRefused);
  EXPECT_EQ(read_answer({}, false), PlaintextAnswer::kSilent);
}

TEST(PathSocketsTest, ServerIsWhoListens) {
  SocketInventory inventory{"host", at("2027-01-10T11:00:00Z"), {}};
  const auto address = [](const char* text) { return value_of(IpAddress::parse(text)); };
  inventory.sockets.push_back({true, address("0.0.0.0"), {}, 8443, 0, 0, 1, "/usr/bin/serve", {}});
  inventory.sockets.push_back(
      {false, address("10.0.3.7"), address("10.0.1.9"), 8443, 50000, 0, 2, "/usr/bin/serve", {}});
  inventory.sockets.push_back(
      {false, address("10.0.3.7"), address("10.0.2.5"), 50001, 6334, 0, 3, "/usr/bin/serve", KernelTls{0x0304, 51}});
  const auto statements = statements_of(value_of(parse_sockets(format_sockets(inventory))));
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(statements[0].port, 8443);
  EXPECT_EQ(statements[0].claim, Claim::kConnected);
  EXPECT_EQ(statements[1].port, 6334);
  EXPECT_EQ(statements[1].claim, Claim::kEncrypted);
}

TEST(PathSocketsTest, ThisMachineAnswers) { EXPECT_TRUE(read_sockets(noon()).ok()); }

TEST(PathSocketsTest, AnswersOfTheKernelThatAreNone) {
  std::vector<Socket> sockets;
  Bytes datagram(16, 0);
  expect_refused(parse_socket_dump(datagram, sockets), Code::kCorrupt, "impossible length");
  datagram[0] = 16;
  datagram[4] = 20;
  expect_refused(parse_socket_dump(datagram, sockets), Code::kCorrupt, "half a socket");
}

TEST(PathCloudFactsTest, BuiltInTableIsWellFormedAndSourced) {
  const auto facts = value_of(parse_cloud_facts(built_in_cloud_facts()));
  EXPECT_GE(facts.size(), 15U);
  const Graph graph = graph_of(R"(
version = 1
id = "g"
[[component]]
name = "a"
address = "10.0.0.1"
cloud = "aws"
region = "eu-central-1"
zone = "a"
[[component]]
name = "b"
address = "10.0.0.2"
cloud = "aws"
region = "us-east-1"
zone = "a"
[[edge]]
from = "a"
to = "b"
port = 1
[[edge]]
from = "a"
to = "a"
transport = "rdma"
)");
  const auto says = provider_of_edges(graph, facts);
  ASSERT_TRUE(says[0].has_value());
  EXPECT_TRUE(says[0]->encrypts);
  ASSERT_TRUE(says[1].has_value());
  EXPECT_FALSE(says[1]->encrypts);
  EXPECT_FALSE(says[1]->operator_must.empty());
}

TEST(PathCloudFactsTest, FactWithoutSource) {
  expect_refused(
      parse_cloud_facts("[[fact]]\ncloud = \"aws\"\npath = \"transit\"\nencrypts = \"no\"\nstatement = \"x\"\n"
                        "source = \"a colleague\"\nretrieved = 2026-11-26T00:00:00Z\n"),
      Code::kInvalid, "https URL");
}

struct Signed {
  crypto::SigningKey key = crypto::SigningKey::from_seed(testing::key_of_byte(5));
  audit::NoteSigner signer = value_of(audit::NoteSigner::make("home.example/-", audit::NoteKeyType::kEd25519, key));
  BundleContents contents{std::string(kThree),
                          std::string(built_in_cloud_facts()),
                          {{"scan.json", ItemKind::kScan, to_bytes(as_bytes(kScan))}},
                          noon(),
                          "cloister 0",
                          "cloister paths check g.toml"};
  Report report = value_of(report_of(contents));
  std::string file = [this] {
    const std::string text = value_of(bundle_text(contents, report));
    return format_bundle(contents, report, value_of(audit::write_note({text, {signer.sign(text, noon())}})));
  }();
  Result<VerifiedBundle> verify(const std::string& changed) const {
    return verify_bundle(changed, {&signer.verifier(), 1});
  }
};

TEST(PathBundleTest, VerifiesAndGivesTheSameReport) {
  const Signed made;
  const VerifiedBundle verified = value_of(made.verify(made.file));
  EXPECT_EQ(report_json(verified.report), report_json(made.report));
  EXPECT_EQ(verified.signer, "home.example/-");
}

TEST(PathBundleTest, AnotherKey) {
  const Signed made;
  const auto other = crypto::SigningKey::from_seed(testing::key_of_byte(6));
  const auto key =
      value_of(audit::VerifierKey::make("home.example/-", audit::NoteKeyType::kEd25519, other.public_key()));
  EXPECT_FALSE(verify_bundle(made.file, {&key, 1}).ok());
}

TEST(PathBundleTest, ChangedGraphReportTimeOrName) {
  const Signed made;
  expect_refused(made.verify(replaced(made.file, "port = 8443", "port = 8444")), Code::kCorrupt, "what was signed");
  expect_refused(made.verify(replaced(made.file, "\\\"passes\\\":false", "\\\"passes\\\":true")), Code::kCorrupt,
                 "what was signed");
  expect_refused(made.verify(replaced(made.file, "\"at\":\"2027-01-10", "\"at\":\"2027-01-11")), Code::kCorrupt,
                 "what was signed");
  expect_refused(made.verify(replaced(made.file, "scan.json", "scam.json")), Code::kCorrupt, "what was signed");
}

TEST(PathBundleTest, ReportThatWasSignedButIsNotTheEvidences) {
  Signed made;
  made.report.rows.front().outcome = Outcome::kPass;
  const std::string text = value_of(bundle_text(made.contents, made.report));
  const std::string note = value_of(audit::write_note({text, {made.signer.sign(text, noon())}}));
  expect_refused(made.verify(format_bundle(made.contents, made.report, note)), Code::kCorrupt, "makes of the evidence");
}

}  // namespace
}  // namespace cloister::probe::path
