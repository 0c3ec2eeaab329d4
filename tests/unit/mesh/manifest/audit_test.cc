// The audit against manifests in golden/, where a comment on each line says which rules find something there.
#include "mesh/manifest/audit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "mesh/manifest/report.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::mesh {
namespace {

namespace testing = cloister::testing;

using cloister::testing::expect_refused;
using cloister::testing::value_of;

const Path kGolden = Path(CLOISTER_SOURCE_DIR) / "tests/unit/mesh/manifest/golden";
constexpr Time kNow{1'795'000'000'000};

AuditReport audit_text(std::string_view text, Time now = kNow) {
  Manifests manifests;
  manifests.resources = value_of(read_manifest("a.yaml", text));
  return audit_manifests(manifests, {now, "default", ""});
}

std::string text_of(const Path& file) { return std::string(as_text(value_of(read_file(file, 1 << 20)))); }

// "12 I2", sorted.
std::vector<std::string> expected_in(const std::string& text) {
  constexpr std::string_view kMark = "# finding: ";
  std::vector<std::string> expected;
  std::size_t number = 0, at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    ++number;
    at = end + 1;
    const std::size_t mark = line.find(kMark);
    if (mark == std::string::npos) continue;
    std::string rules = line.substr(mark + kMark.size()) + " ";
    for (std::size_t blank; (blank = rules.find(' ')) != std::string::npos; rules = rules.substr(blank + 1)) {
      expected.push_back(std::to_string(number) + " " + rules.substr(0, blank));
    }
  }
  std::ranges::sort(expected);
  return expected;
}

std::vector<std::string> found_in(const AuditReport& report) {
  std::vector<std::string> found;
  for (const Finding& finding : report.findings)
    found.push_back(std::to_string(finding.line) + " " + std::string(finding.rule->id));
  std::ranges::sort(found);
  return found;
}

const WorkloadMode& workload(const AuditReport& report, std::string_view name) {
  const auto found = std::ranges::find(report.workloads, name, &WorkloadMode::name);
  CLOISTER_CHECK(found != report.workloads.end());
  return *found;
}

TEST(AuditTest, GoldenManifests) {
  std::set<std::string> seen;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    const std::string text = text_of(entry.path());
    const AuditReport report = audit_text(text);
    EXPECT_EQ(found_in(report), expected_in(text)) << entry.path();
    for (const Finding& finding : report.findings) seen.emplace(finding.rule->id);
    ++files;
  }
  EXPECT_GE(files, 13u);
  // A rule that no manifest shows isn't tested. M1 is about files, and H, G and S are of proxies with texts of their
  // own.
  for (const Rule& rule : rules()) {
    const bool elsewhere = rule.id == "M1" || std::string_view("HGS").find(rule.id.front()) != std::string_view::npos;
    EXPECT_TRUE(elsewhere || seen.contains(std::string(rule.id))) << rule.id;
  }
}

TEST(AuditTest, EveryRuleIsInTheDocumentation) {
  const std::string page = text_of(Path(CLOISTER_SOURCE_DIR) / "docs/mesh-configuration.md");
  for (const Rule& rule : rules()) {
    const std::string row = "| " + std::string(rule.id) + " | " + std::string(name_of(rule.severity)) + " | " +
                            std::string(rule.about) + " | " + std::string(rule.why) + " | " + std::string(rule.fix) +
                            " |";
    EXPECT_NE(page.find(row), std::string::npos) << row;
  }
}

TEST(AuditTest, GoodManifestsHaveNoFinding) {
  for (const std::string name : {"istio-good.yaml", "linkerd-good.yaml"}) {
    EXPECT_TRUE(audit_text(text_of(kGolden / name)).findings.empty()) << name;
  }
}

TEST(AuditTest, WhatIsGoodIsInTheReport) {
  const AuditReport istio = audit_text(text_of(kGolden / "istio-good.yaml"));
  EXPECT_EQ(workload(istio, "web").mesh, "istio");
  EXPECT_EQ(workload(istio, "web").mode, "strict");
  EXPECT_EQ(workload(istio, "web").because, "PeerAuthentication istio-system/default");
  const AuditReport linkerd = audit_text(text_of(kGolden / "linkerd-good.yaml"));
  EXPECT_EQ(workload(linkerd, "api").mode, "strict");
  EXPECT_EQ(workload(linkerd, "api").ports.at("8000"), "strict");
}

TEST(AuditTest, ModesOfWhatIsBad) {
  const AuditReport istio = audit_text(text_of(kGolden / "istio-policies.yaml"));
  EXPECT_EQ(workload(istio, "web").mode, "strict");
  EXPECT_EQ(workload(istio, "web").ports.at("8000"), "disabled");
  EXPECT_EQ(workload(istio, "web").ports.at("8001"), "strict");
  const AuditReport bypass = audit_text(text_of(kGolden / "istio-bypass.yaml"));
  EXPECT_EQ(workload(bypass, "old").mesh, "none");
  EXPECT_EQ(workload(bypass, "old").mode, "none");
  EXPECT_EQ(workload(bypass, "who-knows").mesh, "unknown");
  EXPECT_EQ(workload(bypass, "who-knows").mode, "unknown");
  const AuditReport linkerd = audit_text(text_of(kGolden / "linkerd-bad.yaml"));
  EXPECT_EQ(workload(linkerd, "by-default").mode, "permissive");
}

