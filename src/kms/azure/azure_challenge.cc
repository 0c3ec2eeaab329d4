#include "kms/azure/azure_challenge.h"

#include <algorithm>
#include <map>

#include "base/base64.h"
#include "base/json.h"
#include "net/address.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kHeaderMax = 8192;
constexpr std::size_t kParametersMax = 32;
constexpr std::size_t kTenantMax = 128;
constexpr JsonLimits kClaimsLimits{4096, 8, 128};

using Parameters = std::map<std::string, std::string, std::less<>>;

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "the vault's challenge is malformed: " + std::string(what));
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A')) : character;
}

bool in_name(char character) {
  return (lower(character) >= 'a' && lower(character) <= 'z') || character == '_' || character == '-';
}

void skip_blanks(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(" \t,"), rest.size())); }

// One name="value" or name=value.
Result<std::pair<std::string, std::string>> take_parameter(std::string_view& rest) {
  const auto name_end = static_cast<std::size_t>(std::ranges::find_if_not(rest, in_name) - rest.begin());
  std::string name(rest.substr(0, name_end));
  std::ranges::transform(name, name.begin(), lower);
  rest.remove_prefix(name_end);
  if (name.empty() || !rest.starts_with('=')) return malformed("a parameter has no value");
  rest.remove_prefix(1);
  const bool quoted = rest.starts_with('"');
  if (quoted) rest.remove_prefix(1);
  const std::size_t end = quoted ? rest.find('"') : std::min(rest.find_first_of(", \t"), rest.size());
  if (end == std::string_view::npos) return malformed("a quoted value doesn't end");
  const std::string value(rest.substr(0, end));
  const bool plain = std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; });
  if (!plain) return malformed("a value has characters that don't belong there");
  rest.remove_prefix(quoted ? end + 1 : end);
  return std::pair(std::move(name), value);
}

Result<Parameters> parse_parameters(std::string_view rest) {
  Parameters parameters;
  for (skip_blanks(rest); !rest.empty(); skip_blanks(rest)) {
    CLOISTER_TRY(auto parameter, take_parameter(rest));
    if (parameters.size() == kParametersMax) return malformed("it has too many parameters");
    if (!parameters.insert(std::move(parameter)).second) return malformed("a parameter comes twice");
  }
  return parameters;
}

std::string_view value_of(const Parameters& parameters, std::string_view name, std::string_view other_name = {}) {
  auto found = parameters.find(name);
  if (found == parameters.end()) found = parameters.find(other_name);
  return found == parameters.end() ? std::string_view() : std::string_view(found->second);
}

// The first part of the authority's path. "common" and its like are no directory.
Result<std::string> tenant_of(std::string_view authority) {
  if (authority.empty()) return std::string();
  static constexpr std::string_view kScheme = "https://";
  if (!authority.starts_with(kScheme)) return malformed("its authority isn't an https URL");
  authority.remove_prefix(kScheme.size());
  const std::size_t slash = authority.find('/');
  if (slash == std::string_view::npos) return std::string();
  const std::string_view path = authority.substr(slash + 1);
  const std::string_view tenant = path.substr(0, path.find('/'));
  if (tenant.empty() || tenant == "common" || tenant == "organizations" || tenant == "consumers") return std::string();
  if (!is_azure_tenant(tenant)) return malformed("its authority names no directory");
  return std::string(tenant);
}

Result<std::string> decode_claims(std::string_view text) {
  if (text.empty()) return std::string();
  std::string standard(text);  // seen in both alphabets, with padding and without
  std::ranges::replace(standard, '+', '-');
  std::ranges::replace(standard, '/', '_');
  while (standard.ends_with('=')) standard.pop_back();
  const auto decoded = from_base64(standard, Base64::kUrl);
  if (!decoded.ok()) return malformed("its claims aren't base64");
  const auto json = parse_json(as_text(*decoded), kClaimsLimits);
  if (!json.ok() || json->object() == nullptr) return malformed("its claims aren't a JSON object");
  return json->serialize();
}

}  // namespace

bool is_azure_tenant(std::string_view text) {
  return !text.empty() && text.size() <= kTenantMax && text.front() != '.' && std::ranges::all_of(text, [](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

bool is_azure_tenant_id(std::string_view text) {
  static constexpr std::string_view kForm = "00000000-0000-0000-0000-000000000000";
  return std::ranges::equal(text, kForm, [](char given, char form) {
    const bool digit = (given >= '0' && given <= '9') || (given >= 'a' && given <= 'f');
    return form == '-' ? given == '-' : digit;
  });
}

Result<AzureChallenge> parse_azure_challenge(std::string_view header) {
  if (header.size() > kHeaderMax) return malformed("it is too long");
  static constexpr std::string_view kScheme = "bearer ";
  const bool bearer = header.size() > kScheme.size() &&
                      std::ranges::equal(header.substr(0, kScheme.size()), kScheme,
                                         [](char given, char wanted) { return lower(given) == wanted; });
  if (!bearer) return malformed("it isn't for a bearer token");
  CLOISTER_TRY(const Parameters parameters, parse_parameters(header.substr(kScheme.size())));
  AzureChallenge challenge;
  CLOISTER_TRY(challenge.tenant, tenant_of(value_of(parameters, "authorization", "authorization_uri")));
  challenge.resource = value_of(parameters, "resource", "scope");
  static constexpr std::string_view kDefaultScope = "/.default";
  if (challenge.resource.ends_with(kDefaultScope)) {
    challenge.resource.resize(challenge.resource.size() - kDefaultScope.size());
  }
  while (challenge.resource.ends_with('/')) challenge.resource.pop_back();
  CLOISTER_TRY(challenge.claims, decode_claims(value_of(parameters, "claims")));
  return challenge;
}

Status check_azure_resource(const Endpoint& vault, std::string_view resource) {
  const auto named = parse_endpoint(resource);
  const bool ours = named.ok() && named->tls && named->path.empty() && named->host.find('.') != std::string::npos &&
                    vault.host.ends_with("." + named->host);
  if (ours) return {};
  return Error(Code::kDenied, "the vault " + vault.host + " asks for a token for \"" +
                                  std::string(resource.substr(0, 200)) + "\", which isn't a domain it is in");
}

Result<std::string> azure_resource_of(const Endpoint& vault) {
  const std::size_t dot = vault.host.find('.');
  const bool address = net::numeric_address({vault.host, vault.port}).ok();
  const std::string domain = dot == std::string::npos ? "" : vault.host.substr(dot + 1);
  if (address || domain.find('.') == std::string::npos) {
    return Error(Code::kInvalid, "the vault " + vault.host + " is in no cloud's domain: its resource must be given");
  }
  return "https://" + domain;
}

Result<std::string> azure_claims(std::string_view wanted) {
  static const JsonValue::Member kCapable{"xms_cc", JsonValue::Object{{"values", JsonValue::Array{JsonValue("cp1")}}}};
  JsonValue::Object all;
  JsonValue::Object access{kCapable};
  if (!wanted.empty()) {
    const auto json = parse_json(wanted, kClaimsLimits);
    if (!json.ok() || json->object() == nullptr) return malformed("its claims aren't a JSON object");
    for (const auto& [name, value] : *json->object()) {
      if (name != "access_token") {
        all.emplace_back(name, value);
        continue;
      }
      if (value.object() == nullptr) return malformed("its claims ask for no object");
      for (const auto& member : *value.object()) {
        if (member.first != kCapable.first) access.push_back(member);
      }
    }
  }
  all.emplace_back("access_token", std::move(access));
  return JsonValue(std::move(all)).serialize();
}

}  // namespace cloister::kms
