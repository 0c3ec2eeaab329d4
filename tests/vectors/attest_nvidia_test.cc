// Reports of real GPUs and of a real switch, with the manifests that NVIDIA signed: each with its expected verdict at
// its date. OCSP answers aren't among them, so revocation is never evaluated here.
#include <gtest/gtest.h>

#include <sstream>

#include "attest/nvidia/device.h"
#include "attest/nvidia/raw_signature.h"
#include "attest/nvidia/report.h"
#include "attest/nvidia/rim.h"
#include "attest/nvidia/verify.h"
#include "base/file.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

const Time kReports = value_of(parse_rfc3339("2025-06-01T00:00:00Z"));
const Time kManifests = value_of(parse_rfc3339("2025-03-15T00:00:00Z"));
const Time kSwitchManifest = value_of(parse_rfc3339("2026-11-23T00:00:00Z"));

Bytes load(const Path& path) { return value_of(read_file(path, 1 << 20)); }

Evidence evidence_in(const Path& folder, Kind kind = Kind::kNvidiaGpu, const char* chain = "cert_chain.pem") {
  return {kind, {{"report", load(folder / "report.bin")}, {"chain", load(folder / chain)}}};
}

Bytes nonce_of(const Evidence& evidence) {
  const ByteView report = evidence.part("report");
  return to_bytes(report.subspan(4, 32));
}

CollateralItem rim_item(std::string id, Bytes body) {
  return {CollateralKind::kNvidiaRim, std::move(id), std::move(body), {}, kReports, {}, {}};
}

// "passed", or "failed: bad-chain".
std::string outcome(const Verdict& verdict, std::string_view name) {
  const Check* check = verdict.find(name);
  if (check == nullptr) return "absent";
  return std::string(check_state_name(check->state)) +
         (check->reason ? ": " + std::string(reason_name(*check->reason)) : "");
}

Verdict verify_at(const Evidence& evidence, Time now, const Collateral* collateral = nullptr) {
  Question question;
  question.now = now;
  question.report_data = nonce_of(evidence);
  question.collateral = collateral;
  return verify(evidence, question);
}

// The report, its chain, nonce and firmware hold; what isn't there isn't evaluated.
void expect_report_valid(const Verdict& verdict) {
  for (const char* name : {"parse", "published-key", "chain", "device", "report-signature", "report-data", "fwid"}) {
    EXPECT_EQ(outcome(verdict, name), "passed") << name;
  }
  EXPECT_EQ(outcome(verdict, "revocation"), "not-evaluated: revocation-unknown");
  EXPECT_EQ(verdict.assurance, Assurance::kHardware);
  EXPECT_FALSE(verdict.sound());
}

// "| `report.bin` | 4140 | `1b23…` |"
std::size_t expect_checksums(const Path& folder) {
  const Bytes readme = load(folder / "README.md");
  std::size_t checked = 0;
  std::istringstream lines{std::string(as_text(readme))};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t digest = line.rfind(" `");
    const std::size_t name_end = line.find("` | ");
    if (!line.starts_with("| `") || digest == std::string::npos || line.size() < digest + 66 || name_end > digest)
      continue;
    const Path file = folder / line.substr(3, name_end - 3);
    EXPECT_EQ(to_hex(crypto::sha256(load(file))), line.substr(digest + 2, 64)) << file;
    ++checked;
  }
  return checked;
}

TEST(NvidiaVectors, Checksums) {
  CLOISTER_VECTORS_OR_SKIP(root, "nvidia");
  std::size_t checked = 0;
  for (const auto& folder : std::filesystem::directory_iterator(root)) checked += expect_checksums(folder.path());
  EXPECT_EQ(checked, 37U);
}

