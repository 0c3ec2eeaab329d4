#include "kms/vault/answers.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace cloister::kms::vault {
namespace {

constexpr std::size_t kTextMax = 300;
constexpr std::size_t kNameMax = 256;
constexpr std::size_t kTokenMax = 8192;
constexpr std::size_t kCiphertextMax = 8192;
constexpr std::size_t kVersionsMax = 100'000;
constexpr std::int64_t kSecondsMax = std::int64_t{1} << 38;
constexpr std::string_view kPrefix = "vault:v";

Error bad(std::string_view what) { return Error(Code::kCorrupt, "the answer has no proper " + std::string(what)); }

const WipedJson* member(const WipedJson* object, const char* name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(name);
  return found == object->end() ? nullptr : &*found;
}

std::string_view text_of(const WipedJson* value) {
  if (value == nullptr || !value->is_string()) return {};
  return view(value->get_ref<const WipedText&>());
}

std::optional<bool> flag(const WipedJson* value) {
  if (value == nullptr || !value->is_boolean()) return std::nullopt;
  return value->get<bool>();
}

std::optional<std::int64_t> number(const WipedJson* value, std::int64_t max) {
  if (value == nullptr || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > static_cast<std::uint64_t>(max)) return std::nullopt;
  const auto read = value->get<std::int64_t>();
  return read < 0 || read > max ? std::nullopt : std::optional(read);
}

std::string plain(std::string_view text) {
  std::string out;
  for (const char character : text.substr(0, kTextMax)) {
    const auto byte = static_cast<unsigned char>(character);
    out.push_back(byte < 0x20 || byte >= 0x7f ? '?' : character);
  }
  return out;
}

Result<WipedJson> parse(ByteView body) {
  auto json = parse_wiped(body);
  if (!json.ok()) return bad("JSON");
  return json;
}

bool is_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char character) { return character > 0x20 && character < 0x7f; });
}

// Seconds, or an object with a date.
std::optional<Time> created_of(const WipedJson& version) {
  if (const auto at = number(&version, kSecondsMax)) return Time{*at * 1000};
  const auto parsed = parse_rfc3339(text_of(member(&version, "creation_time")));
  return parsed.ok() ? std::optional(parsed.value()) : std::nullopt;
}

Result<std::vector<TransitKeyVersion>> parse_key_versions(const WipedJson* keys) {
  std::vector<TransitKeyVersion> versions;
  if (keys == nullptr) return versions;
  if (!keys->is_object() || keys->size() > kVersionsMax) return bad("keys");
  for (const auto& [name, value] : keys->items()) {
    TransitKeyVersion version;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version.number);
    const auto created = created_of(value);
    if (error != std::errc() || end != name.data() + name.size() || !created) return bad("keys");
    version.created = *created;
    versions.push_back(version);
  }
  std::ranges::sort(versions, {}, &TransitKeyVersion::number);
  return versions;
}

}  // namespace

Result<Token> parse_login(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const WipedJson* auth = member(&json, "auth");
  const std::string_view text = text_of(member(auth, "client_token"));
  if (text.empty() || text.size() > kTokenMax || !is_visible(text)) return bad("client_token");
  const auto lease = number(member(auth, "lease_duration"), kSecondsMax);
  if (!lease) return bad("lease_duration");
  return Token{wiped(text), seconds(*lease), flag(member(auth, "renewable")).value_or(false)};
}

Result<Token> parse_token(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const WipedJson* data = member(&json, "data");
  const auto lease = number(member(data, "ttl"), kSecondsMax);
  if (!lease) return bad("ttl");
  return Token{{}, seconds(*lease), flag(member(data, "renewable")).value_or(false)};
}

Result<TransitKey> parse_key(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const WipedJson* data = member(&json, "data");
  TransitKey key;
  key.type = plain(text_of(member(data, "type")));
  if (key.type.empty()) return bad("type");
  key.latest = static_cast<std::uint64_t>(number(member(data, "latest_version"), kSecondsMax).value_or(0));
  const auto available = number(member(data, "min_available_version"), kSecondsMax).value_or(0);
  key.min_available = static_cast<std::uint64_t>(std::max<std::int64_t>(available, 1));
  key.encrypts = flag(member(data, "supports_encryption")).value_or(true);
  key.derived = flag(member(data, "derived")).value_or(false);
  key.external =
      key.type == "managed_key" || key.type == "external-key" || !text_of(member(data, "external_key_ref")).empty();
  CLOISTER_TRY(key.versions, parse_key_versions(member(data, "keys")));
  if (!key.versions.empty() && key.versions.back().number != key.latest) return bad("latest_version");
  if (const auto period = number(member(data, "auto_rotate_period"), kSecondsMax)) {
    key.auto_rotate_period = seconds(*period);
  }
  key.exportable = flag(member(data, "exportable"));
  key.deletion_allowed = flag(member(data, "deletion_allowed"));
  key.plaintext_backup = flag(member(data, "allow_plaintext_backup"));
  key.imported = flag(member(data, "imported_key"));
  key.soft_deleted = flag(member(data, "soft_deleted"));
  return key;
}

