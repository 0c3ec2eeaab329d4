#include "attest/ear.h"

#include <gtest/gtest.h>

#include "crypto/jws.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/value_of.h"

namespace cloister::attest {
namespace {

using testing::value_of;

Verdict good(Kind kind) {
  Verdict verdict;
  verdict.kind = kind;
  verdict.assurance = Assurance::kHardware;
  verdict.pass("signature");
  verdict.claims["measurement"] = Bytes{0xab, 0xcd};
  return verdict;
}

EarRequest request(Appraisal appraisal, EarForm form = EarForm::kTrustee) {
  EarRequest request;
  request.form = form;
  request.issuer = "https://keys.example.org";
  request.policy_id = "weights";
  request.appraisal = appraisal;
  request.nonce = {1, 2, 3, 4, 5, 6, 7, 8};
  request.issued = Time{1'700'000'000'000};
  return request;
}

std::string status(const SetVerdict& verdict, Appraisal appraisal, std::string_view part = "cpu0") {
  const JsonValue claims = ear_claims(verdict, request(appraisal));
  return *claims.find("submods")->find(part)->find("ear.status")->string();
}

TEST(Ear, AffirmsWhatIsSoundAndAllowed) {
  const SetVerdict verdict{good(Kind::kSnp), {good(Kind::kNvidiaGpu), good(Kind::kNvidiaSwitch)}};
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "affirming");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed, "gpu0"), "affirming");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed, "nvswitch0"), "affirming");
}

TEST(Ear, WithoutAPolicyItWarns) { EXPECT_EQ(status({good(Kind::kSnp), {}}, Appraisal::kNone), "warning"); }

TEST(Ear, RefusedByThePolicy) { EXPECT_EQ(status({good(Kind::kSnp), {}}, Appraisal::kRefused), "contraindicated"); }

TEST(Ear, FailedCheck) {
  SetVerdict verdict{good(Kind::kSnp), {}};
  verdict.primary.fail("debug", Reason::kDebug, "");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "contraindicated");
}

TEST(Ear, CheckThatWasNotEvaluated) {
  SetVerdict verdict{good(Kind::kSnp), {}};
  verdict.primary.skip("revocation", Reason::kRevocationUnknown, "");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "warning");
}

TEST(Ear, OutdatedFirmware) {
  SetVerdict verdict{good(Kind::kTdx), {}};
  verdict.primary.claims["tcb_status"] = std::string("OutOfDate");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "warning");
  verdict.primary.claims["tcb_status"] = std::string("UpToDate");
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "affirming");
}

TEST(Ear, SoftwareIsNeverAffirmed) {
  SetVerdict verdict{good(Kind::kInsecureSoftware), {}};
  verdict.primary.assurance = Assurance::kInsecureSoftware;
  EXPECT_EQ(status(verdict, Appraisal::kAllowed), "contraindicated");
  const std::string text = ear_claims(verdict, request(Appraisal::kAllowed)).serialize();
  EXPECT_NE(text.find(R"("cloister.assurance":"insecure_software")"), std::string::npos) << text;
}

TEST(Ear, NamesOfTheFourthDraft) {
  SetVerdict verdict{good(Kind::kSnp), {good(Kind::kNvidiaGpu)}};
  verdict.devices[0].fail("debug", Reason::kDebug, "");
  verdict.primary.advisories = {"AMD-SB-3021"};
  const JsonValue claims = ear_claims(verdict, request(Appraisal::kAllowed, EarForm::kDraft4));
  EXPECT_EQ(*claims.find("eat_profile")->string(), "tag:ietf.org,2026:rats/ear#04");
  EXPECT_NE(claims.find("ear_verifier_id"), nullptr);
  // Of all parts the worst.
  EXPECT_EQ(*claims.find("ear_status")->string(), "contraindicated");
  const JsonValue& cpu = *claims.find("submods")->find("cpu0");
  EXPECT_EQ(*cpu.find("ear_status")->string(), "affirming");
  EXPECT_EQ(cpu.find("ear_trustworthiness_vector")->find("hardware")->unsigned_integer(), 2U);
  EXPECT_EQ(*cpu.find("ear_appraisal_policy_ids")->array()->front().string(), "weights");
  EXPECT_EQ(*cpu.find("ear_attester_claims")->find("measurement")->string(), "abcd");
  const JsonValue& said = *cpu.find("ear_verifier_claims");
  EXPECT_EQ(*said.find("assurance")->string(), "hardware");
  EXPECT_EQ(*said.find("checks")->find("signature")->string(), "passed");
  EXPECT_EQ(*said.find("advisories")->array()->front().string(), "AMD-SB-3021");
  const JsonValue& gpu = *claims.find("submods")->find("gpu0");
  EXPECT_EQ(*gpu.find("ear_verifier_claims")->find("checks")->find("debug")->string(), "failed: debug");
}