TEST(NvidiaVectors, Blackwell) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/blackwell-gb100-590");
  const Verdict verdict = verify_at(evidence_in(folder), kReports);
  expect_report_valid(verdict);
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("product")), "GB100");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.driver")), "590.48.01");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.vbios")), "97.00.E4.00.11");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.mode")), "spt");
  EXPECT_EQ(to_hex(std::get<Bytes>(verdict.claims.at("chip_id"))), "48b02d8c2c985ea1");
  EXPECT_TRUE(verdict.claims.contains("nvidia.fwid"));
  EXPECT_EQ(outcome(verdict, "driver-rim"), "not-evaluated: reference-missing");
}

TEST(NvidiaVectors, BlackwellNeeds) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/blackwell-gb100-590");
  const auto needed = needs(evidence_in(folder));
  ASSERT_EQ(needed.size(), 5U);
  EXPECT_EQ(needed[0].key, "NV_GPU_CC_DRIVER_GB100_590.48.01");
  EXPECT_EQ(needed[1].key, "NV_GPU_VBIOS_G525_0220_886_9700E40011");
  EXPECT_EQ(needed[2].name(), "nvidia-ocsp/41edb6e9e51500c3bd");
  EXPECT_EQ(needed[3].key, "57b71e0ce556030a36a4e52b4ca95f1e");
}

class NvidiaMatch : public ::testing::Test {
 protected:
  // The report of driver 535 with these manifests.
  Verdict judge(const Path& folder, const char* vbios, const char* driver = nullptr) {
    Collateral collateral;
    collateral.add(rim_item("NV_GPU_VBIOS_1010_0200_882_96005E0001", load(folder / vbios)));
    if (driver != nullptr) collateral.add(rim_item("NV_GPU_DRIVER_GH100_535.86.09", load(folder / driver)));
    return verify_at(evidence_in(folder), kReports, &collateral);
  }
};

TEST_F(NvidiaMatch, VbiosAloneIsNoSuccess) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-535-vbios-rim-match");
  const Verdict verdict = judge(folder, "rim_vbios_1010_0200_882_96005E0001.swidtag");
  expect_report_valid(verdict);
  for (const char* name : {"vbios-rim", "vbios-rim-signature", "vbios-rim-chain", "vbios-measurements"}) {
    EXPECT_EQ(outcome(verdict, name), "passed") << name;
  }
  EXPECT_EQ(verdict.find("vbios-measurements")->detail, "12 of 12 active match");
  for (const char* name : {"driver-rim", "driver-measurements", "measurement-indexes"}) {
    EXPECT_EQ(outcome(verdict, name), "not-evaluated: reference-missing") << name;
  }
  EXPECT_EQ(verdict.used.size(), 1U);
  EXPECT_FALSE(verdict.claims.contains("nvidia.fwid"));
}

TEST_F(NvidiaMatch, VbiosMismatch) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-535-vbios-rim-match");
  const Verdict verdict = judge(folder, "negative_rim_vbios_measurement_mismatch.xml");
  EXPECT_EQ(outcome(verdict, "vbios-rim-signature"), "passed");
  EXPECT_EQ(outcome(verdict, "vbios-measurements"), "failed: measurement-mismatch");
  EXPECT_EQ(verdict.find("vbios-measurements")->detail, "index 9 differs");
}

TEST_F(NvidiaMatch, DriverDigest) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-535-vbios-rim-match");
  const Verdict verdict =
      judge(folder, "rim_vbios_1010_0200_882_96005E0001.swidtag", "negative_rim_driver_measurement_mismatch.xml");
  EXPECT_EQ(outcome(verdict, "driver-rim"), "passed");
  EXPECT_EQ(outcome(verdict, "driver-rim-signature"), "failed: bad-signature");
  EXPECT_NE(verdict.find("driver-rim-signature")->detail.find("digest"), std::string::npos);
  EXPECT_EQ(outcome(verdict, "driver-measurements"), "not-evaluated: reference-missing");
}

TEST(NvidiaVectors, ChainCases) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-550-chain-cases");
  expect_report_valid(verify_at(evidence_in(folder), kReports));
  for (const char* chain : {"cert_chain_case2.pem", "cert_chain_case3.pem", "cert_chain_case4.pem"}) {
    const Verdict verdict = verify_at(evidence_in(folder, Kind::kNvidiaGpu, chain), kReports);
    EXPECT_EQ(outcome(verdict, "chain"), "failed: bad-chain") << chain;
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
    EXPECT_TRUE(verdict.claims.empty());
  }
}

