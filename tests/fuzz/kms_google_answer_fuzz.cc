// What Google, its token endpoints or whoever stands in their place may answer, and what a credentials file may hold:
// read or refused. Nothing that is read is about another key, and every message is one plain line.
#include <string>
#include <vector>

#include "kms/google/google_credential.h"
#include "kms/google/google_name.h"
#include "kms/google/google_posture.h"

using namespace cloister;

namespace {

const std::string kRing = "projects/acme/locations/l/keyRings/r";
const std::string kKey = kRing + "/cryptoKeys/kek";

void check_plain(const std::string& text) {
  for (const char character : text) CLOISTER_CHECK(character >= 0x20 && character < 0x7f);
}

void read_key(ByteView body) {
  auto key = kms::parse_google_key(body, kKey);
  auto versions = kms::parse_google_versions(body, kKey);
  auto policy = kms::parse_google_policy(body);
  if (key.ok()) CLOISTER_CHECK(key->name == kKey);
  std::vector<kms::GoogleKeyVersion> items;
  if (versions.ok()) items = versions->items;
  for (const kms::GoogleKeyVersion& version : items) CLOISTER_CHECK(kms::is_google_version_of(kKey, version.name));
  CLOISTER_CHECK(
      !kms::to_json(kms::google_posture({kKey, std::move(key), std::move(items), std::move(policy)})).empty());
  if (const auto keys = kms::parse_google_keys(body, kRing); keys.ok()) {
    for (const std::string& name : keys->items) CLOISTER_CHECK(kms::is_google_key(name) && name.starts_with(kRing));
  }
}

void read_credentials(ByteView body) {
  if (body.size() > 8192) return;
  const crypto::Secret text = crypto::Secret::copy_of(body);
  if (const auto account = kms::parse_google_service_account(text); account.ok()) check_plain(account->email);
  if (const auto account = kms::parse_google_external_account(body); account.ok()) check_plain(account->token_url);
  kms::GoogleExternalAccount with_field;
  with_field.subject_token_field = "id_token";
  if (const auto token = kms::google_subject_token(with_field, text); token.ok()) CLOISTER_CHECK(!token->empty());
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string version = R"({"name":")" + kKey +
                              R"(/cryptoKeyVersions/1","state":"ENABLED","protectionLevel":"HSM",)" +
                              R"("createTime":"2026-09-01T00:00:00.123456789Z"})";
  for (
      const std::string& text : {
          R"({"name":")" + kKey + R"(","purpose":"ENCRYPT_DECRYPT","rotationPeriod":"7776000s","primary":)" + version +
              "}",
          R"({"cryptoKeyVersions":[)" + version + R"(],"nextPageToken":"t"})",
          R"({"cryptoKeys":[{"name":")" + kKey + R"("}]})",
          std::string(R"({"bindings":[{"role":"roles/owner","members":["allUsers","serviceAccount:a@b.c"]}]})"),
          R"({"name":")" + kKey +
              R"(/cryptoKeyVersions/1","ciphertext":"MTIzNDU2Nzg5","ciphertextCrc32c":"3808858755",)" +
              R"("verifiedPlaintextCrc32c":true,"verifiedAdditionalAuthenticatedDataCrc32c":true})",
          std::string(R"({"plaintext":"MTIzNDU2Nzg5","plaintextCrc32c":"3808858755"})"),
          std::string(R"({"error":{"code":503,"status":"UNAVAILABLE","message":"a\nb"}})"),
          std::string(R"({"accessToken":"a","expireTime":"2026-11-24T14:23:09Z"})"),
          std::string(
              R"({"type":"service_account","private_key_id":"k","private_key":"x","client_email":"a","token_uri":"b"})"),
          std::string(R"({"type":"external_account","audience":"a","subject_token_type":"t","token_url":"u",)"
                      R"("credential_source":{"file":"f","format":{"type":"json","subject_token_field_name":"n"}}})"),
          std::string(R"({"id_token":"eyJ"})"),
          std::string("7776000.5s"),
      }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  read_key(body);
  read_credentials(body);
  if (const auto made = kms::parse_google_encrypted(body, kKey); made.ok()) {
    CLOISTER_CHECK(kms::is_google_version_of(kKey, made->version) && !made->ciphertext.empty());
  }
  if (const auto opened = kms::parse_google_decrypted(body); opened.ok()) CLOISTER_CHECK(!opened->plaintext.empty());
  if (const auto length = kms::parse_google_duration(as_text(body)); length.ok()) CLOISTER_CHECK(*length >= Duration{});
  if (const auto token = kms::parse_google_impersonated(body, Time{}); token.ok()) {
    check_plain(kms::authorization(*token));
  }
  net::Response response;
  response.status = 400;
  response.body.assign(body.begin(), body.end());
  check_plain(kms::google_error(response).message());
  CLOISTER_CHECK(!kms::parse_google_metadata_token(response, Time{}).ok());
  return 0;
}
