#include "kms/google/google_answer.h"

#include "base/base64.h"
#include "kms/google/google_name.h"
#include "kms/google/google_posture.h"
#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kRing = "projects/acme/locations/europe-west3/keyRings/ring";
const std::string kKey = kRing + "/cryptoKeys/kek";
const std::string kVersion = kKey + "/cryptoKeyVersions/2";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(GoogleName, WhatIsAKey) {
  EXPECT_TRUE(is_google_key(kKey));
  EXPECT_TRUE(is_google_version_of(kKey, kVersion));
  EXPECT_TRUE(is_google_key_ring(kRing));
  EXPECT_TRUE(is_google_location("projects/example.com:acme/locations/global"));
  EXPECT_EQ(google_project(kKey), "acme");
  EXPECT_EQ(value_of(parse_google_key_name("kek", kRing)), kKey);
}

TEST(GoogleName, WhatIsNone) {
  for (const std::string& name :
       {std::string("kek"), kKey + "/", "/" + kKey, kRing, kVersion, replaced(kKey, "kek", "a b"),
        replaced(kKey, "kek", ".."), replaced(kKey, "kek", "a%2Fb"), replaced(kKey, "kek", ""),
        replaced(kKey, "cryptoKeys", "secrets"), replaced(kKey, "kek", "a?b")}) {
    EXPECT_FALSE(is_google_key(name)) << name;
    expect_refused(parse_google_key_name(name, ""), Code::kInvalid, "no key's name");
  }
  EXPECT_FALSE(is_google_version_of(kKey, kKey + "x/cryptoKeyVersions/1"));
  EXPECT_FALSE(is_google_version_of(kKey, kKey));
}

TEST(GoogleAnswer, Durations) {
  EXPECT_EQ(value_of(parse_google_duration("7776000s")), days(90));
  EXPECT_EQ(value_of(parse_google_duration("3.5s")), Duration{3500});
  EXPECT_EQ(value_of(parse_google_duration("0.000000001s")), Duration{});
  for (const std::string_view text :
       {"", "s", "1", "-1s", "1.s", "1.0000000000s", "1h", "1.as", "99999999999s", " 1s"}) {
    expect_refused(parse_google_duration(text), Code::kInvalid, "duration");
  }
}

const std::string kKeyAnswer =
    R"({"name":")" + kKey + R"(","primary":{"name":")" + kVersion +
    R"(","state":"ENABLED","protectionLevel":"HSM","algorithm":"GOOGLE_SYMMETRIC_ENCRYPTION",)"
    R"("createTime":"2026-09-01T00:00:00.123456789Z","generateTime":"2026-09-01T00:00:05Z"},)"
    R"("purpose":"ENCRYPT_DECRYPT","createTime":"2025-01-01T00:00:00Z","nextRotationTime":"2026-12-01T00:00:00Z",)"
    R"("rotationPeriod":"7776000s","versionTemplate":{"protectionLevel":"HSM","algorithm":"GOOGLE_SYMMETRIC_ENCRYPTION"},)"
    R"("destroyScheduledDuration":"2592000s"})";

Result<GoogleKey> parse_key(std::string_view text) { return parse_google_key(as_bytes(text), kKey); }

TEST(GoogleAnswer, KeyThatIsNone) {
  EXPECT_EQ(value_of(parse_key(kKeyAnswer)).primary->state, "ENABLED");
  expect_refused(parse_key(replaced(kKeyAnswer, "kek", "other")), Code::kCorrupt, "another key");
  expect_refused(parse_key(replaced(kKeyAnswer, kVersion, replaced(kVersion, "kek", "other"))), Code::kCorrupt, "name");
  expect_refused(parse_key(replaced(kKeyAnswer, "7776000s", "90d")), Code::kCorrupt, "rotationPeriod");
  expect_refused(parse_key(replaced(kKeyAnswer, "\"ENABLED\"", "1")), Code::kCorrupt, "state");
  expect_refused(parse_key(replaced(kKeyAnswer, "2025-01-01T00", "2025-01-01 00")), Code::kCorrupt, "createTime");
  expect_refused(parse_key("{}"), Code::kCorrupt, "another key");
  expect_refused(parse_key("<html>"), Code::kCorrupt, "JSON");
}

