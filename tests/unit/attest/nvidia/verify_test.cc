// Verdicts on GPUs and switches under roots of the test's own: every check is made to pass, and each to fail alone.
#include "attest/nvidia/verify.h"

#include <gtest/gtest.h>

#include "attest/nvidia/revocation.h"
#include "base/base64.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/flip.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_nvidia.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

std::string outcome(const Verdict& verdict, std::string_view name) {
  const Check* check = verdict.find(name);
  if (check == nullptr) return "absent";
  return std::string(check_state_name(check->state)) +
         (check->reason ? ": " + std::string(reason_name(*check->reason)) : "");
}

// Every check that didn't pass, "name failed: reason".
std::vector<std::string> problems(const Verdict& verdict) {
  std::vector<std::string> found;
  for (const Check& check : verdict.checks) {
    if (check.state != CheckState::kPassed) found.push_back(check.name + " " + outcome(verdict, check.name));
  }
  return found;
}
using Problems = std::vector<std::string>;

std::vector<std::string> names(const Verdict& verdict) {
  std::vector<std::string> found;
  for (const Check& check : verdict.checks) found.push_back(check.name);
  return found;
}

class NvidiaGpuTest : public ::testing::Test {
 protected:
  Verdict judge() { return verify(gpu_.evidence(), gpu_.question()); }
  Verdict judge_with(const Evidence& evidence) { return verify(evidence, gpu_.question()); }
  void resign_driver() { add_rim(kSimulatedDriverRim, signed_rim(gpu_.driver, gpu_.signer), gpu_.collateral); }
  void resign_vbios() { add_rim(kSimulatedVbiosRim, signed_rim(gpu_.vbios, gpu_.signer), gpu_.collateral); }
  void without(CollateralKind kind, const std::string& key) {
    Collateral rest;
    for (const auto& [name, item] : gpu_.collateral.items()) {
      if (item.kind != kind || item.key != key) rest.add(item);
    }
    gpu_.collateral = rest;
  }

  SimulatedGpu gpu_;
};

TEST_F(NvidiaGpuTest, Sound) {
  const Verdict verdict = judge();
  EXPECT_EQ(problems(verdict), Problems());
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  EXPECT_EQ(verdict.checks.size(), 20U);
  EXPECT_EQ(verdict.used.size(), 2U + 3U + 3U);
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("product")), "GH100");
  EXPECT_EQ(to_hex(std::get<Bytes>(verdict.claims.at("chip_id"))), "48b02d7a7cd27fc3");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.driver")), "550.90.07");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.vbios")), "96.00.9F.00.01");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.mode")), "spt");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.driver_rim")), "0123456789abcdef");
  EXPECT_EQ(std::get<bool>(verdict.claims.at("nvidia.nvdec0")), false);
  EXPECT_EQ(verdict, judge()) << "the same question has the same answer";
}

TEST_F(NvidiaGpuTest, BlackwellsFirmwareId) {
  gpu_.device = make_device_path({"NVIDIA:GB100:48B02D8C2C985EA1", Bytes(48, 0xF1), true, 3000});
  gpu_.anchors = SimulatedGpu().anchors;
  gpu_.driver.product = gpu_.vbios.product = "GB100";
  add_rim("NV_GPU_CC_DRIVER_GB100_550.90.07", signed_rim(gpu_.driver, gpu_.signer), gpu_.collateral);
  resign_vbios();
  EXPECT_EQ(problems(judge()), Problems());
}

TEST_F(NvidiaGpuTest, Unreadable) {
  const Verdict verdict = judge_with({Kind::kNvidiaGpu, {{"report", Bytes(10)}, {"chain", {}}}});
  EXPECT_EQ(problems(verdict), Problems{"parse failed: malformed"});
  Evidence no_chain = gpu_.evidence();
  no_chain.parts.erase("chain");
  EXPECT_EQ(problems(judge_with(no_chain)), Problems{"parse failed: malformed"});
  EXPECT_EQ(problems(judge_with({Kind::kNvidiaGpu, {}})), Problems{"parse failed: malformed"});
}

