// Attested release: what a rule gives, and every way to be refused.
#include "policy/attestation.h"

#include <gtest/gtest.h>

namespace cloister::policy {
namespace {

const std::string kMeasured(96, 'a');
const std::string kManifest(64, 'b');
constexpr Time kNow{1'800'000'000'000};

std::string top(std::string_view more = "") {
  return "version = 1\nid = \"attested-1\"\nnot_after = \"never\"\n" + std::string(more);
}

std::string rule(std::string_view name = "infer on tdx", std::string_view more = "") {
  return "[[release]]\nname = \"" + std::string(name) +
         "\"\ntenant = \"acme\"\nenvironment = \"none\"\ndataset = \"models-*\"\npurpose = \"infer\"\nrole = "
         "\"infer\"\n"
         "manifest = \"" +
         kManifest +
         "\"\nassurance = \"hardware\"\nplatform = [\"tdx\", \"nitro\"]\nproduct = \"any\"\nchip = \"any\"\n" +
         "measurement = \"" + kMeasured +
         "\"\ntcb_status = [\"UpToDate\", \"SWHardeningNeeded\"]\nlease_seconds = 300\n" + std::string(more);
}

AttestedPart machine() {
  return {
      "tdx",
      Assurance::kHardware,
      {{"measurement", kMeasured}, {"tcb_status", "UpToDate"}, {"debug", "false"}, {"chip_id", "00aa"}, {"svn", "7"}},
      {},
      {"quote-signature", "report-data"},
      {}};
}

AttestedPart gpu() {
  return {"nvidia-gpu", Assurance::kHardware, {{"product", "gh100"}, {"chip_id", "1234"}}, {}, {"report-data"}, {}};
}

ReleaseRequest request() { return {"acme", "", "models-7", Purpose::kInfer, "infer", kManifest, {machine()}, kNow}; }

AttestationPolicy load(const std::string& text) {
  auto policy = load_attestation_policy(text);
  EXPECT_TRUE(policy.ok()) << policy.error().message();
  return policy.ok() ? std::move(policy).value() : AttestationPolicy();
}

std::string refusal_of(const std::string& text) {
  const auto policy = load_attestation_policy(text);
  EXPECT_FALSE(policy.ok()) << text;
  return policy.ok() ? "" : policy.error().message();
}

void expect_refused(const AttestationPolicy& policy, const ReleaseRequest& asked, std::string_view reason) {
  const ReleaseDecision decision = decide(policy, asked);
  EXPECT_FALSE(decision.allowed);
  EXPECT_NE(decision.reason.find(reason), std::string::npos) << decision.reason;
  EXPECT_EQ(decision.lease.ms, 0);
}

// Each change of a request that its rule gives keys, and why it is given none any more.
template <typename Change>
void expect_refused_after(const AttestationPolicy& policy, const Change& change, std::string_view reason) {
  ReleaseRequest asked = request();
  change(asked);
  expect_refused(policy, asked, reason);
}

TEST(Attestation, RuleReleases) {
  const AttestationPolicy policy = load(top() + rule());
  const ReleaseDecision decision = decide(policy, request());
  EXPECT_TRUE(decision.allowed) << decision.reason;
  EXPECT_EQ(decision.rule, "infer on tdx");
  EXPECT_EQ(decision.lease.ms, 300'000);
}

TEST(Attestation, NoPolicy) {
  expect_refused(AttestationPolicy(), request(), "no attestation policy is loaded");
  EXPECT_FALSE(AttestationPolicy().guards("acme", "", "models-7"));
  expect_refused(load(top()), request(), "no rule releases keys of this dataset");
}

TEST(Attestation, BelowTheFloor) {
  const AttestationPolicy policy = load(top() + rule());
  expect_refused_after(policy, [](auto& asked) { asked.parts.clear(); }, "there is no evidence");
  expect_refused_after(policy, [](auto& asked) { asked.purpose.reset(); }, "names no purpose");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].unmet = {"revocation"}; }, "the check revocation");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].assurance = Assurance::kNone; }, "no root");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].passed = {"quote-signature"}; }, "isn't bound");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].claims["debug"] = "true"; }, "debugged");
}

