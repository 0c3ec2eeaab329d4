#include "kms/google/google_answer.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/json.h"
#include "kms/bearer_token.h"
#include "kms/google/google_name.h"
#include "kms/plain_line.h"
#include "kms/retry_after.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kItemsMax = 1000;
constexpr std::size_t kMembersMax = 4096;
constexpr std::size_t kWordMax = 256;
constexpr std::size_t kTokenMax = 2048;
constexpr std::size_t kCiphertextMax = 4096;
constexpr std::size_t kPlaintextMax = 4096;

Error bad(std::string_view what) { return Error(Code::kCorrupt, "Google's answer has no proper " + std::string(what)); }

Result<JsonValue> parse(ByteView body) {
  auto json = parse_json(as_text(body));
  if (!json.ok() || json->object() == nullptr) return bad("JSON");
  return json;
}

// Empty when it isn't there.
Result<std::string> word(const JsonValue& object, std::string_view name, std::size_t size_max = kWordMax) {
  const JsonValue* value = object.find(name);
  if (value == nullptr) return std::string();
  if (value->string() == nullptr || value->string()->size() > size_max) return bad(name);
  const bool plain = std::ranges::all_of(*value->string(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return plain ? Result<std::string>(*value->string()) : bad(name);
}

Result<std::optional<Time>> moment(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string text, word(object, name));
  if (text.empty()) return std::optional<Time>();
  const auto time = parse_rfc3339(text);
  return time.ok() ? Result<std::optional<Time>>(*time) : bad(name);
}

Result<std::optional<Duration>> duration(const JsonValue& object, std::string_view name) {
  CLOISTER_TRY(const std::string text, word(object, name));
  if (text.empty()) return std::optional<Duration>();
  const auto length = parse_google_duration(text);
  return length.ok() ? Result<std::optional<Duration>>(*length) : bad(name);
}

// A member that is a list of at most `most`; null when it isn't there.
Result<const JsonValue::Array*> list(const JsonValue& object, std::string_view name, std::size_t most = kItemsMax) {
  const JsonValue* value = object.find(name);
  if (value == nullptr) return static_cast<const JsonValue::Array*>(nullptr);
  if (value->array() == nullptr || value->array()->size() > most) return bad(name);
  return value->array();
}

Result<GoogleKeyVersion> parse_version(const JsonValue& json, std::string_view key) {
  GoogleKeyVersion version;
  CLOISTER_TRY(version.name, word(json, "name", kTokenMax));
  if (!is_google_version_of(key, version.name)) return bad("name of a version");
  CLOISTER_TRY(version.state, word(json, "state"));
  CLOISTER_TRY(version.protection, word(json, "protectionLevel"));
  CLOISTER_TRY(version.algorithm, word(json, "algorithm"));
  CLOISTER_TRY(version.created, moment(json, "createTime"));
  CLOISTER_TRY(version.generated, moment(json, "generateTime"));
  CLOISTER_TRY(version.destroy_at, moment(json, "destroyTime"));
  CLOISTER_TRY(const std::string job, word(json, "importJob", kTokenMax));
  CLOISTER_TRY(const auto imported, moment(json, "importTime"));
  version.imported = !job.empty() || imported.has_value();
  return version;
}

template <typename Is>
Result<GooglePage<std::string>> parse_names(ByteView body, std::string_view member, std::string_view parent, Is is) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  GooglePage<std::string> page;
  CLOISTER_TRY(page.next, word(json, "nextPageToken", kTokenMax));
  CLOISTER_TRY(const JsonValue::Array* items, list(json, member));
  if (items == nullptr) return page;
  for (const JsonValue& item : *items) {
    CLOISTER_TRY(std::string name, word(item, "name", kTokenMax));
    if (!is(name) || !name.starts_with(std::string(parent) + "/")) return bad("name");
    page.items.push_back(std::move(name));
  }
  return page;
}

// What was answered to a crypto call, in memory that is wiped.
const WipedText* text_at(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || !found->is_string() ? nullptr : &found->get_ref<const WipedText&>();
}

bool is_true(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

// An int64 travels as text.
bool checksum_fits(const WipedJson& object, const char* name, ByteView bytes) {
  const WipedText* text = text_at(object, name);
  if (text == nullptr) return false;
  std::uint32_t value = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), value);
  return problem == std::errc() && end == text->data() + text->size() && value == crc32c(bytes);
}