TEST_F(NvidiaGpuTest, ReportThatDoesNotSayItsDriver) {
  for (std::string* field :
       {&gpu_.report.driver, &gpu_.report.project, &gpu_.report.project_sku, &gpu_.report.chip_sku}) {
    const std::string said = std::exchange(*field, "");
    EXPECT_EQ(problems(judge()), Problems{"parse failed: malformed"});
    *field = said;
  }
  gpu_.report.vbios.pop_back();
  EXPECT_EQ(problems(judge()), Problems{"parse failed: malformed"});
}

TEST_F(NvidiaGpuTest, SignatureOfAnotherKey) {
  Evidence evidence = gpu_.evidence();
  evidence.parts["report"] = signed_report(gpu_.report, gpu_.signer.keys.front());
  const Verdict verdict = judge_with(evidence);
  EXPECT_EQ(outcome(verdict, "report-signature"), "failed: bad-signature");
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_EQ(names(verdict), names(judge())) << "every check appears all the same";
}

TEST_F(NvidiaGpuTest, SignatureWithoutNumbers) {
  for (const std::size_t zeroed : {0, 48}) {
    Evidence evidence = gpu_.evidence();
    Bytes& report = evidence.parts["report"];
    std::fill_n(report.end() - 96 + static_cast<std::ptrdiff_t>(zeroed), 48, std::uint8_t{0});
    EXPECT_EQ(outcome(judge_with(evidence), "report-signature"), "failed: bad-signature");
    std::fill_n(report.end() - 96 + static_cast<std::ptrdiff_t>(zeroed), 48, std::uint8_t{0xFF});
    EXPECT_EQ(outcome(judge_with(evidence), "report-signature"), "failed: bad-signature");
  }
}

TEST_F(NvidiaGpuTest, AnotherNonce) {
  Question question = gpu_.question();
  question.report_data->back() ^= 1;
  EXPECT_EQ(problems(verify(gpu_.evidence(), question)), Problems{"report-data failed: nonce-mismatch"});
  question.report_data.reset();
  EXPECT_EQ(problems(verify(gpu_.evidence(), question)), Problems{"report-data not-evaluated: nonce-mismatch"});
}

TEST_F(NvidiaGpuTest, LongerReportDataByItsFirstBytes) {
  Question question = gpu_.question();
  question.report_data->resize(64, 0x11);
  EXPECT_TRUE(verify(gpu_.evidence(), question).sound());
}

TEST_F(NvidiaGpuTest, AnotherFirmware) {
  gpu_.report.fwid = Bytes(48, 0xF2);
  EXPECT_EQ(problems(judge()), Problems{"fwid failed: binding-mismatch"});
}

TEST_F(NvidiaGpuTest, FirmwareIdThatTheCertificateLacks) {
  gpu_.device = make_device_path({"NVIDIA:GH100:48B02D7A7CD27FC3", std::nullopt, false, 3000});
  EXPECT_EQ(problems(judge()), Problems{"fwid failed: binding-mismatch"});
}

TEST_F(NvidiaGpuTest, ReportWithoutFirmwareId) {
  gpu_.report.fwid.reset();
  EXPECT_EQ(problems(judge()), Problems());
  EXPECT_FALSE(judge().claims.contains("nvidia.fwid")) << "a policy can ask for it";
}

TEST_F(NvidiaGpuTest, UntrustedRoot) {
  gpu_.device = make_device_path({"NVIDIA:GH100:48B02D7A7CD27FC3", Bytes(48, 0xF1), false, 3500});
  const Verdict verdict = judge();
  EXPECT_EQ(outcome(verdict, "chain"), "failed: untrusted-root");
  EXPECT_EQ(outcome(verdict, "report-signature"), "passed");
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  Question question = gpu_.question();
  question.anchors = &Anchors::production();
  EXPECT_EQ(outcome(verify(SimulatedGpu().evidence(), question), "chain"), "failed: untrusted-root");
}

