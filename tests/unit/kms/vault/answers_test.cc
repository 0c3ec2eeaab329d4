#include "kms/vault/answers.h"

#include "kms/vault/key_posture.h"
#include "tests/support/expect.h"

namespace cloister::kms::vault {
namespace {

using testing::expect_refused;
using testing::value_of;

ByteView body(std::string_view text) { return as_bytes(text); }

// As the transit engine of Vault 1.21.4 answered.
constexpr std::string_view kRotated =
    R"({"data":{"allow_plaintext_backup":false,"auto_rotate_period":0,"deletion_allowed":false,"derived":false,)"
    R"("exportable":false,"imported_key":false,"keys":{"1":1795667660,"2":1795667700},"latest_version":2,)"
    R"("min_available_version":0,"min_decryption_version":1,"min_encryption_version":0,"name":"corpus",)"
    R"("supports_decryption":true,"supports_derivation":true,"supports_encryption":true,"supports_signing":false,)"
    R"("type":"aes256-gcm96"},"request_id":"3aff2996a5b71037342315194adcc61a","warnings":null})";
constexpr std::string_view kRsa =
    R"({"data":{"allow_plaintext_backup":false,"auto_rotate_period":0,"deletion_allowed":false,"derived":false,)"
    R"("exportable":false,"imported_key":false,"keys":{"1":{"certificate_chain":"",)"
    R"("creation_time":"2026-11-26T04:34:20.186165471Z","hybrid_public_key":"","name":"rsa-2048",)"
    R"("public_key":"-----BEGIN PUBLIC KEY-----\n"}},"latest_version":1,"min_decryption_version":1,"name":"rsa",)"
    R"("supports_encryption":true,"type":"rsa-2048"},"request_id":"01b"})";

TEST(VaultAnswer, KeyThatWasRotated) {
  const TransitKey key = value_of(parse_key(body(kRotated)));
  EXPECT_EQ(key.type, "aes256-gcm96");
  ASSERT_EQ(key.versions.size(), 2U);
  EXPECT_EQ(key.versions[1].created, Time{1'795'667'700'000});
  EXPECT_TRUE(check_usable(key).ok());

  const KeyPosture posture = posture_of("transit/corpus", key);
  EXPECT_EQ(posture.managed_by.value(), ManagedBy::kCustomer);
  EXPECT_EQ(posture.origin.value(), KeyOrigin::kProvider);
  EXPECT_EQ(posture.protection.value(), ProtectionLevel::kSoftware);
  EXPECT_EQ(posture.created.value(), Time{1'795'667'660'000});
  EXPECT_EQ(posture.last_rotated.value(), Time{1'795'667'700'000});
  EXPECT_FALSE(posture.rotation.value().automatic);
  EXPECT_FALSE(posture.last_used.known());
  EXPECT_EQ(posture.versions.value()[0].state.value(), ProviderKeyState::kEnabled);
  EXPECT_EQ(posture.versions.value()[1].state.value(), ProviderKeyState::kEnabled);
  EXPECT_TRUE(posture.policy_findings.value().empty());
}

// min_decryption_version was raised to 4, and what is below 2 trimmed.
TEST(VaultAnswer, VersionsThatAreNotListed) {
  const TransitKey key = value_of(parse_key(body(
      R"({"data":{"type":"aes256-gcm96","latest_version":4,"keys":{"4":1795667700},"min_available_version":2}})")));
  const auto versions = posture_of("k", key).versions.value();
  ASSERT_EQ(versions.size(), 3U);
  EXPECT_EQ(versions[0].name, "v2");
  EXPECT_EQ(versions[0].created, std::nullopt);
  EXPECT_EQ(versions[1].state.value(), ProviderKeyState::kDisabled);
  EXPECT_EQ(versions[2].state.value(), ProviderKeyState::kEnabled);
}

TEST(VaultAnswer, AbsurdVersionNumbers) {
  const TransitKey key = value_of(
      parse_key(body(R"({"data":{"type":"aes256-gcm96","latest_version":200000000000,"keys":{"200000000000":1}}})")));
  EXPECT_EQ(posture_of("k", key).versions.value().size(), 1001U);
}

TEST(VaultAnswer, VersionsWithDates) {
  const TransitKey key = value_of(parse_key(body(kRsa)));
  EXPECT_EQ(key.versions[0].created, value_of(parse_rfc3339("2026-11-26T04:34:20.186Z")));
  EXPECT_EQ(posture_of("transit/rsa", key).last_rotated.value(), std::nullopt);
}

TEST(VaultAnswer, WorrisomeConfiguration) {
  const TransitKey key = value_of(parse_key(
      body(R"({"data":{"type":"aes256-gcm96","latest_version":4,"keys":{"4":1795667660},"auto_rotate_period":2592000,)"
           R"("exportable":true,"deletion_allowed":true,"allow_plaintext_backup":true,"imported_key":true}})")));
  const KeyPosture posture = posture_of("transit/exp", key);
  EXPECT_EQ(posture.origin.value(), KeyOrigin::kImported);
  EXPECT_TRUE(posture.exportable.value());
  EXPECT_FALSE(posture.created.known());
  EXPECT_EQ(posture.rotation.value().period, days(30));
  EXPECT_EQ(posture.rotation.value().next, Time{1'795'667'660'000} + days(30));
  EXPECT_EQ(posture.policy_findings.value(), (std::vector{PolicyFinding::kExportable, PolicyFinding::kNoDeletionGuard,
                                                          PolicyFinding::kPlaintextBackup}));
}

TEST(VaultAnswer, WhatIsNotToldIsNotAssessed) {
  const KeyPosture posture = posture_of("k", value_of(parse_key(body(R"({"data":{"type":"aes256-gcm96"}})"))));
  EXPECT_FALSE(posture.origin.known());
  EXPECT_FALSE(posture.rotation.known());
  EXPECT_FALSE(posture.last_rotated.known());
  EXPECT_FALSE(posture.created.known());
  EXPECT_FALSE(posture.exportable.known());
  EXPECT_FALSE(posture.policy_findings.known());
}

TEST(VaultAnswer, OpenBaosSoftDeletedAndExternalKeys) {
  const TransitKey deleted = value_of(parse_key(body(R"({"data":{"type":"aes256-gcm96","soft_deleted":true}})")));
  expect_refused(check_usable(deleted), Code::kDenied, "soft-deleted");
  EXPECT_EQ(posture_of("k", deleted).state.value(), ProviderKeyState::kPendingDeletion);
  EXPECT_FALSE(posture_of("k", deleted).deletion_scheduled.known());
  const TransitKey external =
      value_of(parse_key(body(R"({"data":{"type":"external-key","external_key_ref":"hsm/1"}})")));
  EXPECT_EQ(posture_of("k", external).protection.value(), ProtectionLevel::kExternal);
  EXPECT_EQ(posture_of("k", external).origin.value(), KeyOrigin::kExternal);
  expect_refused(check_usable(external), Code::kInvalid, "external-key");
}

TEST(VaultAnswer, KeysThatBindNoContext) {
  expect_refused(check_usable(value_of(parse_key(body(kRsa)))), Code::kInvalid, "rsa-2048");
  expect_refused(check_usable(value_of(parse_key(body(R"({"data":{"type":"hmac"}})")))), Code::kInvalid, "hmac");
  expect_refused(check_usable(value_of(parse_key(body(R"({"data":{"type":"aes256-gcm96","derived":true}})")))),
                 Code::kInvalid, "derived");
  expect_refused(
      check_usable(value_of(parse_key(body(R"({"data":{"type":"aes256-gcm96","supports_encryption":false}})")))),
      Code::kInvalid, "encrypt");
}

TEST(VaultAnswer, MalformedKeys) {
  for (const char* text :
       {R"({"data":{}})", R"({"data":{"type":7}})", R"({})", R"([])", "", "{", R"({"data":{"type":"a","keys":[1]}})",
        R"({"data":{"type":"a","keys":{"x":1}}})", R"({"data":{"type":"a","keys":{"1":-1},"latest_version":1}})",
        R"({"data":{"type":"a","keys":{"1":{"creation_time":"yesterday"}},"latest_version":1}})",
        R"({"data":{"type":"a","keys":{"1":1},"latest_version":2}})"}) {
    expect_refused(parse_key(body(text)), Code::kCorrupt, "no proper");
  }
}

TEST(VaultAnswer, CiphertextAndItsVersion) {
  const ProviderWrap wrap = value_of(parse_encrypted(
      body(R"({"data":{"ciphertext":"vault:v2:QBvL+Fgrtpx/9GwIfVPm7JADWb8IOxtEOjKYa7hZ0g==","key_version":2}})")));
  EXPECT_EQ(wrap.key_version, "v2");
  EXPECT_EQ(version_of(as_text(wrap.ciphertext)), "v2");
  EXPECT_EQ(value_of(parse_encrypted(body(R"({"data":{"ciphertext":"vault:v2:AAAA"}})"))).key_version, "v2");
  expect_refused(parse_encrypted(body(R"({"data":{"ciphertext":"vault:v2:AAAA","key_version":3}})")), Code::kCorrupt,
                 "another key version");
  for (const char* bad :
       {"", "vault:v:AAAA", "vault:v0:AAAA", "vault:v01:AAAA", "vault:v2", "vault:v2:", "v2:AAAA", "vault:vx:AAAA",
        "vault:v12345678901:A", "vault:v2:A A", "vault:v2:A\\\"A", "vault:v2:\xc3"}) {
    EXPECT_EQ(version_of(bad), std::nullopt) << bad;
  }
}

TEST(VaultAnswer, Plaintext) {
  const auto opened = value_of(parse_decrypted(body(R"({"data":{"plaintext":"AAEC"}})")));
  EXPECT_TRUE(crypto::equal_constant_time(opened.expose(), Bytes{0, 1, 2}));
  for (const char* bad :
       {R"({"data":{"plaintext":""}})", R"({"data":{"plaintext":"A"}})", R"({"data":{}})",
        R"({"data":{"plaintext":"AAE=="}})", R"({"data":{"plaintext":[0]}})", R"({"plaintext":"AAEC"})"}) {
    expect_refused(parse_decrypted(body(bad)), Code::kCorrupt, "plaintext");
  }
}

TEST(VaultAnswer, NamesOfKeys) {
  EXPECT_EQ(value_of(parse_keys(body(R"({"data":{"keys":["corpus","import/","a.b-c_d"]}})"))),
            (std::vector<std::string>{"corpus", "a.b-c_d"}));
  for (const char* bad : {R"({"data":{"keys":["../x"]}})", R"({"data":{"keys":["a b"]}})", R"({"data":{"keys":[1]}})",
                          R"({"data":{"keys":{}}})", R"({})", R"({"data":{"keys":[".."]}})"}) {
    expect_refused(parse_keys(body(bad)), Code::kCorrupt, "keys");
  }
}

TEST(VaultAnswer, Logins) {
  const Token token = value_of(parse_login(
      body(R"({"auth":{"client_token":"hvs.CAES","accessor":"x","lease_duration":3600,"renewable":true}})")));
  EXPECT_EQ(view(token.text), "hvs.CAES");
  EXPECT_EQ(token.lease, seconds(3600));
  EXPECT_TRUE(token.renewable);
  for (const char* bad : {R"({"auth":null})", R"({"auth":{"client_token":"a b","lease_duration":1}})",
                          R"({"auth":{"client_token":"","lease_duration":1}})", R"({"auth":{"client_token":"a"}})",
                          R"({"auth":{"client_token":"a","lease_duration":-1}})",
                          R"({"auth":{"client_token":"a","lease_duration":1e300}})"}) {
    expect_refused(parse_login(body(bad)), Code::kCorrupt, "no proper");
  }
}

TEST(VaultAnswer, RefusalsInOneLine) {
  EXPECT_EQ(errors_text(body(R"({"errors":["1 error occurred:\n\t* permission denied\n","second"]})")),
            "1 error occurred:??* permission denied?; second");
  EXPECT_EQ(errors_text(body("<html>")), "");
  EXPECT_EQ(errors_text(body(R"({"errors":"no"})")), "");
  EXPECT_LE(errors_text(body(R"({"errors":[")" + std::string(5000, 'x') + R"("]})")).size(), 300U);
}

TEST(VaultAnswer, CodesOfStatuses) {
  EXPECT_EQ(code_of(400, "cipher: message authentication failed", Asked::kToDecrypt), Code::kDenied);
  EXPECT_EQ(code_of(400, "missing plaintext", Asked::kOther), Code::kInvalid);
  EXPECT_EQ(code_of(400, "encryption key not found", Asked::kToDecrypt), Code::kNotFound);
  EXPECT_EQ(code_of(403, "", Asked::kOther), Code::kDenied);
  EXPECT_EQ(code_of(404, "", Asked::kOther), Code::kNotFound);
  EXPECT_EQ(code_of(405, "", Asked::kOther), Code::kUnsupported);
  for (const unsigned status : {412U, 429U, 500U, 502U, 503U}) {
    EXPECT_EQ(code_of(status, "", Asked::kToDecrypt), Code::kUnavailable);
  }
}

}  // namespace
}  // namespace cloister::kms::vault