Code code_of(unsigned http, std::string_view status) {
  struct Known {
    std::string_view status;
    Code code;
  };
  static constexpr Known kKnown[] = {
      {"INVALID_ARGUMENT", Code::kInvalid},      {"OUT_OF_RANGE", Code::kInvalid},
      {"UNAUTHENTICATED", Code::kDenied},        {"PERMISSION_DENIED", Code::kDenied},
      {"FAILED_PRECONDITION", Code::kDenied},    {"NOT_FOUND", Code::kNotFound},
      {"UNIMPLEMENTED", Code::kUnsupported},     {"UNAVAILABLE", Code::kUnavailable},
      {"DEADLINE_EXCEEDED", Code::kUnavailable}, {"RESOURCE_EXHAUSTED", Code::kUnavailable},
      {"INTERNAL", Code::kUnavailable},          {"UNKNOWN", Code::kUnavailable},
      {"ABORTED", Code::kUnavailable},
  };
  const auto* found = std::ranges::find_if(kKnown, [&](const Known& one) { return one.status == status; });
  if (found != std::end(kKnown)) return found->code;
  switch (http) {
    case 401:
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 501: return Code::kUnsupported;
    default: return http == 429 || http >= 500 ? Code::kUnavailable : Code::kInvalid;
  }
}

struct Refusal {
  std::string status, message;
};

Refusal refusal_of(const net::Response& response) {
  const auto json = parse(response.body);
  const JsonValue* error = json.ok() ? json->find("error") : nullptr;
  const auto text = [&](std::string_view name) {
    const JsonValue* value = error == nullptr ? nullptr : error->find(name);
    return value == nullptr || value->string() == nullptr ? std::string() : plain_line(*value->string());
  };
  return {text("status"), text("message")};
}

}  // namespace

Result<GoogleKey> parse_google_key(ByteView body, std::string_view key) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  GoogleKey out;
  CLOISTER_TRY(out.name, word(json, "name", kTokenMax));
  if (out.name != key) return Error(Code::kCorrupt, "Google's answer is about another key");
  CLOISTER_TRY(out.purpose, word(json, "purpose"));
  CLOISTER_TRY(out.created, moment(json, "createTime"));
  CLOISTER_TRY(out.next_rotation, moment(json, "nextRotationTime"));
  CLOISTER_TRY(out.rotation_period, duration(json, "rotationPeriod"));
  CLOISTER_TRY(out.destroy_after, duration(json, "destroyScheduledDuration"));
  if (const JsonValue* import_only = json.find("importOnly"); import_only != nullptr) {
    if (!import_only->boolean()) return bad("importOnly");
    out.import_only = *import_only->boolean();
  }
  if (const JsonValue* made = json.find("versionTemplate"); made != nullptr) {
    CLOISTER_TRY(out.protection, word(*made, "protectionLevel"));
    CLOISTER_TRY(out.algorithm, word(*made, "algorithm"));
  }
  if (const JsonValue* primary = json.find("primary"); primary != nullptr) {
    CLOISTER_TRY(out.primary, parse_version(*primary, key));
  }
  return out;
}

Result<GooglePage<GoogleKeyVersion>> parse_google_versions(ByteView body, std::string_view key) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  GooglePage<GoogleKeyVersion> page;
  CLOISTER_TRY(page.next, word(json, "nextPageToken", kTokenMax));
  CLOISTER_TRY(const JsonValue::Array* items, list(json, "cryptoKeyVersions"));
  if (items == nullptr) return page;
  for (const JsonValue& item : *items) {
    CLOISTER_TRY(GoogleKeyVersion version, parse_version(item, key));
    page.items.push_back(std::move(version));
  }
  return page;
}

Result<GooglePage<std::string>> parse_google_keys(ByteView body, std::string_view key_ring) {
  return parse_names(body, "cryptoKeys", key_ring, is_google_key);
}

Result<GooglePage<std::string>> parse_google_key_rings(ByteView body, std::string_view location) {
  return parse_names(body, "keyRings", location, is_google_key_ring);
}

Result<std::vector<GoogleBinding>> parse_google_policy(ByteView body) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  std::vector<GoogleBinding> bindings;
  CLOISTER_TRY(const JsonValue::Array* items, list(json, "bindings"));
  if (items == nullptr) return bindings;
  for (const JsonValue& item : *items) {
    GoogleBinding binding;
    CLOISTER_TRY(binding.role, word(item, "role"));
    CLOISTER_TRY(const JsonValue::Array* members, list(item, "members", kMembersMax));
    if (binding.role.empty() || members == nullptr) return bad("bindings");
    for (const JsonValue& member : *members) {
      if (member.string() == nullptr || member.string()->size() > kTokenMax) return bad("members");
      binding.members.push_back(*member.string());
    }
    bindings.push_back(std::move(binding));
  }
  return bindings;
}