TEST(Ear, CheckOfOneNameThatFailedOnce) {
  SetVerdict verdict{good(Kind::kSnp), {}};
  verdict.primary.fail("signature", Reason::kBadSignature, "");
  verdict.primary.pass("signature");
  const JsonValue claims = ear_claims(verdict, request(Appraisal::kAllowed, EarForm::kDraft4));
  const JsonValue* checks = claims.find("submods")->find("cpu0")->find("ear_verifier_claims")->find("checks");
  EXPECT_EQ(checks->object()->size(), 1U);
  EXPECT_EQ(*checks->find("signature")->string(), "failed: bad-signature");
}

TEST(Ear, ClaimThatIsNoText) {
  SetVerdict verdict{good(Kind::kSnp), {}};
  verdict.primary.claims["product"] = std::string("\xff\n");
  const JsonValue claims = ear_claims(verdict, request(Appraisal::kAllowed, EarForm::kDraft4));
  EXPECT_EQ(*claims.find("submods")->find("cpu0")->find("ear_attester_claims")->find("product")->string(), "ff0a");
}

TEST(Ear, NonceThatNoResultCanHave) {
  testing::DeterministicRandom random(1);
  crypto::MemorySigner signer(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  EarRequest asked = request(Appraisal::kAllowed);
  for (const std::size_t size : {7U, 65U}) {
    asked.nonce = Bytes(size, 1);
    EXPECT_EQ(ear_token({good(Kind::kSnp), {}}, asked, signer).error().code(), Code::kInvalid);
  }
}

// More devices say more than a token has room for that is carried in a header.
TEST(Ear, MachineWithManyDevices) {
  testing::DeterministicRandom random(1);
  crypto::MemorySigner signer(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  SetVerdict verdict{good(Kind::kSnp), {}};
  verdict.devices.assign(8, good(Kind::kNvidiaGpu));
  for (Verdict& device : verdict.devices) device.claims["nvidia.measurements"] = std::string(2000, 'a');
  const std::string token = value_of(ear_token(verdict, request(Appraisal::kAllowed), signer));
  EXPECT_GT(token.size(), crypto::kJwsSizeMax);
  EXPECT_FALSE(crypto::Jws::parse(token).ok());
  EXPECT_TRUE(value_of(crypto::Jws::parse(token, kEarSizeMax)).verified_payload(signer.public_key()).ok());
  verdict.devices[0].claims["more"] = std::string(kEarSizeMax, 'a');
  EXPECT_EQ(ear_token(verdict, request(Appraisal::kAllowed), signer).error().code(), Code::kInvalid);
}

TEST(Ear, TokenIsTheSigners) {
  testing::DeterministicRandom random(1);
  crypto::MemorySigner signer(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  const SetVerdict verdict{good(Kind::kSnp), {}};
  const std::string token = value_of(ear_token(verdict, request(Appraisal::kAllowed), signer));
  const auto jws = value_of(crypto::Jws::parse(token));
  const Bytes payload = value_of(jws.verified_payload(signer.public_key()));
  const JsonValue claims = value_of(parse_json(as_text(payload)));
  EXPECT_EQ(claims.find("exp")->unsigned_integer(), 1'700'000'300U);
  EXPECT_EQ(*claims.find("eat_nonce")->string(), "AQIDBAUGBwg");
  const JsonValue* snp = claims.find("submods")->find("cpu0")->find("ear.veraison.annotated-evidence")->find("snp");
  ASSERT_NE(snp, nullptr);
  EXPECT_EQ(*snp->find("measurement")->string(), "abcd");
  EXPECT_EQ(*snp->find("cloister.checks")->find("signature")->string(), "passed");
  crypto::MemorySigner other(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  EXPECT_FALSE(jws.verified_payload(other.public_key()).ok());
}

}  // namespace
}  // namespace cloister::attest
