// Answers of a Vault, of any bytes: read or refused, and a refusal is one plain line.
#include <string>
#include <vector>

#include "kms/vault/key_posture.h"

using namespace cloister;
using namespace cloister::kms::vault;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string& text : {
           std::string(R"({"data":{"type":"aes256-gcm96","latest_version":2,"keys":{"1":1795667660,"2":)"
                       R"({"creation_time":"2026-11-26T04:34:20.186165471Z"}},"auto_rotate_period":3600,)"
                       R"("exportable":false,"deletion_allowed":false,"allow_plaintext_backup":false}})"),
           std::string(R"({"data":{"ciphertext":"vault:v2:QBvL+A==","key_version":2},"request_id":"r"})"),
           std::string(R"({"data":{"plaintext":"AAEC","keys":["a","b/"],"ttl":3600,"renewable":true}})"),
           std::string(R"({"auth":{"client_token":"hvs.a","lease_duration":3600,"renewable":true}})"),
           std::string(R"({"errors":["permission denied\n"]})"),
           std::string(R"({"type":"shamir","sealed":false,"initialized":true,"version":"1.21.4"})"),
           std::string("vault:v3:QBvL+A=="),
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  if (const auto key = parse_key(body); key.ok())
    CLOISTER_CHECK(!to_json(cloister::kms::vault::posture_of("k", *key)).empty());
  if (const auto wrap = parse_encrypted(body); wrap.ok()) {
    CLOISTER_CHECK(version_of(as_text(wrap->ciphertext)) == wrap->key_version);
  }
  if (const auto opened = parse_decrypted(body); opened.ok()) CLOISTER_CHECK(!opened->empty());
  if (const auto names = parse_keys(body); names.ok()) {
    for (const std::string& name : *names) CLOISTER_CHECK(is_key_name(name));
  }
  if (const auto token = parse_login(body); token.ok()) CLOISTER_CHECK(!token->text.empty());
  ignore_result(parse_token(body));
  ignore_result(parse_seal_status(body));
  ignore_result(version_of(as_text(body)));
  for (const char character : errors_text(body) + request_id(body))
    CLOISTER_CHECK(character >= 0x20 && character < 0x7f);
  return 0;
}