// Not only because there are too few: the path itself has a gap.
TEST(NvidiaVectors, MissingIntermediateHasNoPath) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-550-chain-cases");
  const Bytes pem = load(folder / "cert_chain_case3.pem");
  const auto chain = value_of(crypto::Certificate::parse_pem(as_text(pem), 5));
  const auto refusal = nvidia::check_path(chain, Root::kNvidiaDevice, Anchors::production(), kReports);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, Reason::kBadChain);
}

TEST(NvidiaVectors, ChainOfAnotherGpu) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-550-chain-cases");
  CLOISTER_VECTORS_OR_SKIP(other, "nvidia/h100-580-vbios-rim-mismatch");
  Evidence mixed = evidence_in(folder);
  mixed.parts["chain"] = load(other / "cert_chain.pem");
  const Verdict verdict = verify_at(mixed, kReports);
  EXPECT_EQ(outcome(verdict, "chain"), "passed");
  EXPECT_EQ(outcome(verdict, "report-signature"), "failed: bad-signature");
  EXPECT_EQ(outcome(verdict, "fwid"), "failed: binding-mismatch");
  EXPECT_TRUE(verdict.claims.empty());
}

TEST(NvidiaVectors, NewerVbiosThanItsManifest) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-580-vbios-rim-mismatch");
  Collateral collateral;
  collateral.add(
      rim_item("NV_GPU_VBIOS_1010_0205_862_9600740020", load(folder / "rim_vbios_1010_0205_862_9600740020.swidtag")));
  const Verdict verdict = verify_at(evidence_in(folder), kReports, &collateral);
  expect_report_valid(verdict);
  EXPECT_EQ(outcome(verdict, "vbios-rim-signature"), "passed");
  EXPECT_EQ(outcome(verdict, "vbios-rim-chain"), "passed");
  EXPECT_EQ(outcome(verdict, "vbios-measurements"), "failed: measurement-mismatch");
  EXPECT_EQ(verdict.find("vbios-measurements")->detail, "index 9 differs");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.mode")), "mpt");
}

TEST(NvidiaVectors, HeldCertificateWithoutAnAnswer) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-cert-hold");
  expect_report_valid(verify_at(evidence_in(folder), kReports));
}

TEST(NvidiaVectors, TrailingByte) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/h100-coco-trailing-byte");
  const Evidence evidence = evidence_in(folder);
  Question question;
  question.now = kReports;
  const Bytes hex = load(folder / "expected_report_data.hex");
  question.report_data = unhex(as_text(hex));
  const Verdict verdict = verify(evidence, question);
  expect_report_valid(verdict);
  EXPECT_NE(verdict.find("parse")->detail.find("zero byte"), std::string::npos);

  Evidence two = evidence;
  two.parts["report"].push_back(0);
  EXPECT_EQ(outcome(verify(two, question), "parse"), "failed: malformed");
  Evidence one = evidence;
  one.parts["report"].back() = 1;
  EXPECT_EQ(outcome(verify(one, question), "parse"), "failed: malformed");
}

TEST(NvidiaVectors, SwitchReportAndManifest) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/nvswitch-ls10");
  Collateral collateral;
  collateral.add(rim_item("NV_SWITCH_BIOS_5612_0002_890_9610550001", load(folder / "rim_switch_bios.xml")));
  const Evidence evidence = evidence_in(folder, Kind::kNvidiaSwitch);
  const Verdict verdict = verify_at(evidence, kSwitchManifest, &collateral);
  expect_report_valid(verdict);
  for (const char* name : {"bios-rim", "bios-rim-signature", "bios-rim-chain", "bios-measurements"}) {
    EXPECT_EQ(outcome(verdict, name), "passed") << name;
  }
  EXPECT_EQ(verdict.find("bios-measurements")->detail, "31 of 31 active match");

  const Verdict early = verify_at(evidence, kReports, &collateral);
  expect_report_valid(early);
  EXPECT_EQ(outcome(early, "bios-rim-chain"), "failed: not-yet-valid");
  EXPECT_EQ(outcome(early, "bios-measurements"), "not-evaluated: reference-missing");
}