TEST(Attestation, EachPartOfTheRule) {
  const AttestationPolicy policy = load(top() + rule());
  expect_refused_after(policy, [](auto& asked) { asked.tenant = "rival"; }, "no rule releases");
  expect_refused_after(policy, [](auto& asked) { asked.environment = "production"; }, "no rule releases");
  expect_refused_after(policy, [](auto& asked) { asked.dataset = "voices"; }, "no rule releases");
  expect_refused_after(policy, [](auto& asked) { asked.purpose = Purpose::kTrain; }, "purpose train");
  expect_refused_after(policy, [](auto& asked) { asked.role = "train"; }, "role train");
  expect_refused_after(policy, [](auto& asked) { asked.manifest = std::string(64, 'c'); }, "workload manifest");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].platform = "sgx"; }, "isn't about sgx");
  expect_refused_after(
      policy, [](auto& asked) { asked.parts[0].claims["measurement"] = std::string(96, 'c'); },
      "its measurement isn't");
  expect_refused_after(
      policy, [](auto& asked) { asked.parts[0].claims.erase("measurement"); }, "it has no measurement");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].claims["tcb_status"] = "OutOfDate"; }, "OutOfDate");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].claims.erase("tcb_status"); }, "it has no tcb_status");
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].advisories = {"INTEL-SA-00615"}; }, "INTEL-SA-00615");
  expect_refused_after(policy, [](auto& asked) { asked.parts.push_back(gpu()); }, "takes no devices");
}

TEST(Attestation, InsecureSoftwareMustBeWritten) {
  ReleaseRequest asked = request();
  asked.parts[0].assurance = Assurance::kInsecureSoftware;
  expect_refused(load(top() + rule()), asked, "its assurance is insecure_software");
  std::string text = rule();
  text.replace(text.find("\"hardware\""), 10, "\"insecure_software\"");
  EXPECT_TRUE(decide(load(top() + text), asked).allowed);
  expect_refused(load(top() + text), request(), "its assurance is hardware");
}

TEST(Attestation, ChipsProductsAndVersions) {
  std::string text = rule();
  text.replace(text.find("product = \"any\""), 15, "product = [\"genoa\", \"turin\"]");
  text.replace(text.find("chip = \"any\""), 12, "chip = \"00aa\"");
  const AttestationPolicy policy = load(top() + text + "svn_min = 7\n");
  expect_refused(policy, request(), "its product isn't");
  ReleaseRequest asked = request();
  asked.parts[0].claims["product"] = "genoa";
  EXPECT_TRUE(decide(policy, asked).allowed);
  asked.parts[0].claims["svn"] = "6";
  expect_refused(policy, asked, "its svn is 6, below 7");
  asked.parts[0].claims["svn"] = "seven";
  expect_refused(policy, asked, "it has no svn");
  asked.parts[0].claims["svn"] = "7";
  asked.parts[0].claims["product"] = "milan";
  expect_refused(policy, asked, "its product isn't");
  asked.parts[0].claims["product"] = "turin";
  asked.parts[0].claims["chip_id"] = "00ab";
  expect_refused(policy, asked, "its chip isn't");
  asked.parts[0].claims.erase("chip_id");
  expect_refused(policy, asked, "its chip isn't");
}

TEST(Attestation, ClaimsOfAPlatform) {
  const std::string claims =
      "[[claim]]\nrule = \"infer on tdx\"\nplatform = \"tdx\"\nname = \"tdx.rtmr0\"\nis = [\"aa\", \"bb\"]\n"
      "[[claim]]\nrule = \"infer on tdx\"\nplatform = \"snp\"\nname = \"snp.vmpl\"\nmin = 0\nmax = 1\n";
  std::string text = rule();
  text.replace(text.find("\"nitro\""), 7, "\"snp\"");
  EXPECT_NE(refusal_of(top() + text).find("snp.vmpl"), std::string::npos);
  const AttestationPolicy policy = load(top() + text + claims);
  expect_refused(policy, request(), "it has no tdx.rtmr0");
  ReleaseRequest asked = request();
  asked.parts[0].claims["tdx.rtmr0"] = "cc";
  expect_refused(policy, asked, "its tdx.rtmr0 isn't");
  asked.parts[0].claims["tdx.rtmr0"] = "bb";
  EXPECT_TRUE(decide(policy, asked).allowed);
  asked.parts[0].platform = "snp";
  expect_refused(policy, asked, "it has no snp.vmpl");
  for (const auto& [vmpl, allowed] : {std::pair{"0", true}, {"1", true}, {"2", false}, {"", false}, {"-1", false}}) {
    asked.parts[0].claims["snp.vmpl"] = vmpl;
    EXPECT_EQ(decide(policy, asked).allowed, allowed) << vmpl;
  }
}

