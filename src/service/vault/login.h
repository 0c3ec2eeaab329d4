// Logins of the Vault dialect, and what a token may do with itself.
#pragma once

#include <memory>

#include "identity/source.h"
#include "service/access_keys.h"
#include "service/vault/tokens.h"

namespace cloister::service {

struct VaultLogins {
  std::shared_ptr<VaultTokens> tokens;
  // Whose bundles JWT-SVIDs are judged by, and for whom they must be meant.
  std::function<std::shared_ptr<const identity::Snapshot>()> identity;
  std::string audience;
  // Role and secret id are those of an access key. Null: there are none. Outlives every call.
  const AccessKeys* access_keys = nullptr;
};

// A login's proof: fills call.caller, authentication, purpose, scope and credential. A problem where there is none.
std::optional<Problem> verify_login(const VaultLogins& logins, Call& call);
// The token of any other request; the same.
std::optional<Problem> verify_token(const VaultLogins& logins, Call& call);

// POST …/login of the ways above, and token/lookup-self, renew-self and revoke-self.
std::vector<Route> login_routes(const VaultLogins& logins);
bool is_login(const Route& route);

// The token that a request shows: X-Vault-Token, or Authorization: Bearer. Empty when there is none.
std::string_view shown_token(const net::Request& request);

}  // namespace cloister::service
