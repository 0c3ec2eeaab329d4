// Access keys: for clients that prove themselves by a shared secret, as those of AWS do. Each speaks for one SPIFFE ID,
// in one tenant, for one purpose. docs/formats/service-settings.md, SS-6.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "identity/spiffe_id.h"
#include "policy/words.h"
#include "service/authentic_settings.h"
#include "service/route.h"

namespace cloister::service {

struct AccessKey {
  std::string id;  // "CLAK" and 16 of A-Z 2-7
  identity::SpiffeId caller;
  keys::TenantName tenant;
  policy::Purpose purpose = policy::Purpose::kOperate;
  Time created;
  std::optional<Time> expires;
};

// Those of the store, in memory: a key that another server made or revoked counts from the next refresh() on. Any
// thread may call; what takes a store waits for it.
class AccessKeys {
 public:
  struct Entry {
    AccessKey key;
    crypto::Secret secret;  // as the client has it
  };

  AccessKeys(AuthenticSettings settings, crypto::Random& random) : settings_(std::move(settings)), random_(random) {}

  Status refresh(keys::Store& store);
  // Null for one that isn't there. Whether it has expired is the caller's to see.
  std::shared_ptr<const Entry> find(const std::string& id) const;

  // POST, GET and DELETE …/access-keys of a tenant, and of its environment. They outlive neither this nor the service.
  std::vector<Route> routes();

 private:
  using Table = std::map<std::string, std::shared_ptr<const Entry>, std::less<>>;
  Result<Reply> create(const Call& call, keys::Hierarchy& hierarchy, const AccessKey& wanted);
  Result<Reply> list(const Call& call, keys::Hierarchy& hierarchy);
  Result<Reply> revoke(const Call& call, keys::Hierarchy& hierarchy);
  Result<Parsed> parse_create(Call& call);
  Status remove_expired(keys::Store& store, keys::Store::Change& change, Time now) const;

  const AuthenticSettings settings_;
  crypto::Random& random_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Table> table_ = std::make_shared<Table>();
};

}  // namespace cloister::service
