#include "posture/collect/content/key_material.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kKeysMax = 64;
constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "PRIVATE KEY-----";

// "PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY"; one that a passphrase protects isn't in the clear.
void find_pem(std::string_view text, std::vector<RawKey>& keys) {
  for (std::size_t at = text.find(kPemBegin); at != std::string_view::npos && keys.size() < kKeysMax;
       at = text.find(kPemBegin, at + 1)) {
    const std::string_view label = text.substr(at + kPemBegin.size(), 64);
    const std::size_t end = label.find(kPemEnd);
    if (end == std::string_view::npos || label.substr(0, end).find('-') != std::string_view::npos) continue;
    if (label.substr(0, end).find("ENCRYPTED") != std::string_view::npos) continue;
    const std::string_view next = text.substr(at, 512);
    if (next.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos) continue;
    keys.push_back({"pem-private-key", at});
  }
}

bool is_private_jwk(const JsonValue& json) {
  const JsonValue* type = json.find("kty");
  if (type == nullptr || type->string() == nullptr) return false;
  const JsonValue* secret = json.find(*type->string() == "oct" ? "k" : "d");
  return secret != nullptr && secret->string() != nullptr && !secret->string()->empty();
}

void find_jwk(const Sample& sample, std::vector<RawKey>& keys) {
  const std::string_view text = as_text(sample.head);
  if (sample.head.size() != sample.size || !text.starts_with('{') || !sample.contains("\"kty\"")) return;
  const std::size_t at = text.find("\"kty\"");
  const auto json = parse_json(text);
  if (!json.ok()) return;
  if (is_private_jwk(*json)) keys.push_back({"jwk", at});
  const JsonValue* set = json->find("keys");
  if (set == nullptr || set->array() == nullptr) return;
  for (const JsonValue& key : *set->array()) {
    if (is_private_jwk(key) && keys.size() < kKeysMax) keys.push_back({"jwk", at});
  }
}

// docs/formats/key-file.md: the two bytes after the version say whether a passphrase protects it.
void find_key_file(const Sample& sample, std::vector<RawKey>& keys) {
  if (!sample.starts_with("CLSRKEY1") || sample.head.size() < 12) return;
  if (load_le<std::uint16_t>(sample.head.data() + 10) == 0) keys.push_back({"key-file", 0});
}

bool is_named_like_a_key(std::string_view name) {
  constexpr std::array<std::string_view, 6> kSuffixes = {".key", ".dek", ".kek", ".aes", ".secret", ".keyfile"};
  return std::ranges::any_of(kSuffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

bool is_random_enough(ByteView bytes) {
  std::array<bool, 256> seen{};
  std::size_t different = 0;
  for (const std::uint8_t byte : bytes) {
    different += seen[byte] ? 0 : 1;
    seen[byte] = true;
  }
  return different * 4 >= bytes.size() * 3;
}

void find_raw(const Sample& sample, std::vector<RawKey>& keys) {
  if (!is_named_like_a_key(sample.name) || sample.size > 129) return;
  std::string_view text = as_text(sample.head);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const auto hex = from_hex(text);
  const ByteView bytes = hex.ok() ? ByteView(*hex) : sample.head;
  const bool of_a_size = bytes.size() == 16 || bytes.size() == 24 || bytes.size() == 32 || bytes.size() == 64;
  if (of_a_size && is_random_enough(bytes)) keys.push_back({"raw-" + std::to_string(bytes.size()) + "-bytes", 0});
}

}  // namespace

std::vector<RawKey> find_raw_keys(const Sample& sample) {
  std::vector<RawKey> keys;
  find_key_file(sample, keys);
  find_raw(sample, keys);
  if (sample.contains(kPemEnd)) find_pem(as_text(sample.head), keys);
  find_jwk(sample, keys);
  return keys;
}

}  // namespace cloister::posture::content