TEST_F(NvidiaGpuTest, ChainsWithGaps) {
  const auto with_chain = [&](std::vector<std::size_t> which) {
    SimulatedPath path;
    for (const std::size_t i : which) path.certificates.push_back(gpu_.device.certificates[i]);
    Evidence evidence = gpu_.evidence();
    evidence.parts["chain"] = to_bytes(as_bytes(path.pem()));
    return outcome(judge_with(evidence), "chain");
  };
  EXPECT_EQ(with_chain({0, 1, 2, 3, 4}), "passed");
  for (const std::vector<std::size_t>& which : std::vector<std::vector<std::size_t>>{{4},
                                                                                     {0, 1, 3, 4},
                                                                                     {1, 2, 3, 4},
                                                                                     {0, 1, 2, 3},
                                                                                     {0, 2, 1, 3, 4},
                                                                                     {4, 3, 2, 1, 0},
                                                                                     {0, 1, 2, 3, 4, 4},
                                                                                     {0, 1, 2, 2, 4}}) {
    EXPECT_EQ(with_chain(which), "failed: bad-chain") << which.size();
  }
}

// go-sev-guest's fake VCEK, certified by an authority that is trusted.
crypto::Certificate of_published_key(const SimulatedPath& path) {
  const Bytes spki =
      value_of(from_base64("MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAENiOt8IflHZ8Zz2+iM7vGgB9KhRaxdOJ9"
                           "GCtT4y5dZWYHbGUGVq7Tp0q+3ULRN9NILYwYgZRhgdJNjLgrfjrK2IF3jfsk1n3u"
                           "dldvAb2nJiXnWG5k1YjdIV4ZuvtYdQFO"));
  const auto& facts = path.certificates[0].facts();
  crypto::MemorySigner signer(path.keys[1].duplicate());
  return value_of(crypto::sign_certificate({facts.serial,
                                            facts.issuer,
                                            facts.subject,
                                            facts.not_before,
                                            facts.not_after,
                                            value_of(crypto::PublicKey::from_spki(spki)),
                                            {crypto::extension_leaf(), crypto::extension_leaf_key_usage()}},
                                           signer));
}

