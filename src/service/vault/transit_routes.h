// Vault's transit engine: encrypt, decrypt, rewrap, datakey and random; hmac, sign and verify; and the keys themselves.
// A key is a dataset, a namespace its tenant and environment.
#pragma once

#include "service/managed_keys.h"
#include "service/unlocked_keyrings.h"

namespace cloister::service {

// What the routes work with.
struct VaultKeys {
  std::shared_ptr<UnlockedKeyrings> keyrings;
  std::shared_ptr<ManagedKeys> managed;
};

std::vector<Route> transit_routes(const VaultKeys& keys);
std::vector<Route> transit_key_routes(const VaultKeys& keys);
// hmac and sign, and verify of signatures.
std::vector<Route> transit_proof_routes(const VaultKeys& keys);
// verify of HMACs: the same path as of signatures, but another right. Its bodies have a field hmac.
std::vector<Route> transit_mac_verify_routes(const VaultKeys& keys);

// The target that namespace and path name. kInvalid where there is no namespace.
Result<Target> transit_target(const Call& call);

}  // namespace cloister::service
