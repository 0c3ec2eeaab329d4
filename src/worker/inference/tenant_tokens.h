// Whose questions a worker answers: bearer tokens that come inside the sealed request, known here by digest alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"

namespace cloister::worker {

struct TenantToken {
  std::string tenant;
  crypto::Sha256Digest digest{};  // SHA-256 of the token
};

class TenantTokens {
 public:
  // None: nobody is answered.
  explicit TenantTokens(std::vector<TenantToken> tokens) : tokens_(std::move(tokens)) {}

  // `authorization`: the field's value, "Bearer " and the token. Null unless some tenant has it. In time that doesn't
  // depend on whose it is.
  const std::string* tenant_of(std::string_view authorization) const;

 private:
  std::vector<TenantToken> tokens_;
};

}  // namespace cloister::worker