TEST_F(NvidiaGpuTest, DeviceKeyThatIsPublished) {
  gpu_.device.certificates[0] = of_published_key(gpu_.device);
  const Verdict verdict = judge();
  EXPECT_EQ(outcome(verdict, "published-key"), "failed: test-key");
  EXPECT_EQ(outcome(verdict, "chain"), "passed");
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST_F(NvidiaGpuTest, ManifestKeyThatIsPublished) {
  gpu_.signer.certificates[0] = of_published_key(gpu_.signer);
  resign_driver();
  EXPECT_EQ(outcome(judge(), "driver-rim-chain"), "failed: test-key");
}

TEST_F(NvidiaGpuTest, ChainOutsideItsTime) {
  Question question = gpu_.question();
  question.now = kNvidiaNow + days(301);
  EXPECT_EQ(outcome(verify(gpu_.evidence(), question), "chain"), "failed: expired");
  question.now = kNvidiaNow + days(-31);
  EXPECT_EQ(outcome(verify(gpu_.evidence(), question), "chain"), "failed: not-yet-valid");
}

TEST_F(NvidiaGpuTest, SwitchInAGpusPlace) {
  gpu_.device = make_device_path({"NVIDIA:LS_10:48B02DFE0092CDDB", Bytes(48, 0xF1), false, 3000});
  EXPECT_EQ(outcome(judge(), "device"), "failed: binding-mismatch");
}

TEST_F(NvidiaGpuTest, CertificateOfNoDevice) {
  for (const char* name : {"OTHER:GH100:48B0", "NVIDIA:GH100", "NVIDIA::48B0", "NVIDIA:GH100:xyz", "NVIDIA:../x:48B0",
                           "NVIDIA:GH100:", ""}) {
    gpu_.device = make_device_path({name, Bytes(48, 0xF1), false, 3000});
    EXPECT_EQ(outcome(judge(), "device"), "failed: malformed") << name;
  }
}

TEST_F(NvidiaGpuTest, MissingManifest) {
  without(CollateralKind::kNvidiaRim, kSimulatedDriverRim);
  const Verdict verdict = judge();
  EXPECT_EQ(outcome(verdict, "vbios-measurements"), "passed");
  EXPECT_EQ(outcome(verdict, "driver-rim"), "not-evaluated: reference-missing");
  EXPECT_EQ(outcome(verdict, "driver-measurements"), "not-evaluated: reference-missing");
  EXPECT_EQ(outcome(verdict, "measurement-indexes"), "not-evaluated: reference-missing");
  EXPECT_FALSE(verdict.any_failed());
  EXPECT_FALSE(verdict.sound()) << "half an appraisal is none";
  EXPECT_EQ(names(verdict), names(verify(SimulatedGpu().evidence(), SimulatedGpu().question())));
}

TEST_F(NvidiaGpuTest, NoCollateralAtAll) {
  Question question = gpu_.question();
  question.collateral = nullptr;
  const Verdict verdict = verify(gpu_.evidence(), question);
  EXPECT_EQ(outcome(verdict, "revocation"), "not-evaluated: revocation-unknown");
  EXPECT_EQ(outcome(verdict, "rollback"), "not-evaluated: revocation-unknown");
  EXPECT_FALSE(verdict.any_failed());
  EXPECT_FALSE(verdict.sound());
  EXPECT_FALSE(verdict.claims.empty());
}

TEST_F(NvidiaGpuTest, MeasurementDiffers) {
  gpu_.report.measurements[10] = Bytes(48, 9);
  const Verdict verdict = judge();
  EXPECT_EQ(problems(verdict), Problems{"vbios-measurements failed: measurement-mismatch"});
  EXPECT_EQ(verdict.find("vbios-measurements")->detail, "index 9 differs");
}

TEST_F(NvidiaGpuTest, AnyOfTheAlternativesMatches) {
  gpu_.report.measurements[22] = Bytes(48, 1);
  EXPECT_EQ(problems(judge()), Problems());
}

TEST_F(NvidiaGpuTest, VideoDecoderCountsOnlyWhenEnabled) {
  gpu_.report.nvdec0 = 0xAA;
  EXPECT_EQ(problems(judge()), Problems{"driver-measurements failed: measurement-mismatch"});
  gpu_.report.measurements.erase(36);
  EXPECT_EQ(problems(judge()), Problems());
  gpu_.report.nvdec0.reset();
  gpu_.report.measurements[36] = Bytes(48, 9);
  EXPECT_EQ(problems(judge()), Problems{"driver-measurements failed: measurement-mismatch"});
}

TEST_F(NvidiaGpuTest, MeasurementThatWasNotMade) {
  gpu_.vbios.measurements[70] = {Bytes(48, 1)};
  resign_vbios();
  EXPECT_EQ(problems(judge()), Problems{"vbios-measurements failed: measurement-mismatch"});
}

TEST_F(NvidiaGpuTest, ManifestWithoutActiveMeasurement) {
  gpu_.vbios.measurements.clear();
  resign_vbios();
  EXPECT_EQ(problems(judge()), Problems{"vbios-measurements failed: reference-missing"});
}

TEST_F(NvidiaGpuTest, IndexInBothManifests) {
  gpu_.vbios.measurements[21] = {measurement_of(22)};
  resign_vbios();
  EXPECT_EQ(problems(judge()), Problems{"measurement-indexes failed: malformed"});
}

TEST_F(NvidiaGpuTest, ManifestOfAnotherVersion) {
  gpu_.driver.version = "550.90.08";
  resign_driver();
  EXPECT_EQ(outcome(judge(), "driver-rim"), "failed: binding-mismatch");
  EXPECT_EQ(outcome(judge(), "driver-measurements"), "not-evaluated: reference-missing");
}

TEST_F(NvidiaGpuTest, ManifestOfAnotherProduct) {
  gpu_.driver.product = "GB100";
  resign_driver();
  EXPECT_EQ(outcome(judge(), "driver-rim"), "failed: binding-mismatch");
  gpu_.driver.product = "GH100";
  gpu_.driver.edition = "SWITCH";
  resign_driver();
  EXPECT_EQ(outcome(judge(), "driver-rim"), "failed: binding-mismatch");
}

TEST_F(NvidiaGpuTest, OneManifestForBoth) {
  add_rim(kSimulatedVbiosRim, signed_rim(gpu_.driver, gpu_.signer), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "vbios-rim"), "failed: binding-mismatch");
}