TEST(NvidiaVectors, SwitchAsGpu) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/nvswitch-ls10");
  EXPECT_EQ(outcome(verify_at(evidence_in(folder), kReports), "parse"), "failed: malformed");
}

TEST(NvidiaVectors, AnotherNonce) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/blackwell-gb100-590");
  Question question;
  question.now = kReports;
  question.report_data = Bytes(32, 1);
  EXPECT_EQ(outcome(verify(evidence_in(folder), question), "report-data"), "failed: nonce-mismatch");
  question.report_data.reset();
  EXPECT_EQ(outcome(verify(evidence_in(folder), question), "report-data"), "not-evaluated: nonce-mismatch");
}

struct RimOutcome {
  std::string signature = "ok", chain = "ok";
};

RimOutcome judge_rim(const Path& file, Time now, const Anchors& anchors = Anchors::production()) {
  const auto rim = value_of(nvidia::parse_rim(load(file)));
  RimOutcome found;
  const Status verified = nvidia::verify_rim_signature(rim);
  if (!verified.ok()) found.signature = verified.error().message();
  const auto refusal = nvidia::check_path(rim.certificates, Root::kNvidiaRim, anchors, now);
  if (refusal) found.chain = reason_name(refusal->reason);
  return found;
}

TEST(NvidiaVectors, ManifestSignatures) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/rim-signature-cases");
  for (const char* good : {"valid_driver_GH100_550.144.03.xml", "test_no_gpu_driver.swidtag"}) {
    const RimOutcome found = judge_rim(folder / good, kManifests);
    EXPECT_EQ(found.signature, "ok") << good;
    EXPECT_EQ(found.chain, "ok") << good;
  }
  const RimOutcome value = judge_rim(folder / "bad_signature_driver.xml", kManifests);
  EXPECT_EQ(value.chain, "ok");
  EXPECT_NE(value.signature, "ok");
  EXPECT_EQ(value.signature.find("digest"), std::string::npos) << "the digest is right, the signature wrong";
  EXPECT_NE(judge_rim(folder / "bad_signature_switch.xml", kManifests).signature.find("digest"), std::string::npos);
  EXPECT_EQ(judge_rim(folder / "bad_cert_chain_driver.xml", kManifests).chain, "untrusted-root");
}

TEST(NvidiaVectors, ManifestOfAnExpiredSigner) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/rim-signature-cases");
  const Path file = folder / "expired_signer_driver_570.124.03.xml";
  EXPECT_EQ(judge_rim(file, kManifests).chain, "expired");
  EXPECT_EQ(judge_rim(file, value_of(parse_rfc3339("2024-12-31T00:00:00Z"))).chain, "not-yet-valid");
  const RimOutcome that_day = judge_rim(file, value_of(parse_rfc3339("2025-01-01T12:00:00Z")));
  EXPECT_EQ(that_day.chain, "ok");
  EXPECT_NE(that_day.signature.find("digest"), std::string::npos);
}

TEST(NvidiaVectors, AnotherManifestRoot) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/rim-signature-cases");
  const Bytes pem = load(folder / "wrong_rim_root.pem");
  const auto wrong = value_of(crypto::Certificate::parse_pem(as_text(pem), 1)).front();
  const Anchors anchors = Anchors::insecure({{Root::kNvidiaRim, crypto::sha256(wrong.spki())}});
  for (const char* file : {"valid_driver_GH100_550.144.03.xml", "test_no_gpu_driver.swidtag",
                           "bad_signature_driver.xml", "bad_cert_chain_driver.xml"}) {
    EXPECT_EQ(judge_rim(folder / file, kManifests, anchors).chain, "untrusted-root") << file;
  }
}

