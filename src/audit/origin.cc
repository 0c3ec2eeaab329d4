#include "audit/origin.h"

#include "audit/signed_note.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kNoTenant = "-";

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

bool belongs_to_tree(std::string_view origin, std::string_view tenant) {
  const std::string_view owner = tenant_part(origin);
  if (owner == kNoTenant) return tenant.empty();
  return tenant == owner || (tenant.starts_with(owner) && tenant.substr(owner.size()).starts_with('/'));
}

}  // namespace cloister::audit