TEST(Attestation, Devices) {
  const std::string device =
      "[[device]]\nrule = \"infer on tdx\"\nplatform = \"nvidia-gpu\"\nassurance = \"hardware\"\nproduct = \"gh100\"\n"
      "chip = \"any\"\ncount_min = 2\n";
  const AttestationPolicy policy = load(top() + rule() + device);
  ReleaseRequest asked = request();
  expect_refused(policy, asked, "0 devices of nvidia-gpu are fewer than 2");
  asked.parts.push_back(gpu());
  expect_refused(policy, asked, "1 devices of nvidia-gpu are fewer than 2");
  asked.parts.push_back(gpu());
  EXPECT_TRUE(decide(policy, asked).allowed);
  asked.parts[2].claims["product"] = "gb100";
  expect_refused(policy, asked, "device 2 (nvidia-gpu): its product isn't");
  asked.parts[2] = gpu();
  asked.parts[2].assurance = Assurance::kInsecureSoftware;
  expect_refused(policy, asked, "device 2 (nvidia-gpu): its assurance");
  asked.parts[2] = gpu();
  asked.parts[2].passed.clear();
  expect_refused(policy, asked, "device 2 (nvidia-gpu) isn't bound");
}

TEST(Attestation, DenialsGoBeforeRules) {
  const AttestationPolicy policy =
      load(top() + rule() + "[[deny]]\nname = \"stolen\"\nplatform = \"any\"\nchip = [\"00aa\", \"00ac\"]\n");
  expect_refused(policy, request(), "rule \"stolen\" denies it");
  ReleaseRequest asked = request();
  asked.parts[0].claims["chip_id"] = "00ab";
  EXPECT_TRUE(decide(policy, asked).allowed);
}

TEST(Attestation, OutOfTime) {
  const AttestationPolicy ended = load("version = 1\nid = \"attested-1\"\nnot_after = 2027-01-01T00:00:00Z\n" + rule());
  expect_refused(ended, request(), "the attestation policy isn't in force");
  const AttestationPolicy rule_ended = load(top() + rule("old", "not_after = 2027-01-01T00:00:00Z\n"));
  expect_refused(rule_ended, request(), "isn't in force");
  EXPECT_TRUE(rule_ended.guards("acme", "", "models-7"));
}

