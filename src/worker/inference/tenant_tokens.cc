#include "worker/inference/tenant_tokens.h"

namespace cloister::worker {

const std::string* TenantTokens::tenant_of(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return nullptr;
  const crypto::Sha256Digest digest = crypto::sha256(as_bytes(authorization.substr(kScheme.size())));
  const std::string* found = nullptr;
  for (const TenantToken& token : tokens_) {
    if (crypto::equal_constant_time(token.digest, digest)) found = &token.tenant;
  }
  return found;
}

}  // namespace cloister::worker
