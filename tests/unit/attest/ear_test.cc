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

EarRequest request(Appraisal appraisal) {
  EarRequest request;
  request.profile = "tag:example.org,2026:test";
  request.issuer = "https://keys.example.org";
  request.policy_id = "weights";
  request.appraisal = appraisal;
  request.nonce = {1, 2, 3};
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

TEST(Ear, TokenIsTheSigners) {
  testing::DeterministicRandom random(1);
  crypto::MemorySigner signer(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  const SetVerdict verdict{good(Kind::kSnp), {}};
  const std::string token = value_of(ear_token(verdict, request(Appraisal::kAllowed), signer));
  const auto jws = value_of(crypto::Jws::parse(token));
  const Bytes payload = value_of(jws.verified_payload(signer.public_key()));
  const JsonValue claims = value_of(parse_json(as_text(payload)));
  EXPECT_EQ(claims.find("exp")->unsigned_integer(), 1'700'000'300U);
  EXPECT_EQ(*claims.find("eat_nonce")->string(), "AQID");
  const JsonValue* snp = claims.find("submods")->find("cpu0")->find("ear.veraison.annotated-evidence")->find("snp");
  ASSERT_NE(snp, nullptr);
  EXPECT_EQ(*snp->find("measurement")->string(), "abcd");
  EXPECT_EQ(*snp->find("cloister.checks")->find("signature")->string(), "passed");
  crypto::MemorySigner other(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random)));
  EXPECT_FALSE(jws.verified_payload(other.public_key()).ok());
}

}  // namespace
}  // namespace cloister::attest