TEST(AuditTest, AStrictMeshCoversWhatIsNotRdma) {
  const AuditReport report = audit_text(text_of(kGolden / "covered.yaml"));
  for (const Finding& finding : report.findings) {
    EXPECT_EQ(finding.severity, finding.rule->id == "T5" ? Severity::kMedium : Severity::kNote) << finding.rule->id;
  }
}

TEST(AuditTest, NoValueThatMayBeSecret) {
  const std::string text = to_json(audit_text(text_of(kGolden / "stores.yaml")), kNow).serialize();
  EXPECT_EQ(text.find("secret@"), std::string::npos);
  EXPECT_EQ(text.find("u:p"), std::string::npos);
}

TEST(AuditTest, BundleWithoutAnAnchor) {
  const AuditReport report = audit_text(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-identity-trust-roots, namespace: linkerd}\n"
      "data: {ca-bundle.crt: \"\"}\n");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].rule->id, "L7");
}

TEST(AuditTest, AnchorThatHasExpiredOrSoonWill) {
  testing::AuthorityParts parts;
  parts.not_after = testing::kNow + days(365);
  const testing::TestAuthority authority(7, parts);
  std::string manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: linkerd-identity-trust-roots, namespace: linkerd}\n"
      "data:\n  ca-bundle.crt: |\n";
  std::istringstream lines(authority.certificate().to_pem());
  for (std::string line; std::getline(lines, line);) manifest += "    " + line + "\n";
  EXPECT_TRUE(audit_text(manifest, testing::kNow).findings.empty());
  const AuditReport soon = audit_text(manifest, parts.not_after + hours(-1));
  ASSERT_EQ(soon.findings.size(), 1u);
  EXPECT_NE(soon.findings[0].what.find("expires on"), std::string::npos);
  const AuditReport late = audit_text(manifest, parts.not_after + hours(1));
  ASSERT_EQ(late.findings.size(), 1u);
  EXPECT_EQ(late.findings[0].rule->id, "L7");
  EXPECT_NE(late.findings[0].what.find("expired on"), std::string::npos);
}

TEST(AuditTest, TextOfAManifestStaysOneLine) {
  const AuditReport report = audit_text(
      "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: \"a\\nb\\e[31m\", namespace: "
      "istio-system}\n"
      "spec: {mtls: {mode: DISABLE}}\n");
  for (const Finding& finding : report.findings) EXPECT_EQ(finding.subject.find_first_of("\n\x1b"), std::string::npos);
}

TEST(AuditTest, SarifNamesItsRules) {
  const JsonValue sarif = to_sarif(audit_text(text_of(kGolden / "istio-policies.yaml")), "1.0");
  const JsonValue& run = (*sarif.find("runs")->array())[0];
  EXPECT_EQ(*sarif.find("version")->string(), "2.1.0");
  EXPECT_FALSE(run.find("results")->array()->empty());
  EXPECT_FALSE(run.find("tool")->find("driver")->find("rules")->array()->empty());
}

TEST(ManifestsTest, FoldersFilesAndWhatIsNone) {
  const cloister::testing::TempDir folder;
  ASSERT_TRUE(cloister::create_directories(folder / "b").ok());
  ASSERT_TRUE(
      write_file(folder / "b/x.yml", as_bytes("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n"), Overwrite::kRefuse)
          .ok());
  ASSERT_TRUE(
      write_file(
          folder / "a.json",
          as_bytes("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}]}"),
          Overwrite::kRefuse)
          .ok());
  ASSERT_TRUE(write_file(folder / "c.txt", as_bytes(":"), Overwrite::kRefuse).ok());
  const Manifests manifests = value_of(load_manifests({folder.path().string()}));
  EXPECT_EQ(manifests.files, 2u);
  ASSERT_EQ(manifests.resources.size(), 2u);
  EXPECT_EQ(manifests.resources[1].name, "x");
  expect_refused(load_manifests({(folder / "none").string()}), Code::kNotFound, "no such file");
}

TEST(ManifestsTest, AFileThatIsNoManifestIsAFinding) {
  const cloister::testing::TempDir folder;
  ASSERT_TRUE(write_file(folder / "a.yaml", as_bytes("a: [\n"), Overwrite::kRefuse).ok());
  const Manifests manifests = value_of(load_manifests({(folder / "a.yaml").string()}));
  ASSERT_EQ(manifests.unread.size(), 1u);
  const AuditReport report = audit_manifests(manifests, {kNow, "default", ""});
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].rule->id, "M1");
  EXPECT_EQ(report.findings[0].severity, Severity::kHigh);
}

TEST(ManifestsTest, NamesThatAreNoText) {
  expect_refused(read_manifest("a", "apiVersion: v1\nkind: [Pod]\n"), Code::kInvalid, "line 2: kind isn't text");
  expect_refused(read_manifest("a", "apiVersion: v1\nkind: Pod\nmetadata: {name: {a: b}}\n"), Code::kInvalid,
                 "metadata.name");
  expect_refused(read_manifest("a", "apiVersion: {}\n"), Code::kInvalid, "apiVersion");
  EXPECT_TRUE(value_of(read_manifest("a", "- 1\n---\ntext\n")).empty());
}

}  // namespace
}  // namespace cloister::mesh
