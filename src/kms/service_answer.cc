#include "kms/service_answer.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "base/base64.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::int64_t kLeaseMax = 24 * 3600;
constexpr std::size_t kVersionsMax = 4096;
constexpr std::size_t kWrappedMax = 1024;
constexpr std::size_t kDetailMax = 300;

using Json = WipedJson;

Error bad(std::string_view what) {
  return Error(Code::kInvalid, "the service's answer has no proper " + std::string(what));
}

Result<Json> parse(ByteView body) {
  auto json = parse_wiped(body);
  if (!json.ok()) return bad("JSON");
  return json;
}

const Json* member(const Json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return found == object.end() ? nullptr : &*found;
}

std::string_view text_of(const Json* value) {
  if (value == nullptr || !value->is_string()) return {};
  return view(value->get_ref<const WipedText&>());
}

Result<std::uint64_t> number(const Json& object, const char* name, std::uint64_t max) {
  const Json* value = member(object, name);
  if (value == nullptr || !value->is_number_unsigned() || value->get<std::uint64_t>() > max) return bad(name);
  return value->get<std::uint64_t>();
}

// The one element of `keys`.
Result<const Json*> only_key(const Json& answer) {
  const Json* keys = member(answer, "keys");
  if (keys == nullptr || !keys->is_array() || keys->size() != 1 || !keys->front().is_object()) return bad("keys");
  return &keys->front();
}

// What a detail may look like in a message: one line, plain, short.
std::string plain(std::string_view text) {
  std::string out;
  for (const char character : text.substr(0, kDetailMax)) {
    out.push_back(static_cast<unsigned char>(character) < 0x20 || character == 0x7f ? '?' : character);
  }
  return out;
}

Code code_of(unsigned status, std::string_view problem) {
  static const std::map<std::string_view, Code> codes{
      {"store-unavailable", Code::kUnavailable},
      {"audit-unavailable", Code::kUnavailable},
      {"busy", Code::kUnavailable},
      {"quota-exceeded", Code::kUnavailable},
      {"changed-meanwhile", Code::kUnavailable},
      {"unauthenticated", Code::kDenied},
      {"wrong-state", Code::kDenied},
      {"key-version-unknown", Code::kDenied},
      {"key-version-disabled", Code::kDenied},
      {"key-version-destroyed", Code::kDenied},
      {"exists", Code::kExists},
      {"damaged", Code::kCorrupt},
      {"idempotency-key-reused", Code::kInvalid},
  };
  if (const auto found = codes.find(problem); found != codes.end()) return found->second;
  switch (status) {
    case 401:
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 409: return Code::kExists;
    case 410: return Code::kExpired;
    case 429:
    case 502:
    case 503:
    case 504: return Code::kUnavailable;
    case 500: return Code::kInternal;
    case 501: return Code::kUnsupported;
    default: return Code::kInvalid;
  }
}

}  // namespace

Result<ServiceKeyring> parse_keyring_answer(ByteView body) {
  CLOISTER_TRY(const Json json, parse(body));
  ServiceKeyring keyring;
  const auto id = from_hex(text_of(member(json, "keyring")));
  if (!id.ok() || id->size() != keyring.id.size()) return bad("keyring");
  std::ranges::copy(*id, keyring.id.begin());
  const auto signer = from_base64(text_of(member(json, "signing_public_key")));
  if (!signer.ok() || signer->size() != keyring.signing_public_key.size()) return bad("signing_public_key");
  std::ranges::copy(*signer, keyring.signing_public_key.begin());
  const Json* keys = member(json, "keys");
  if (keys == nullptr || !keys->is_array() || keys->empty() || keys->size() > kVersionsMax) return bad("keys");
  for (const Json& key : *keys) {
    CLOISTER_TRY(const std::uint64_t version, number(key, "version", UINT32_MAX));
    const std::string_view state = text_of(member(key, "state"));
    if (state.empty()) return bad("state");
    keyring.versions.push_back({static_cast<std::uint32_t>(version), state == "primary" || state == "enabled"});
  }
  return keyring;
}

Result<LeasedKey> parse_unwrap_answer(ByteView body) {
  CLOISTER_TRY(const Json json, parse(body));
  CLOISTER_TRY(const std::uint64_t lease, number(json, "lease_seconds", kLeaseMax));
  CLOISTER_TRY(const Json* entry, only_key(json));
  const std::string_view text = text_of(member(*entry, "key"));
  crypto::Secret secret(crypto::kKeySize);
  const auto size = base64_decoded_size(text);
  if (!size.ok() || *size != crypto::kKeySize ||
      !decode_base64(text, Base64::kStandard, secret.expose_mutable()).ok()) {
    return bad("key");
  }
  CLOISTER_TRY(auto key, crypto::KeyMaterial::from_secret(std::move(secret)));
  return LeasedKey{std::move(key), seconds(static_cast<std::int64_t>(lease))};
}

Result<ServiceSlot> parse_wrap_answer(ByteView body) {
  CLOISTER_TRY(const Json json, parse(body));
  CLOISTER_TRY(const Json* entry, only_key(json));
  ServiceSlot slot;
  CLOISTER_TRY(const std::uint64_t version, number(*entry, "version", UINT32_MAX));
  slot.version = static_cast<std::uint32_t>(version);
  auto wrapped = from_base64(text_of(member(*entry, "wrapped")));
  if (!wrapped.ok() || wrapped->empty() || wrapped->size() > kWrappedMax) return bad("wrapped");
  slot.wrapped = std::move(wrapped).value();
  return slot;
}

Error parse_problem(unsigned status, ByteView body) {
  const auto json = parse(body);
  const std::string code = json.ok() ? plain(text_of(member(*json, "code"))) : std::string();
  if (code.empty()) return Error(code_of(status, ""), "it answered " + std::to_string(status));
  std::string message = plain(text_of(member(*json, "detail")));
  if (message.empty()) message = plain(text_of(member(*json, "title")));
  message += " (" + code;
  if (const std::string id = plain(text_of(member(*json, "request_id"))); !id.empty()) message += ", request " + id;
  return Error(code_of(status, code), message + ")");
}

}  // namespace cloister::kms
