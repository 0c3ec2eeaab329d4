#include "kms/aws/kms_answers.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/reader.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kAnswerMax = 64 * 1024;
constexpr std::size_t kPlaintextMax = 4096;
constexpr std::size_t kNameMax = 2048;
constexpr std::size_t kMarkerMax = 1024;
constexpr std::string_view kAlgorithm = "SYMMETRIC_DEFAULT";

Error corrupt(std::string_view what) { return Error(Code::kCorrupt, "the answer " + std::string(what)); }

std::string_view text_of(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return view(found->get_ref<const WipedText&>());
}

// The members of every answer of a cryptographic operation.
Result<WipedJson> parse_crypto_answer(ByteView body, std::string_view key) {
  if (body.size() > kAnswerMax) return corrupt("is too long");
  auto json = parse_wiped(body);
  if (!json.ok()) return corrupt("isn't a JSON object");
  if (!is_same_aws_key(key, text_of(*json, "KeyId"))) return corrupt("is about another key");
  const std::string_view algorithm = text_of(*json, "EncryptionAlgorithm");
  if (!algorithm.empty() && algorithm != kAlgorithm) return corrupt("is of another algorithm");
  return json;
}

bool is_name(const std::string& text, std::size_t size_max) {
  return !text.empty() && text.size() <= size_max && is_plain_utf8(text);
}

}  // namespace

bool is_same_aws_key(std::string_view asked, std::string_view answered) {
  if (asked.empty() || answered.empty()) return false;
  return asked == answered || (asked.find('/') == std::string_view::npos && answered.starts_with("arn:") &&
                               answered.ends_with(":key/" + std::string(asked)));
}

Result<ProviderWrap> parse_encrypt_answer(ByteView body, std::string_view key) {
  CLOISTER_TRY(const WipedJson json, parse_crypto_answer(body, key));
  auto ciphertext = from_base64(text_of(json, "CiphertextBlob"));
  if (!ciphertext.ok() || ciphertext->empty() || ciphertext->size() > kAwsCiphertextMax) {
    return corrupt("has no proper ciphertext");
  }
  const std::string version(text_of(json, "KeyMaterialId"));
  if (!version.empty() && !is_name(version, kNameMax)) return corrupt("has no proper key material id");
  return ProviderWrap{version, std::move(*ciphertext)};
}

Result<crypto::Secret> parse_decrypt_answer(ByteView body, std::string_view key, std::string_view key_version) {
  CLOISTER_TRY(const WipedJson json, parse_crypto_answer(body, key));
  const std::string_view version = text_of(json, "KeyMaterialId");
  if (!key_version.empty() && !version.empty() && version != key_version) return corrupt("is by another key material");
  const std::string_view text = text_of(json, "Plaintext");
  const auto size = base64_decoded_size(text);
  if (!size.ok() || *size == 0 || *size > kPlaintextMax) return corrupt("has no proper plaintext");
  crypto::Secret plaintext(*size);
  if (!decode_base64(text, Base64::kStandard, plaintext.expose_mutable()).ok()) {
    return corrupt("has no proper plaintext");
  }
  return plaintext;
}

Result<KeyPage> parse_list_answer(ByteView body, std::string_view cursor) {
  const auto json = parse_json(as_text(body));
  if (!json.ok()) return corrupt("isn't JSON as it should be");
  const JsonValue* keys = json->find("Keys");
  if (keys == nullptr || keys->array() == nullptr) return corrupt("has no list of keys");
  KeyPage page;
  for (const JsonValue& entry : *keys->array()) {
    const JsonValue* arn = entry.find("KeyArn");
    if (arn == nullptr || arn->string() == nullptr || !is_name(*arn->string(), kNameMax)) {
      return corrupt("lists a key without a proper ARN");
    }
    page.keys.push_back(*arn->string());
  }
  const JsonValue* truncated = json->find("Truncated");
  if (truncated == nullptr || !truncated->boolean().value_or(false)) return page;
  const JsonValue* next = json->find("NextMarker");
  if (next == nullptr || next->string() == nullptr || !is_name(*next->string(), kMarkerMax) ||
      *next->string() == cursor) {
    return corrupt("has no proper marker of the page that follows");
  }
  page.next = *next->string();
  return page;
}

}  // namespace cloister::kms