TEST(GoogleAnswer, PagesOfOtherParents) {
  const auto keys = [](std::string_view text) { return parse_google_keys(as_bytes(text), kRing); };
  const auto page =
      value_of(keys(R"({"cryptoKeys":[{"name":")" + kKey + R"("}],"nextPageToken":"t/+","totalSize":2})"));
  EXPECT_EQ(page.items, std::vector{kKey});
  EXPECT_EQ(page.next, "t/+");
  EXPECT_TRUE(value_of(keys("{}")).items.empty());
  expect_refused(keys(R"({"cryptoKeys":[{"name":")" + replaced(kKey, "ring/", "r2/") + R"("}]})"), Code::kCorrupt,
                 "name");
  expect_refused(keys(R"({"cryptoKeys":{}})"), Code::kCorrupt, "cryptoKeys");
  expect_refused(parse_google_key_rings(as_bytes(R"({"keyRings":[{"name":")" + kRing + R"("}]})"),
                                        "projects/other/locations/europe-west3"),
                 Code::kCorrupt, "name");
  expect_refused(parse_google_versions(as_bytes(R"({"cryptoKeyVersions":[{"name":")" + kKey + R"("}]})"), kKey),
                 Code::kCorrupt, "name of a version");
}

std::string encrypted(std::string_view crc, std::string_view verified = "true", std::string_view bound = "true") {
  return R"({"name":")" + kVersion + R"(","ciphertext":"MTIzNDU2Nzg5","ciphertextCrc32c":)" + std::string(crc) +
         R"(,"verifiedPlaintextCrc32c":)" + std::string(verified) + R"(,"verifiedAdditionalAuthenticatedDataCrc32c":)" +
         std::string(bound) + "}";
}
// CRC-32C of "123456789", the check value of every catalogue: 0xE3069283.
constexpr std::string_view kCheck = "\"3808858755\"";

std::string doubt_of(std::string_view text) { return value_of(parse_google_encrypted(as_bytes(text), kKey)).doubt; }

TEST(GoogleAnswer, ChecksumsOfACiphertext) {
  EXPECT_EQ(doubt_of(encrypted(kCheck)), "");
  EXPECT_NE(doubt_of(encrypted(kCheck, "false")).find("plaintext"), std::string::npos);
  EXPECT_NE(doubt_of(encrypted(kCheck, "true", "false")).find("context"), std::string::npos);
  EXPECT_NE(doubt_of(encrypted(kCheck, "\"true\"")), "");
  for (const std::string_view crc :
       {"\"3808858754\"", "3808858755", "\"\"", "\"-486108541\"", "null", "\"0xE3069283\""}) {
    EXPECT_NE(doubt_of(encrypted(crc)).find("ciphertext"), std::string::npos) << crc;
  }
  EXPECT_NE(doubt_of(replaced(encrypted(kCheck), "MTIz", "MTIy")), "");
  EXPECT_NE(doubt_of(R"({"name":")" + kVersion + R"(","ciphertext":"MTIz"})"), "");
}

TEST(GoogleAnswer, CiphertextOfAnotherKey) {
  const auto parse = [](std::string_view text) { return parse_google_encrypted(as_bytes(text), kKey); };
  expect_refused(parse(replaced(encrypted(kCheck), "kek", "other")), Code::kCorrupt, "another key");
  expect_refused(parse(replaced(encrypted(kCheck), kVersion, kKey)), Code::kCorrupt, "another key");
  expect_refused(parse(replaced(encrypted(kCheck), "MTIzNDU2Nzg5", "MTIz NDU2")), Code::kCorrupt, "ciphertext");
  expect_refused(parse(replaced(encrypted(kCheck), "MTIzNDU2Nzg5", "")), Code::kCorrupt, "ciphertext");
  expect_refused(parse("[]"), Code::kCorrupt, "JSON");
}

