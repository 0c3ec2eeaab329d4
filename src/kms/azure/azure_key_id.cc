#include "kms/azure/azure_key_id.h"

#include <algorithm>
#include <optional>

namespace cloister::kms {
namespace {

constexpr std::size_t kPartMax = 127;
constexpr std::size_t kLinkMax = 4096;
constexpr std::string_view kKeys = "/keys/";

bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= kPartMax && std::ranges::all_of(text, [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '-';
  });
}

std::string origin_of(const Endpoint& vault) { return (vault.tls ? "https://" : "http://") + vault.authority(); }

// What follows the vault's own scheme, host and port; nothing when they are another's.
std::optional<std::string_view> behind_origin(const Endpoint& vault, std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  const std::size_t path = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  const auto origin = parse_endpoint(url.substr(0, path));
  if (!origin.ok() || origin->tls != vault.tls || origin->host != vault.host || origin->port != vault.port) {
    return std::nullopt;
  }
  return url.substr(path);
}

Error no_key(std::string_view text) {
  return Error(Code::kInvalid, "\"" + std::string(text.substr(0, 300)) +
                                   "\" is no key of this vault: a name of letters, digits and hyphens, or its URL");
}

}  // namespace

Result<Endpoint> parse_azure_vault(std::string_view url) {
  CLOISTER_TRY(Endpoint vault, parse_endpoint(url));
  if (!vault.path.empty()) return Error(Code::kInvalid, "a vault's URL has no path: " + std::string(url));
  return vault;
}

Result<AzureKeyId> parse_azure_key_id(const Endpoint& vault, std::string_view text) {
  if (is_part(text)) return AzureKeyId{std::string(text), ""};
  auto path = behind_origin(vault, text);
  if (!path || !path->starts_with(kKeys)) return no_key(text);
  std::string_view rest = path->substr(kKeys.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  AzureKeyId id{std::string(rest.substr(0, slash)), ""};
  if (slash < rest.size()) {
    id.version = rest.substr(slash + 1);
    if (!is_part(id.version)) return no_key(text);
  }
  if (!is_part(id.name)) return no_key(text);
  return id;
}

std::string azure_key_path(const AzureKeyId& id) {
  std::string path = std::string(kKeys) + id.name;
  if (!id.version.empty()) path += "/" + id.version;
  return path;
}

std::string azure_key_url(const Endpoint& vault, const AzureKeyId& id) { return origin_of(vault) + azure_key_path(id); }

Status check_azure_target(std::string_view target) {
  const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  const std::string_view path = target.substr(0, target.find('?'));
  const bool below = path == "/keys" || path.starts_with("/keys/") || path == "/deletedkeys";
  if (!visible || !below || target.size() > kLinkMax || path.find("..") != std::string_view::npos) {
    return Error(Code::kInvalid, "that isn't where a vault's list of keys goes on");
  }
  return {};
}

Result<std::string> azure_link_target(const Endpoint& vault, std::string_view link) {
  const auto target = behind_origin(vault, link);
  if (!target || !check_azure_target(*target).ok()) {
    return Error(Code::kCorrupt, "the vault's list goes on at another place than the vault");
  }
  return std::string(*target);
}

}  // namespace cloister::kms