TEST_F(NvidiaGpuTest, ManifestThatCannotBeRead) {
  add_rim(kSimulatedDriverRim, to_bytes(as_bytes("<a/>")), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "driver-rim"), "failed: malformed");
  EXPECT_EQ(names(judge()), names(verify(SimulatedGpu().evidence(), SimulatedGpu().question())));
}

TEST_F(NvidiaGpuTest, ManifestOfAnUntrustedSigner) {
  add_rim(kSimulatedDriverRim, signed_rim(gpu_.driver, make_rim_path(4500)), gpu_.collateral);
  const Verdict verdict = judge();
  EXPECT_EQ(outcome(verdict, "driver-rim-signature"), "passed");
  EXPECT_EQ(outcome(verdict, "driver-rim-chain"), "failed: untrusted-root");
  EXPECT_EQ(outcome(verdict, "driver-measurements"), "not-evaluated: reference-missing");
}

// The device's own hierarchy signs no manifests.
TEST_F(NvidiaGpuTest, ManifestSignedByADevice) {
  const SimulatedPath device = make_device_path();
  add_rim(kSimulatedDriverRim, signed_rim(gpu_.driver, device), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "driver-rim-chain"), "failed: untrusted-root");
}

TEST_F(NvidiaGpuTest, ExpiredSigner) {
  SimulatedPath old = make_path(4000, {"Signer", "L3", "Reference values", "Manifest root"}, {crypto::extension_leaf()},
                                kNvidiaNow + days(-90), kNvidiaNow + days(-1));
  add_rim(kSimulatedDriverRim, signed_rim(gpu_.driver, old), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "driver-rim-chain"), "failed: expired");
  old = make_path(4000, {"Signer", "L3", "Reference values", "Manifest root"}, {crypto::extension_leaf()},
                  kNvidiaNow + days(1), kNvidiaNow + days(9));
  add_rim(kSimulatedDriverRim, signed_rim(gpu_.driver, old), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "driver-rim-chain"), "failed: not-yet-valid");
}

TEST_F(NvidiaGpuTest, RevokedDevice) {
  add_answers(gpu_.device, 1, gpu_.collateral, 0xA1);
  EXPECT_EQ(problems(judge()), Problems{"revocation failed: revoked"});
}

TEST_F(NvidiaGpuTest, RevokedManifest) {
  add_answers(gpu_.signer, 0, gpu_.collateral, 0xA1);
  const Verdict verdict = judge();
  EXPECT_EQ(outcome(verdict, "driver-rim-revocation"), "failed: revoked");
  EXPECT_EQ(outcome(verdict, "vbios-rim-revocation"), "failed: revoked");
  EXPECT_EQ(outcome(verdict, "revocation"), "passed");
}

TEST_F(NvidiaGpuTest, DeviceThatNobodyKnows) {
  add_answers(gpu_.device, 1, gpu_.collateral, 0x82);
  EXPECT_EQ(problems(judge()), Problems{"revocation not-evaluated: revocation-unknown"});
}

TEST_F(NvidiaGpuTest, OneAnswerMissing) {
  without(CollateralKind::kNvidiaOcsp, to_hex(gpu_.device.certificates[2].facts().serial));
  EXPECT_EQ(problems(judge()), Problems{"revocation not-evaluated: revocation-unknown"});
}

TEST_F(NvidiaGpuTest, AnswerOutsideItsTime) {
  add_answers(gpu_.device, 1, gpu_.collateral, 0x80, kNvidiaNow + hours(-9), kNvidiaNow + hours(-1));
  EXPECT_EQ(problems(judge()), Problems{"revocation not-evaluated: revocation-unknown"});
  add_answers(gpu_.device, 1, gpu_.collateral, 0x80, kNvidiaNow + hours(1), kNvidiaNow + hours(9));
  EXPECT_EQ(problems(judge()), Problems{"revocation not-evaluated: revocation-unknown"});
}