TEST(Attestation, EndsWithThePolicyAndTheRule) {
  const auto until = [](std::string_view of_policy, std::string_view of_rule) {
    std::string text = top() + rule();
    if (!of_policy.empty()) text.replace(text.find("\"never\""), 7, of_policy);
    if (!of_rule.empty()) text += "not_after = " + std::string(of_rule) + "\n";
    const ReleaseDecision decision = decide(load(text), request());
    EXPECT_TRUE(decision.allowed) << decision.reason;
    EXPECT_EQ(decision.lease.ms, 300'000);
    return decision.until;
  };
  EXPECT_EQ(until("", ""), std::nullopt);
  EXPECT_EQ(until("2027-01-15T08:01:00Z", ""), kNow + minutes(1));
  EXPECT_EQ(until("", "2027-01-15T08:01:00Z"), kNow + minutes(1));
  EXPECT_EQ(until("2027-01-15T08:01:00Z", "2027-01-15T08:02:00Z"), kNow + minutes(1));
  EXPECT_EQ(until("2027-01-15T08:02:00Z", "2027-01-15T08:01:00Z"), kNow + minutes(1));
}

TEST(Attestation, TheNearestRuleSaysWhy) {
  std::string other = rule("a different role");
  other.replace(other.find("role = \"infer\""), 14, "role = \"train\"");
  const AttestationPolicy policy = load(top() + other + rule());
  expect_refused_after(policy, [](auto& asked) { asked.parts[0].claims["tcb_status"] = "Revoked"; }, "Revoked");
  EXPECT_EQ(decide(policy, request()).rule, "infer on tdx");
}

TEST(Attestation, WhatItGuards) {
  const AttestationPolicy policy = load(top() + rule());
  EXPECT_TRUE(policy.guards("acme", "", "models-7"));
  EXPECT_FALSE(policy.guards("acme", "", "images"));
  EXPECT_FALSE(policy.guards("acme", "production", "models-7"));
  EXPECT_FALSE(policy.guards("rival", "", "models-7"));
}

TEST(Attestation, Expectations) {
  const std::string expected =
      "[[expect]]\nat = 2027-01-01T00:00:00Z\ntenant = \"acme\"\ndataset = \"models-7\"\n"
      "purpose = \"infer\"\nrole = \"infer\"\nmanifest = \"" +
      kManifest + "\"\nplatform = \"tdx\"\nassurance = \"hardware\"\n" + "claims = [\"measurement=" + kMeasured +
      "\", \"tcb_status=UpToDate\"]\n";
  load(top() + rule() + expected + "decision = \"allow\"\nrule = \"infer on tdx\"\n");
  load(top() + rule() + expected + "unmet = \"revocation\"\ndecision = \"deny\"\n");
  load(top() + rule() + expected + "device_platform = \"nvidia-gpu\"\ndecision = \"deny\"\n");
  EXPECT_NE(refusal_of(top() + rule() + expected + "decision = \"deny\"\n").find("expected deny, but it is allowed"),
            std::string::npos);
  EXPECT_NE(refusal_of(top() + rule() + expected + "decision = \"allow\"\nrule = \"another\"\n").find("by rule"),
            std::string::npos);
}

TEST(Attestation, WhatIsNotWritten) {
  for (const char* key : {"tenant", "environment", "dataset", "purpose", "role", "manifest", "assurance", "platform",
                          "product", "chip", "measurement", "tcb_status", "lease_seconds"}) {
    std::string text = rule();
    const std::size_t at = text.find("\n" + std::string(key) + " = ");
    ASSERT_NE(at, std::string::npos) << key;
    text.erase(at, text.find('\n', at + 1) - at);
    EXPECT_NE(refusal_of(top() + text).find("isn't written"), std::string::npos) << key;
  }
  EXPECT_NE(refusal_of("id = \"x\"\nnot_after = \"never\"\n").find("version"), std::string::npos);
  EXPECT_NE(refusal_of("version = 1\nid = \"x\"\n").find("not_after"), std::string::npos);
}

TEST(Attestation, EnclavesByTheirSigner) {
  std::string text = rule("enclave", "signer = \"" + std::string(64, 'd') + "\"\nsvn_min = 7\n");
  text.erase(text.find("measurement = "), text.find("tcb_status = ") - text.find("measurement = "));
  EXPECT_NE(refusal_of(top() + text).find("measurement isn't written"), std::string::npos);
  text.replace(text.find("[\"tdx\", \"nitro\"]"), 16, "\"sgx\"");
  EXPECT_NE(refusal_of(top() + text).find("sgx.product_id"), std::string::npos);
  const AttestationPolicy policy =
      load(top() + text + "[[claim]]\nrule = \"enclave\"\nplatform = \"sgx\"\nname = \"sgx.product_id\"\nis = \"2\"\n");
  ReleaseRequest asked = request();
  asked.parts[0].platform = "sgx";
  asked.parts[0].claims["signer"] = std::string(64, 'd');
  asked.parts[0].claims["sgx.product_id"] = "2";
  EXPECT_TRUE(decide(policy, asked).allowed);
  asked.parts[0].claims["sgx.product_id"] = "3";
  expect_refused(policy, asked, "its sgx.product_id isn't");
  asked.parts[0].claims["signer"] = std::string(64, 'e');
  expect_refused(policy, asked, "its signer isn't");
}

TEST(Attestation, WhatAMeasurementSaysNothingAbout) {
  const auto with = [](std::string_view platform, std::string_view of, std::string_view name) {
    std::string text = rule();
    text.replace(text.find("\"nitro\""), 7, "\"" + std::string(platform) + "\"");
    return top() + text + "[[claim]]\nrule = \"infer on tdx\"\nplatform = \"" + std::string(of) + "\"\nname = \"" +
           std::string(name) + "\"\nis = \"0\"\n";
  };
  const std::string vmpl =
      "[[claim]]\nrule = \"infer on tdx\"\nplatform = \"az-snp-vtpm\"\nname = \"snp.vmpl\"\nis = \"0\"\n";
  EXPECT_NE(refusal_of(with("az-snp-vtpm", "az-snp-vtpm", "tpm.pcr4")).find("snp.vmpl"), std::string::npos);
  for (const std::string platform : {"az-snp-vtpm", "az-tdx-vtpm"}) {
    const std::string more = platform == "az-snp-vtpm" ? vmpl : "";
    for (const char* name : {"tpm.pcr4", "tpm.pcr11", "tpm.sha384.pcr4"}) {
      load(with(platform, platform, name) + more);
    }
    for (const char* name : {"tpm.pcr_digest", "tpm.pcr", "tpm.pcr16", "tpm.pcr23", "pcr4", "tpm.software"}) {
      EXPECT_NE(refusal_of(with(platform, platform, name) + more).find("tpm.pcr4"), std::string::npos) << name;
    }
    EXPECT_NE(refusal_of(with(platform, "tdx", "tpm.pcr4") + more).find(platform), std::string::npos);
  }
  for (const char* name : {"cca.platform_measurements", "cca.component0.measurement", "cca.component12.signer"}) {
    load(with("cca", "cca", name));
  }
  for (const char* name : {"cca.rem0", "cca.lifecycle", "cca.component0.type"}) {
    EXPECT_NE(refusal_of(with("cca", "cca", name)).find("cca.platform_measurements"), std::string::npos) << name;
  }
  // A claim of another platform.
  load(with("snp", "snp", "snp.vmpl"));
  EXPECT_NE(refusal_of(with("snp", "tdx", "snp.vmpl")).find("snp.vmpl"), std::string::npos);
}

TEST(Attestation, WhatCannotBeWritten) {
  const auto replaced = [](std::string_view from, std::string_view to) {
    std::string text = rule();
    text.replace(text.find(from), from.size(), to);
    return refusal_of(top() + text);
  };
  EXPECT_NE(replaced("measurement = \"" + kMeasured, "measurement = \"any").find("can't be any"), std::string::npos);
  EXPECT_NE(replaced("tcb_status = [\"UpToDate\", \"SWHardeningNeeded\"]", "tcb_status = \"any\"").find("can't be any"),
            std::string::npos);
  EXPECT_NE(replaced("role = \"infer\"", "role = \"any\"").find("can't be any"), std::string::npos);
  EXPECT_NE(replaced("\"hardware\"", "\"any\"").find("neither"), std::string::npos);
  EXPECT_NE(replaced("[\"tdx\", \"nitro\"]", "\"tdy\"").find("isn't a platform"), std::string::npos);
  EXPECT_NE(replaced("chip = \"any\"", "chip = [\"any\", \"aa\"]").find("stands alone"), std::string::npos);
  EXPECT_NE(replaced("lease_seconds = 300", "lease_seconds = 0").find("lease_seconds"), std::string::npos);
  EXPECT_NE(replaced("chip = \"any\"", "chips = \"any\"").find("there is no key chips"), std::string::npos);
  EXPECT_NE(refusal_of(top() + rule() + rule()).find("a second rule"), std::string::npos);
  EXPECT_NE(refusal_of(top() + rule() + "[[devise]]\n").find("there is no table"), std::string::npos);
  EXPECT_NE(refusal_of(top() + rule() + "[[claim]]\nrule = \"infer on tdy\"\n").find("did you mean"),
            std::string::npos);
  EXPECT_NE(refusal_of(top() + rule() +
                       "[[claim]]\nrule = \"infer on tdx\"\nplatform = \"sgx\"\nname = \"x\"\n"
                       "is = \"y\"\n")
                .find("doesn't name the platform"),
            std::string::npos);
  EXPECT_NE(refusal_of(top() + "[[deny]]\nname = \"all\"\nplatform = \"any\"\n").find("denies nothing"),
            std::string::npos);
  const auto newer = load_attestation_policy("version = 2\n");
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace cloister::policy
