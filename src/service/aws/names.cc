#include "service/aws/names.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hkdf.h"

namespace cloister::service::aws {
namespace {

constexpr std::string_view kAliasPrefix = "alias/";
constexpr std::string_view kKeyPrefix = "key/";
constexpr std::size_t kAliasMax = 250;
constexpr std::size_t kDashes[] = {8, 13, 18, 23};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

Result<std::string> parse_uuid(std::string_view text) {
  std::string id;
  bool good = text.size() == 36;
  for (std::size_t i = 0; good && i < text.size(); ++i) {
    if (std::ranges::find(kDashes, i) != std::end(kDashes)) {
      good = text[i] == '-';
    } else {
      good = is_hex(text[i]);
      id += text[i];
    }
  }
  if (good) return id;
  return Error(Code::kInvalid, "KeyId is a key's id, an alias, or the ARN of either");
}

}  // namespace

std::string uuid_of(std::string_view keyring_id) {
  std::string uuid;
  for (const char c : keyring_id) {
    if (std::ranges::find(kDashes, uuid.size()) != std::end(kDashes)) uuid += '-';
    uuid += c;
  }
  return uuid;
}

std::string account_of(const keys::TenantName& tenant) {
  crypto::Info info("CLSR1 aws account");
  info.field(as_bytes(tenant.text()));
  const crypto::Sha256Digest digest = crypto::sha256(info.view());
  std::string digits = std::to_string(load_le<std::uint64_t>(digest.data()) % 1'000'000'000'000ULL);
  digits.insert(0, 12 - digits.size(), '0');
  return digits;
}

std::string arn_prefix(std::string_view region, const keys::TenantName& tenant) {
  return "arn:aws:kms:" + std::string(region) + ":" + account_of(tenant) + ":";
}

Result<KeyReference> parse_key_reference(std::string_view text, std::string_view region,
                                         const keys::TenantName& tenant) {
  if (text.starts_with("arn:")) {
    const std::string prefix = arn_prefix(region, tenant);
    if (!text.starts_with(prefix)) return Error(Code::kNotFound, "this account has no such key");
    text.remove_prefix(prefix.size());
    if (text.starts_with(kKeyPrefix)) {
      CLOISTER_TRY(std::string id, parse_uuid(text.substr(kKeyPrefix.size())));
      return KeyReference{KeyReference::Kind::kId, std::move(id)};
    }
  }
  if (text.starts_with(kAliasPrefix)) {
    CLOISTER_TRY(std::string alias, parse_alias(text));
    return KeyReference{KeyReference::Kind::kAlias, std::move(alias)};
  }
  CLOISTER_TRY(std::string id, parse_uuid(text));
  return KeyReference{KeyReference::Kind::kId, std::move(id)};
}

Result<std::string> parse_alias(std::string_view text) {
  const bool good_characters = std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '_' ||
           c == '-' || c == '.';
  });
  const std::string_view name = text.starts_with(kAliasPrefix) ? text.substr(kAliasPrefix.size()) : "";
  if (good_characters && !name.empty() && name.size() <= kAliasMax) return std::string(name);
  return Error(Code::kInvalid, "an alias is alias/ and 1 to 250 of a-z A-Z 0-9 / _ - and .");
}

Bytes canonical_context(const std::map<std::string, std::string>& context) {
  Writer writer;
  writer.text16("CLSR1 aws context").u32(static_cast<std::uint32_t>(context.size()));
  for (const auto& [name, value] : context) writer.text16(name).text16(value);
  return writer.take();
}

}  // namespace cloister::service::aws