TEST_F(NvidiaGpuTest, AnswerWithoutAnEnd) {
  add_answers(gpu_.device, 1, gpu_.collateral, 0x80, kNvidiaNow + hours(-23), std::nullopt);
  EXPECT_EQ(problems(judge()), Problems());
  add_answers(gpu_.device, 1, gpu_.collateral, 0x80, kNvidiaNow + hours(-25), std::nullopt);
  EXPECT_EQ(problems(judge()), Problems{"revocation not-evaluated: revocation-unknown"});
}

TEST_F(NvidiaGpuTest, AnswerSignedByAnother) {
  // Of the same serial numbers, by other keys.
  const SimulatedPath other =
      make_path(3000 + 65536, {"FMC", "BROM", "Provisioner", "Identity", "Device root"}, {crypto::extension_leaf()});
  add_answers(other, 1, gpu_.collateral);
  EXPECT_EQ(problems(judge()), Problems{"revocation failed: bad-signature"});
}

TEST_F(NvidiaGpuTest, AnswerThatCannotBeRead) {
  const std::string serial = to_hex(gpu_.device.certificates[1].facts().serial);
  gpu_.collateral.add({CollateralKind::kNvidiaOcsp, serial, Bytes(7), {}, kNvidiaNow, {}, {}});
  EXPECT_EQ(problems(judge()), Problems{"revocation failed: malformed"});
}

TEST_F(NvidiaGpuTest, AnswerOlderThanOneSeen) {
  const Verdict first = judge();
  EXPECT_EQ(first.seen.size(), 6U);
  Question question = gpu_.question();
  question.floors = &first.seen;
  EXPECT_TRUE(verify(gpu_.evidence(), question).sound()) << "the same answer is none older";
  Floors later = first.seen;
  ++later[nvidia::revocation_floor(gpu_.device.certificates[1])];
  question.floors = &later;
  const Verdict verdict = verify(gpu_.evidence(), question);
  EXPECT_EQ(problems(verdict), (Problems{"revocation not-evaluated: revocation-unknown", "rollback failed: rollback"}));
}

TEST_F(NvidiaGpuTest, NeedsWhatIsLookedFor) {
  const auto needed = needs(gpu_.evidence());
  ASSERT_EQ(needed.size(), 5U);
  for (const CollateralNeed& need : needed) EXPECT_NE(gpu_.collateral.find(need.kind, need.key), nullptr) << need.key;
  const auto of_rim = nvidia::rim_needs(gpu_.collateral.find(CollateralKind::kNvidiaRim, kSimulatedDriverRim)->body);
  ASSERT_EQ(of_rim.size(), 3U);
  for (const CollateralNeed& need : of_rim) EXPECT_NE(gpu_.collateral.find(need.kind, need.key), nullptr) << need.key;
  EXPECT_EQ(nvidia::ocsp_requests(gpu_.evidence()).size(), 3U);
  EXPECT_TRUE(needs({Kind::kNvidiaGpu, {}}).empty());
  EXPECT_TRUE(nvidia::rim_needs(as_bytes("<a/>")).empty());
}

class NvidiaSwitchTest : public ::testing::Test {
 protected:
  Verdict judge() { return verify(switch_.evidence(), switch_.question()); }
  SimulatedSwitch switch_;
};

TEST_F(NvidiaSwitchTest, SoundWithOneManifest) {
  const Verdict verdict = judge();
  EXPECT_EQ(problems(verdict), Problems());
  EXPECT_EQ(verdict.checks.size(), 14U);
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("product")), "LS_10");
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("nvidia.vbios")), "96.10.55.00.01");
  EXPECT_EQ(to_hex(std::get<Bytes>(verdict.claims.at("nvidia.switches"))), "203eb31ad9ed0008");
}

TEST_F(NvidiaSwitchTest, MeasurementDiffers) {
  switch_.report.measurements[31] = Bytes(48, 9);
  EXPECT_EQ(problems(judge()), Problems{"bios-measurements failed: measurement-mismatch"});
}

