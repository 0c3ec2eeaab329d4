#include "audit/origin.h"

#include <algorithm>

#include "audit/signed_note.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kNoTenant = "-";

constexpr std::size_t kTenantPartMax = 63;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// What a tenant may be called: KH, "Names".
bool could_be_tenant(std::string_view name) {
  if (name.empty() || name.size() > kTenantPartMax || !is_letter_or_digit(name.front())) return false;
  return std::ranges::all_of(name, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

std::string_view tenant_part(std::string_view origin) { return origin.substr(origin.rfind('/') + 1); }

}  // namespace

Result<std::string> tree_origin(std::string_view server, std::string_view tenant) {
  if (tenant.find('/') != std::string_view::npos || tenant == kNoTenant) {
    return Error(Code::kInvalid, "a tree is one tenant's, without an environment");
  }
  std::string origin = std::string(server) + "/" + std::string(tenant.empty() ? kNoTenant : tenant);
  CLOISTER_RETURN_IF_ERROR(check_origin(origin));
  return origin;
}

Status check_origin(std::string_view origin) {
  const std::size_t slash = origin.rfind('/');
  if (is_key_name(origin) && slash != std::string_view::npos && slash != 0 && slash + 1 != origin.size()) return {};
  return Error(Code::kInvalid,
               "the origin of an audit log is SERVER/TENANT or SERVER/-, without spaces and plus signs");
}

std::string tree_name(std::string_view tenant) {
  const std::string_view owner = tenant.substr(0, tenant.find('/'));
  return std::string(could_be_tenant(owner) ? owner : kNoTenant);
}

Result<std::string> tree_of_origin(std::string_view origin, std::string_view server) {
  const std::string_view name = tenant_part(origin);
  const bool ours = origin.size() == server.size() + 1 + name.size() && origin.starts_with(server);
  if (ours && (name == kNoTenant || could_be_tenant(name))) return std::string(name);
  return Error(Code::kInvalid, "this store keeps the trees " + std::string(server) + "/TENANT and " +
                                   std::string(server) + "/-, and not " + recordable_text(std::string(origin), 255));
}

Event in_its_tree(Event event) {
  const std::string_view tenant = event.tenant;
  if (tenant.empty() || tree_name(tenant) != kNoTenant) return event;
  if (event.subject.find(tenant) == std::string::npos) event.detail.insert(0, "of \"" + event.tenant + "\": ");
  event.tenant.clear();
  return event;
}

bool belongs_to_tree(std::string_view origin, std::string_view tenant) {
  const std::string_view owner = tenant_part(origin);
  if (owner == kNoTenant) return tenant.empty();
  return tenant == owner || (tenant.starts_with(owner) && tenant.substr(owner.size()).starts_with('/'));
}

}  // namespace cloister::audit