Result<GoogleEncrypted> parse_google_encrypted(ByteView body, std::string_view key) {
  const auto json = parse_wiped(body);
  if (!json.ok()) return bad("JSON");
  GoogleEncrypted out;
  const WipedText* name = text_at(*json, "name");
  if (name == nullptr || !is_google_version_of(key, view(*name))) {
    return Error(Code::kCorrupt, "Google's answer is from another key than the one asked");
  }
  out.version = view(*name);
  const WipedText* ciphertext = text_at(*json, "ciphertext");
  auto bytes = ciphertext == nullptr ? Result<Bytes>(bad("ciphertext")) : from_base64(view(*ciphertext));
  if (!bytes.ok() || bytes->empty() || bytes->size() > kCiphertextMax) return bad("ciphertext");
  out.ciphertext = std::move(bytes).value();
  if (!is_true(*json, "verifiedPlaintextCrc32c")) {
    out.doubt = "it didn't verify the plaintext's checksum";
  } else if (!is_true(*json, "verifiedAdditionalAuthenticatedDataCrc32c")) {
    out.doubt = "it didn't verify the context's checksum";
  } else if (!checksum_fits(*json, "ciphertextCrc32c", out.ciphertext)) {
    out.doubt = "the ciphertext isn't the one its checksum was made of";
  }
  return out;
}

Result<GoogleDecrypted> parse_google_decrypted(ByteView body) {
  const auto json = parse_wiped(body);
  if (!json.ok()) return bad("JSON");
  const WipedText* plaintext = text_at(*json, "plaintext");
  if (plaintext == nullptr) return bad("plaintext");
  const auto size = base64_decoded_size(view(*plaintext));
  if (!size.ok() || *size == 0 || *size > kPlaintextMax) return bad("plaintext");
  GoogleDecrypted out{crypto::Secret(*size), {}};
  if (!decode_base64(view(*plaintext), Base64::kStandard, out.plaintext.expose_mutable()).ok()) return bad("plaintext");
  if (!checksum_fits(*json, "plaintextCrc32c", out.plaintext.expose())) {
    out.doubt = "the plaintext isn't the one its checksum was made of";
  }
  return out;
}

Result<Duration> parse_google_duration(std::string_view text) {
  const Error malformed(Code::kInvalid, "that is no duration in seconds");
  if (!text.ends_with('s') || text.size() < 2) return malformed;
  text.remove_suffix(1);
  std::uint32_t whole = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (problem != std::errc()) return malformed;
  std::string_view fraction(end, static_cast<std::size_t>(text.data() + text.size() - end));
  std::int64_t ms = 0;
  if (!fraction.empty()) {
    const bool digits = std::ranges::all_of(fraction.substr(1), [](char c) { return c >= '0' && c <= '9'; });
    if (fraction.front() != '.' || fraction.size() < 2 || fraction.size() > 10 || !digits) return malformed;
    for (std::size_t i = 1; i <= 3; ++i) ms = ms * 10 + (i < fraction.size() ? fraction[i] - '0' : 0);
  }
  return Duration{std::int64_t{whole} * 1000 + ms};
}

Error google_error(const net::Response& response) {
  const Refusal refusal = refusal_of(response);
  std::string message = "it answered " + std::to_string(response.status);
  if (!refusal.status.empty()) message += " " + refusal.status;
  if (!refusal.message.empty()) message += ": " + refusal.message;
  return Error(code_of(response.status, refusal.status), message);
}

Verdict judge_google(const net::Response& response, double random) {
  using Kind = Verdict::Kind;
  if (response.status < 400) return {};
  if (response.status == 401) return {Kind::kRenew, {}};
  const std::string status = refusal_of(response).status;
  if (response.status == 429 || status == "RESOURCE_EXHAUSTED") {
    const Duration next_second{1000 + static_cast<std::int64_t>(random * 1000)};
    return {Kind::kRetry, retry_after(response).value_or(next_second)};
  }
  const bool unsaid = status.empty() && (response.status == 502 || response.status == 503 || response.status == 504);
  const bool passing = unsaid || status == "UNAVAILABLE" || status == "DEADLINE_EXCEEDED";
  return passing ? Verdict{Kind::kRetry, retry_after(response)} : Verdict{};
}

}  // namespace cloister::kms
