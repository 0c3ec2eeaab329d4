#include "worker/release_answer.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"

namespace cloister::worker {
namespace {

constexpr JsonLimits kLimits{std::size_t{16} << 20, 12, 400'000};
constexpr std::size_t kReleaseSizeMax = 64;
constexpr std::size_t kEncapsulatedSize = 32;
constexpr std::size_t kCiphertextSize = crypto::kKeySize + 16;
constexpr std::size_t kDetailSizeMax = 300;
constexpr std::size_t kPolicySizeMax = 128;

Error wrong(std::string_view what) {
  return Error(Code::kInvalid, "the key service's answer has no proper " + std::string(what));
}

Result<std::string> text(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  if (found == nullptr || found->string() == nullptr) return wrong(name);
  return *found->string();
}

Result<Bytes> bytes(const JsonValue& object, std::string_view name, std::size_t size) {
  CLOISTER_TRY(const std::string encoded, text(object, name));
  auto decoded = from_base64(encoded);
  if (!decoded.ok() || decoded->size() != size) return wrong(name);
  return decoded;
}

Result<Time> time(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string written, text(object, name));
  auto read = parse_rfc3339(written);
  if (!read.ok()) return wrong(name);
  return read;
}

// One line, plain and short, whatever was sent.
std::string plain(std::string_view said) {
  std::string out(said.substr(0, kDetailSizeMax));
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return out;
}

bool is_policy_id(std::string_view id) {
  return !id.empty() && id.size() <= kPolicySizeMax &&
         std::ranges::all_of(id, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

Code code_of(unsigned status) {
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
    default: return status >= 500 ? Code::kInternal : Code::kInvalid;
  }
}

Result<ReleasedKey> parse_key(const JsonValue& value) {
  if (const JsonValue* error = value.find("error")) {
    CLOISTER_TRY(const std::string detail, text(*error, "detail"));
    return ReleasedKey(Error(Code::kDenied, "the key service: " + plain(detail)));
  }
  crypto::HpkeSealed sealed;
  CLOISTER_TRY(sealed.encapsulated, bytes(value, "encapsulated", kEncapsulatedSize));
  CLOISTER_TRY(sealed.ciphertext, bytes(value, "ciphertext", kCiphertextSize));
  return ReleasedKey(std::move(sealed));
}

}  // namespace

Result<Bytes> parse_challenge_answer(ByteView body) {
  const auto root = parse_json(as_text(body), kLimits);
  if (!root.ok()) return wrong("JSON");
  CLOISTER_TRY(const std::string encoded, text(*root, "challenge"));
  auto challenge = from_base64(encoded, Base64::kUrl);
  if (!challenge.ok() || challenge->size() != kChallengeSize) return wrong("challenge");
  return challenge;
}

Result<ReleaseAnswer> parse_release_answer(ByteView body, std::size_t keys) {
  const auto root = parse_json(as_text(body), kLimits);
  if (!root.ok()) return wrong("JSON");
  ReleaseAnswer answer;
  CLOISTER_TRY(answer.release, text(*root, "release"));
  if (answer.release.empty() || answer.release.size() > kReleaseSizeMax) return wrong("release");
  const JsonValue* lease = root->find("lease");
  if (lease == nullptr) return wrong("lease");
  CLOISTER_TRY(answer.lease_end, time(*lease, "expires"));
  if (const JsonValue* policy = root->find("policy")) {
    CLOISTER_TRY(answer.policy, text(*policy, "id"));
    if (!is_policy_id(answer.policy)) return wrong("policy");
  }
  const JsonValue* list = root->find("keys");
  if (list == nullptr || list->array() == nullptr || list->array()->size() != keys) return wrong("keys");
  for (const JsonValue& one : *list->array()) {
    CLOISTER_TRY(ReleasedKey key, parse_key(one));
    answer.keys.push_back(std::move(key));
  }
  return answer;
}

Error refusal_of(const net::Response& response) {
  const auto root = parse_json(as_text(response.body), kLimits);
  const JsonValue* detail = root.ok() ? root->find("detail") : nullptr;
  const bool said = detail != nullptr && detail->string() != nullptr && !detail->string()->empty();
  return Error(code_of(response.status),
               "the key service: " + (said ? plain(*detail->string()) : "status " + std::to_string(response.status)));
}

}  // namespace cloister::worker