TEST(GoogleAnswer, ChecksumOfAPlaintext) {
  const auto parse = [](std::string_view text) { return parse_google_decrypted(as_bytes(text)); };
  EXPECT_EQ(value_of(parse(R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"3808858755"})")).doubt, "");
  EXPECT_NE(value_of(parse(R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"1"})")).doubt, "");
  EXPECT_NE(value_of(parse(R"({"plaintext":"MTIzNDU2Nzg5","usedPrimary":true})")).doubt, "");
  for (const std::string_view text :
       {R"({"plaintextCrc32c":"0"})", R"({"plaintext":""})", R"({"plaintext":"A"})", R"({"plaintext":7})"}) {
    expect_refused(parse(text), Code::kCorrupt, "plaintext");
  }
}

net::Response answer_of(unsigned status, std::string_view body) {
  net::Response answer;
  answer.status = status;
  answer.body = net::to_buffer(body);
  return answer;
}
net::Response refusal_of(unsigned http, std::string_view status) {
  return answer_of(http, R"({"error":{"code":)" + std::to_string(http) + R"(,"message":"so\nit is","status":")" +
                             std::string(status) + "\"}}");
}

TEST(GoogleAnswer, ErrorTable) {
  const auto code = [](unsigned http, std::string_view status) {
    return google_error(refusal_of(http, status)).code();
  };
  EXPECT_EQ(code(400, "INVALID_ARGUMENT"), Code::kInvalid);
  EXPECT_EQ(code(400, "FAILED_PRECONDITION"), Code::kDenied);
  EXPECT_EQ(code(401, "UNAUTHENTICATED"), Code::kDenied);
  EXPECT_EQ(code(403, "PERMISSION_DENIED"), Code::kDenied);
  EXPECT_EQ(code(404, "NOT_FOUND"), Code::kNotFound);
  EXPECT_EQ(code(429, "RESOURCE_EXHAUSTED"), Code::kUnavailable);
  EXPECT_EQ(code(501, "UNIMPLEMENTED"), Code::kUnsupported);
  EXPECT_EQ(code(504, "DEADLINE_EXCEEDED"), Code::kUnavailable);
  EXPECT_EQ(google_error(answer_of(403, "<html>")).code(), Code::kDenied);
  EXPECT_EQ(google_error(refusal_of(404, "NOT_FOUND")).message(), "it answered 404 NOT_FOUND: so?it is");
}

TEST(GoogleAnswer, Verdicts) {
  using Kind = Verdict::Kind;
  const auto kind = [](unsigned http, std::string_view status) {
    return judge_google(refusal_of(http, status), 0).kind;
  };
  EXPECT_EQ(kind(503, "UNAVAILABLE"), Kind::kRetry);
  EXPECT_EQ(kind(504, "DEADLINE_EXCEEDED"), Kind::kRetry);
  EXPECT_EQ(kind(500, "INTERNAL"), Kind::kFinal);
  EXPECT_EQ(kind(400, "FAILED_PRECONDITION"), Kind::kFinal);
  EXPECT_EQ(kind(401, "UNAUTHENTICATED"), Kind::kRenew);
  EXPECT_EQ(judge_google(answer_of(502, "<html>"), 0).kind, Kind::kRetry);
  EXPECT_EQ(judge_google(answer_of(200, "{}"), 0).kind, Kind::kFinal);
  EXPECT_EQ(judge_google(refusal_of(429, "RESOURCE_EXHAUSTED"), 0.5).wait, Duration{1500});
}

GoogleKeyFacts facts_of(Result<GoogleKey> key) {
  return {kKey, std::move(key), std::vector<GoogleKeyVersion>(), std::vector<GoogleBinding>()};
}
GoogleKeyVersion version_of(unsigned number, std::string state, std::optional<Time> destroy_at = {}) {
  GoogleKeyVersion version;
  version.name = kKey + "/cryptoKeyVersions/" + std::to_string(number);
  version.state = std::move(state);
  version.destroy_at = destroy_at;
  return version;
}

TEST(GooglePosture, RotatedHsmKey) {
  GoogleKeyFacts facts = facts_of(parse_key(kKeyAnswer));
  facts.versions = std::vector{version_of(1, "DISABLED"), version_of(2, "ENABLED")};
  const auto posture = google_posture(facts);
  EXPECT_EQ(posture.managed_by.value(), ManagedBy::kCustomer);
  EXPECT_EQ(posture.origin.value(), KeyOrigin::kProvider);
  EXPECT_EQ(posture.protection.value(), ProtectionLevel::kHsm);
  EXPECT_EQ(posture.state.value(), ProviderKeyState::kEnabled);
  EXPECT_EQ(posture.rotation.value().period, days(90));
  EXPECT_EQ(posture.last_rotated.value(), value_of(parse_rfc3339("2026-09-01T00:00:05Z")));
  EXPECT_EQ(posture.deletion_scheduled.value(), std::nullopt);
  EXPECT_EQ(posture.exportable.value(), false);
  EXPECT_EQ(posture.versions.value()[0].state.value(), ProviderKeyState::kDisabled);
  EXPECT_TRUE(posture.policy_findings.value().empty());
  EXPECT_FALSE(posture.last_used.known());
}

TEST(GooglePosture, OneVersionWasNeverRotated) {
  GoogleKeyFacts facts = facts_of(parse_key(kKeyAnswer));
  facts.versions = std::vector{version_of(2, "ENABLED")};
  EXPECT_EQ(google_posture(facts).last_rotated.value(), std::nullopt);
}

TEST(GooglePosture, OriginAndProtection) {
  const auto posture = [](std::string_view from, std::string_view to) {
    return google_posture(facts_of(parse_key(replaced(kKeyAnswer, from, to))));
  };
  EXPECT_EQ(posture("\"HSM\"", "\"EXTERNAL_VPC\"").origin.value(), KeyOrigin::kExternal);
  EXPECT_FALSE(posture("\"HSM\"", "\"EXTERNAL_VPC\"").exportable.known());
  EXPECT_EQ(posture("\"HSM\"", "\"HSM_SINGLE_TENANT\"").protection.value(), ProtectionLevel::kHsm);
  EXPECT_FALSE(posture("\"HSM\"", "\"QUANTUM\"").protection.known());
  EXPECT_EQ(posture("\"state\"", R"("importTime":"2026-09-01T00:00:00Z","state")").origin.value(),
            KeyOrigin::kImported);
  EXPECT_FALSE(posture("ENABLED", "SOMETHING_NEW").state.known());
}

TEST(GooglePosture, KeyOnItsWayOut) {
  GoogleKey key = value_of(parse_key(kKeyAnswer));
  key.primary.reset();
  GoogleKeyFacts facts = facts_of(key);
  const Time at{1'800'000'000'000};
  facts.versions = std::vector{version_of(1, "DESTROYED"), version_of(2, "DESTROY_SCHEDULED", at)};
  auto posture = google_posture(facts);
  EXPECT_EQ(posture.state.value(), ProviderKeyState::kPendingDeletion);
  EXPECT_EQ(posture.deletion_scheduled.value(), at);
  facts.versions = std::vector{version_of(1, "DESTROYED")};
  EXPECT_EQ(google_posture(facts).state.value(), ProviderKeyState::kDestroyed);
  facts.versions = std::vector{version_of(1, "DISABLED")};
  EXPECT_EQ(google_posture(facts).state.value(), ProviderKeyState::kDisabled);
  facts.versions = std::vector<GoogleKeyVersion>();
  EXPECT_EQ(google_posture(facts).state.value(), ProviderKeyState::kNotReady);
}

TEST(GooglePosture, WhatWasRefusedIsNotAssessed) {
  GoogleKeyFacts facts = facts_of(Error(Code::kDenied, "403 key"));
  facts.versions = Error(Code::kDenied, "403 versions");
  facts.policy = Error(Code::kDenied, "403 policy");
  const auto posture = google_posture(facts);
  EXPECT_EQ(posture.state.why_not(), "403 key");
  EXPECT_EQ(posture.managed_by.why_not(), "403 key");
  EXPECT_EQ(posture.deletion_scheduled.why_not(), "403 versions");
  EXPECT_EQ(posture.policy_findings.why_not(), "403 policy");
}

TEST(GooglePosture, PolicyFindings) {
  const auto findings = [](std::string_view policy) {
    GoogleKeyFacts facts = facts_of(parse_key(kKeyAnswer));
    facts.policy = parse_google_policy(as_bytes(policy));
    return google_posture(facts).policy_findings.value();
  };
  using Finding = PolicyFinding;
  EXPECT_EQ(findings(R"({"bindings":[{"role":"roles/cloudkms.cryptoKeyEncrypter","members":["allUsers"]}]})"),
            std::vector{Finding::kPublicPrincipal});
  EXPECT_EQ(findings(R"({"bindings":[{"role":"roles/owner","members":["user:a@acme.example"]}]})"),
            (std::vector{Finding::kWildcardAction, Finding::kDecryptUnattested}));
  EXPECT_EQ(findings(R"({"bindings":[{"role":"roles/cloudkms.viewer",)"
                     R"("members":["serviceAccount:w@umbrella.iam.gserviceaccount.com",)"
                     R"("serviceAccount:w@acme.iam.gserviceaccount.com"]}]})"),
            std::vector{Finding::kOtherAccount});
  EXPECT_TRUE(
      findings(R"({"bindings":[{"role":"roles/cloudkms.cryptoKeyDecrypter","members":)"
               R"(["principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*"]}]})")
          .empty());
  expect_refused(parse_google_policy(as_bytes(R"({"bindings":[{"role":"roles/owner"}]})")), Code::kCorrupt, "bindings");
}

TEST(GooglePosture, DestroyedWithinADay) {
  const auto posture = google_posture(facts_of(parse_key(replaced(kKeyAnswer, "2592000s", "86400s"))));
  EXPECT_EQ(posture.policy_findings.value(), std::vector{PolicyFinding::kNoDeletionGuard});
}

}  // namespace
}  // namespace cloister::kms