std::optional<std::string> version_of(std::string_view ciphertext) {
  if (!ciphertext.starts_with(kPrefix) || ciphertext.size() > kCiphertextMax || !is_visible(ciphertext)) {
    return std::nullopt;
  }
  // Base64 has neither quotes nor backslashes, and what is put into JSON must have none.
  if (ciphertext.find_first_of("\"\\") != std::string_view::npos) return std::nullopt;
  const std::string_view rest = ciphertext.substr(kPrefix.size());
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 10 || colon + 1 == rest.size()) return std::nullopt;
  const std::string_view digits = rest.substr(0, colon);
  const bool all_digits = std::ranges::all_of(digits, [](char digit) { return digit >= '0' && digit <= '9'; });
  if (!all_digits || digits.front() == '0') return std::nullopt;
  return "v" + std::string(digits);
}

Result<ProviderWrap> parse_encrypted(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const WipedJson* data = member(&json, "data");
  const std::string_view ciphertext = text_of(member(data, "ciphertext"));
  const auto version = version_of(ciphertext);
  if (!version) return bad("ciphertext");
  // Servers before Vault 1.2 don't say it a second time.
  const WipedJson* said = member(data, "key_version");
  const auto number_said = number(said, kSecondsMax);
  if (said != nullptr && (!number_said || "v" + std::to_string(*number_said) != *version)) {
    return Error(Code::kCorrupt, "the answer says another key version than its ciphertext");
  }
  return ProviderWrap{*version, to_bytes(as_bytes(ciphertext))};
}

Result<crypto::Secret> parse_decrypted(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const std::string_view text = text_of(member(member(&json, "data"), "plaintext"));
  const auto size = base64_decoded_size(text);
  if (!size.ok() || *size == 0 || *size > kCiphertextMax) return bad("plaintext");
  crypto::Secret secret(*size);
  if (!decode_base64(text, Base64::kStandard, secret.expose_mutable()).ok()) return bad("plaintext");
  return secret;
}

Result<std::vector<std::string>> parse_keys(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const WipedJson* keys = member(member(&json, "data"), "keys");
  if (keys == nullptr || !keys->is_array() || keys->size() > kKeysMax) return bad("keys");
  std::vector<std::string> names;
  for (const WipedJson& key : *keys) {
    const std::string_view name = text_of(&key);
    // Some mounts list what they import into as folders.
    if (name.ends_with('/')) continue;
    if (!is_key_name(name)) return bad("keys");
    names.emplace_back(name);
  }
  return names;
}

Result<SealStatus> parse_seal_status(ByteView body) {
  CLOISTER_TRY(const WipedJson json, parse(body));
  const auto sealed = flag(member(&json, "sealed"));
  if (!sealed) return bad("sealed");
  return SealStatus{plain(text_of(member(&json, "type"))), *sealed, flag(member(&json, "initialized")).value_or(true),
                    plain(text_of(member(&json, "version")))};
}

bool is_key_name(std::string_view name) {
  const auto fits = [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-' || character == '_' || character == '.';
  };
  if (name.empty() || name.size() > kNameMax || name.front() == '.' || name.back() == '.') return false;
  return std::ranges::all_of(name, fits);
}

std::string request_id(ByteView body) {
  const auto json = parse(body);
  return json.ok() ? plain(text_of(member(&*json, "request_id"))) : std::string();
}

std::string errors_text(ByteView body) {
  const auto json = parse(body);
  const WipedJson* errors = json.ok() ? member(&*json, "errors") : nullptr;
  if (errors == nullptr || !errors->is_array()) return {};
  std::string text;
  for (const WipedJson& error : *errors) {
    if (!text.empty()) text += "; ";
    text += plain(text_of(&error));
    if (text.size() > kTextMax) break;
  }
  return text;
}

Code code_of(unsigned status, std::string_view errors, Asked asked) {
  switch (status) {
    case 400:
      if (errors.find("encryption key not found") != std::string_view::npos) return Code::kNotFound;
      return asked == Asked::kToDecrypt ? Code::kDenied : Code::kInvalid;
    case 403: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 405: return Code::kUnsupported;
    case 412:
    case 429: return Code::kUnavailable;
    default: return status >= 500 ? Code::kUnavailable : Code::kInvalid;
  }
}

}  // namespace cloister::kms::vault