// Every manifest in the place of every other: only the right one in its place is compared with.
TEST(NvidiaVectors, ManifestsInEachOthersPlaces) {
  CLOISTER_VECTORS_OR_SKIP(root, "nvidia");
  const std::vector<std::string> manifests = {
      "h100-535-vbios-rim-match/rim_vbios_1010_0200_882_96005E0001.swidtag",
      "h100-580-vbios-rim-mismatch/rim_vbios_1010_0205_862_9600740020.swidtag", "nvswitch-ls10/rim_switch_bios.xml",
      "rim-signature-cases/valid_driver_GH100_550.144.03.xml", "rim-signature-cases/test_no_gpu_driver.swidtag"};
  const Evidence gpu = evidence_in(root / "h100-535-vbios-rim-match");
  const Evidence nvswitch = evidence_in(root / "nvswitch-ls10", Kind::kNvidiaSwitch);
  std::size_t matched = 0;
  for (const std::string& manifest : manifests) {
    Collateral collateral;
    for (const char* id : {"NV_GPU_VBIOS_1010_0200_882_96005E0001", "NV_GPU_DRIVER_GH100_535.86.09",
                           "NV_SWITCH_BIOS_5612_0002_890_9610550001"}) {
      collateral.add(rim_item(id, load(root / manifest)));
    }
    const Verdict of_gpu = verify_at(gpu, kReports, &collateral);
    EXPECT_EQ(outcome(of_gpu, "driver-rim"), "failed: binding-mismatch") << manifest;
    EXPECT_FALSE(of_gpu.sound());
    const Verdict of_switch = verify_at(nvswitch, kSwitchManifest, &collateral);
    matched += outcome(of_gpu, "vbios-rim") == "passed" ? 1 : 0;
    matched += outcome(of_switch, "bios-rim") == "passed" ? 1 : 0;
  }
  EXPECT_EQ(matched, 2U);
}

// What a local verifier printed is no evidence, and its token is signed by nobody.
TEST(NvidiaVectors, LocalVerifiersResultIsNoEvidence) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/nras-eat-example");
  for (const char* file : {"dstack_gpu_attestation_h100.json", "hopperClaimsv3_detached_eat.json"}) {
    EXPECT_FALSE(recognise(load(folder / file)).ok()) << file;
    const Evidence evidence{Kind::kNvidiaGpu, {{"report", load(folder / file)}, {"chain", {}}}};
    EXPECT_EQ(outcome(verify_at(evidence, kReports), "parse"), "failed: malformed");
  }
}

TEST(NvidiaVectors, EveryByteOfAReport) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/nvswitch-ls10");
  const Bytes pem = load(folder / "cert_chain.pem");
  const auto firmware = value_of(crypto::Certificate::parse_pem(as_text(pem), 5)).front();
  Bytes report = load(folder / "report.bin");
  for (std::uint8_t& byte : report) {
    byte ^= 0x01;
    const auto parsed = nvidia::parse_report(report);
    const bool accepted = parsed.ok() && nvidia::verify_raw_p384(firmware, parsed->signed_part, parsed->signature).ok();
    EXPECT_FALSE(accepted) << &byte - report.data();
    byte ^= 0x01;
  }
}

TEST(NvidiaVectors, EveryByteOfAManifestsSignature) {
  CLOISTER_VECTORS_OR_SKIP(folder, "nvidia/rim-signature-cases");
  const Bytes whole = load(folder / "valid_driver_GH100_550.144.03.xml");
  const std::size_t signature = as_text(whole).find("<ds:Signature ");
  const std::size_t key_info = as_text(whole).find("<ds:KeyInfo>");
  for (std::size_t i = signature; i < key_info; ++i) {
    Bytes changed = whole;
    changed[i] ^= 0x01;
    const auto rim = nvidia::parse_rim(changed);
    EXPECT_FALSE(rim.ok() && nvidia::verify_rim_signature(*rim).ok()) << i;
  }
}

}  // namespace
}  // namespace cloister::attest
