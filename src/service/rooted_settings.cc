#include "service/rooted_settings.h"

#include "base/base64.h"
#include "identity/authority_store.h"

namespace cloister::service {
namespace {

Result<Bytes> stored_bytes(std::string_view value) {
  auto bytes = from_base64(value);
  if (!bytes.ok()) return Error(Code::kCorrupt, "the stored authorities aren't base64");
  return bytes;
}

}  // namespace

std::string_view RootedAuthorities::name() const { return "identity_authorities"; }

Result<std::vector<std::string>> RootedAuthorities::roots(std::string_view value) const {
  CLOISTER_TRY(const Bytes bytes, stored_bytes(value));
  return identity::rotation_roots(bytes);
}

Result<std::string> RootedAuthorities::rewrap(std::string_view value, const Bytes&, crypto::KeyWrapper& sources,
                                              crypto::KeyWrapper& target) const {
  CLOISTER_TRY(const Bytes bytes, stored_bytes(value));
  CLOISTER_TRY(const Bytes moved, identity::rewrap_rotation(bytes, sources, target, random_));
  return to_base64(moved);
}

}  // namespace cloister::service