TEST_F(NvidiaSwitchTest, EveryCheckOfItsManifestRefuses) {
  switch_.bios.version = "96.10.55.00.02";
  add_rim(kSimulatedSwitchRim, signed_rim(switch_.bios, switch_.signer), switch_.collateral);
  EXPECT_EQ(outcome(judge(), "bios-rim"), "failed: binding-mismatch");
  switch_.bios.version = "96.10.55.00.01";
  add_rim(kSimulatedSwitchRim, signed_rim(switch_.bios, make_rim_path(4500)), switch_.collateral);
  EXPECT_EQ(outcome(judge(), "bios-rim-chain"), "failed: untrusted-root");
  add_rim(kSimulatedSwitchRim, signed_rim(switch_.bios, switch_.signer), switch_.collateral);
  add_answers(switch_.signer, 0, switch_.collateral, 0xA1);
  EXPECT_EQ(outcome(judge(), "bios-rim-revocation"), "failed: revoked");
  Question question = switch_.question();
  question.collateral = nullptr;
  EXPECT_EQ(outcome(verify(switch_.evidence(), question), "bios-rim"), "not-evaluated: reference-missing");
}

// One hash changed in a manifest that was signed.
Bytes tampered(Bytes rim) {
  const std::size_t at = as_text(rim).find("Hash0=\"") + 7;
  rim[at] = rim[at] == '0' ? '1' : '0';
  return rim;
}

TEST_F(NvidiaSwitchTest, TamperedManifest) {
  add_rim(kSimulatedSwitchRim, tampered(signed_rim(switch_.bios, switch_.signer)), switch_.collateral);
  EXPECT_EQ(outcome(judge(), "bios-rim-signature"), "failed: bad-signature");
  EXPECT_EQ(outcome(judge(), "bios-measurements"), "not-evaluated: reference-missing");
}

TEST_F(NvidiaGpuTest, TamperedManifests) {
  add_rim(kSimulatedDriverRim, tampered(signed_rim(gpu_.driver, gpu_.signer)), gpu_.collateral);
  add_rim(kSimulatedVbiosRim, tampered(signed_rim(gpu_.vbios, gpu_.signer)), gpu_.collateral);
  const Verdict verdict = judge();
  for (const std::string role : {"driver", "vbios"}) {
    EXPECT_EQ(outcome(verdict, role + "-rim-signature"), "failed: bad-signature");
    EXPECT_EQ(outcome(verdict, role + "-measurements"), "not-evaluated: reference-missing");
    EXPECT_FALSE(verdict.claims.contains("nvidia." + role + "_rim"));
  }
}

TEST_F(NvidiaGpuTest, VbiosManifestOfAnUntrustedSigner) {
  add_rim(kSimulatedVbiosRim, signed_rim(gpu_.vbios, make_rim_path(4500)), gpu_.collateral);
  EXPECT_EQ(outcome(judge(), "vbios-rim-chain"), "failed: untrusted-root");
}

// A GPU that asks for one manifest instead of two.
TEST_F(NvidiaSwitchTest, GpuInASwitchesPlace) {
  const SimulatedGpu gpu;
  Evidence evidence = gpu.evidence();
  evidence.kind = Kind::kNvidiaSwitch;
  EXPECT_EQ(outcome(verify(evidence, gpu.question()), "parse"), "failed: malformed");
  SimulatedReport report = gpu.report;
  report.vbios = to_bytes(as_bytes("96.10.55.00.01"));
  evidence.parts["report"] = signed_report(report, gpu.device.keys.front());
  EXPECT_EQ(outcome(verify(evidence, gpu.question()), "device"), "failed: binding-mismatch");
}

TEST_F(NvidiaSwitchTest, EveryFlippedByte) {
  switch_.report.blocks = 2;
  switch_.report.switch_pdis.clear();
  Question question = switch_.question();
  question.collateral = nullptr;
  expect_every_flip_noticed(switch_.evidence(), [&](const Evidence& changed) { return verify(changed, question); }, {},
                            {0x01});
}

}  // namespace
}  // namespace cloister::attest
