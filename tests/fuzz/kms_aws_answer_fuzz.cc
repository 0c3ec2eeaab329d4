// Answers of AWS KMS, STS and the metadata services, key policies and shared files, of any bytes: read or refused.
#include <string>
#include <vector>

#include "kms/aws/aws_answer.h"
#include "kms/aws/aws_posture.h"
#include "kms/aws/credentials.h"
#include "kms/aws/key_policy.h"
#include "kms/aws/kms_answers.h"
#include "kms/aws/profile_file.h"
#include "kms/aws/xml.h"
#include "net/http_date.h"

using namespace cloister;

namespace {

constexpr std::string_view kKey = "arn:aws:kms:us-east-1:111122223333:key/1";

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (
      const std::string_view text : {
          R"({"CiphertextBlob":"AQIDBA==","KeyId":"arn:aws:kms:us-east-1:111122223333:key/1"})",
          R"({"Plaintext":"AQIDBA==","KeyId":"arn:aws:kms:us-east-1:111122223333:key/1","KeyMaterialId":"m"})",
          R"({"Keys":[{"KeyArn":"a"}],"NextMarker":"m","Truncated":true})",
          R"({"KeyMetadata":{"Arn":"arn:x","KeyManager":"AWS","Origin":"EXTERNAL","KeyState":"Enabled","CreationDate":1}})",
          R"({"KeyRotationEnabled":true,"RotationPeriodInDays":90,"NextRotationDate":1.5e9})",
          R"({"Rotations":[{"KeyMaterialId":"a","RotationDate":1,"KeyMaterialState":"CURRENT"}]})",
          R"({"KeyCreationDate":1,"TrackingStartDate":2,"KeyLastUsage":{"Timestamp":3}})",
          R"({"GranteePrincipal":"111122223333","Operations":["Decrypt"]})",
          R"({"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["kms:De*"],)"
          R"("Condition":{"StringEquals":{"kms:RecipientAttestation:PCR0":["a"]}}}})",
          R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-24T18:00:00Z"})",
          R"({"__type":"a.b#NotFoundException","message":"m"})",
          "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><SessionToken>t</"
          "SessionToken>"
          "<SecretAccessKey>s</SecretAccessKey><Expiration>2026-11-24T23:00:23Z</Expiration><AccessKeyId>A</"
          "AccessKeyId>"
          "</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
          "<ErrorResponse><Error><Code>AccessDenied</Code><Message>&lt;</Message></Error></ErrorResponse>",
          "[default]\naws_access_key_id = A # x\n[profile b]\n  x=y\n",
          "Sun, 06 Nov 1994 08:49:37 GMT",
      }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  const std::string_view text = as_text(body);
  if (const auto wrap = kms::parse_encrypt_answer(body, kKey); wrap.ok()) {
    CLOISTER_CHECK(!wrap->ciphertext.empty() && wrap->ciphertext.size() <= kms::kAwsCiphertextMax);
  }
  if (const auto key = kms::parse_decrypt_answer(body, kKey, "m"); key.ok()) CLOISTER_CHECK(!key->empty());
  if (const auto page = kms::parse_list_answer(body, "m"); page.ok()) CLOISTER_CHECK(page->next != "m");
  if (const auto found = kms::parse_metadata_credentials(body); found.ok()) {
    CLOISTER_CHECK(kms::check_aws_credentials(*found).ok() && found->expires);
  }
  for (const unsigned status : {200U, 400U}) {
    const net::Response response{status, {}, net::Buffer(body.begin(), body.end()), {}};
    ignore_result(kms::parse_sts_answer(response));
    ignore_result(kms::judge_aws(response));
    for (const char c : kms::parse_aws_error(response).shape) CLOISTER_CHECK(c >= 0x20 && c < 0x7f);
  }
  ignore_result(kms::read_xml(text));
  ignore_result(kms::parse_aws_profile(text, "default"));
  ignore_result(net::parse_http_date(text));
  ignore_result(kms::key_policy_findings(text, "111122223333"));
  const auto json = parse_json(text);
  if (!json.ok()) return 0;
  kms::KeyPosture posture;
  if (kms::read_key_metadata(*json, posture).ok()) {
    // Only AWS's word for it makes a key the customer's.
    if (text.find("CUSTOMER") == std::string_view::npos && text.find('\\') == std::string_view::npos) {
      CLOISTER_CHECK(!posture.managed_by.known() || posture.managed_by.value() == kms::ManagedBy::kProvider);
    }
  }
  posture.rotation = kms::read_rotation_status(*json);
  posture.last_used = kms::read_last_usage(*json);
  kms::RotationHistory history;
  ignore_result(history.add(*json));
  history.put_into(posture);
  ignore_result(kms::grant_findings(*json, "111122223333"));
  CLOISTER_CHECK(!kms::to_json(posture).empty());
  return 0;
}
