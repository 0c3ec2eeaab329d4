// Vault's HTTP API, as far as keys go: the transit engine, logins, and what clients ask a server about itself.
// docs/api/vault-transit.md.
#pragma once

#include "service/dialect.h"
#include "service/vault/login.h"
#include "service/vault/transit_routes.h"

namespace cloister::service {

struct VaultOptions {
  VaultKeys keys;
  VaultLogins logins;
  std::string version;  // of this program, as the health answers say it
};

// Callers are those of their token; a login proves who they are. X-Vault-Namespace names the tenant, and behind a slash
// its environment.
class VaultDialect final : public Dialect {
 public:
  explicit VaultDialect(VaultOptions options);

  std::string_view name() const override { return "vault"; }
  const Route* find(Call& call, std::optional<Problem>& instead) const override;
  std::optional<Problem> verify(Call& call) const override;
  net::Response answer(const Problem& problem, const Call& call) const override;
  void finish(net::Response& response, const Call& call) const override;

 private:
  const VaultOptions options_;
  const Router router_;
  const Router mac_router_;  // of requests that verify HMACs
};

}  // namespace cloister::service
