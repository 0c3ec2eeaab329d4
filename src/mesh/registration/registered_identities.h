// What callers of the Workload API are given: attested, matched with the registration entries, and issued by an
// authority that this doesn't know more of than it must.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/random.h"
#include "mesh/registration/attestor.h"
#include "mesh/registration/entry_table.h"
#include "mesh/workload_identities.h"
#include "net/tls.h"

namespace cloister::mesh {

// The same for everybody: the bundle of this trust domain, which is always there, and of those that it federates with.
// Immutable.
struct TrustView {
  identity::TrustDomain own;
  identity::BundleSet bundles;
};

// For whom something is issued, and why.
struct IssueOrder {
  const RegistrationEntry& entry;
  const Attested& caller;
  Time now;
};

// Any thread may call; the calls may wait. What was issued is on record before it is returned.
class IssuingAuthority {
 public:
  virtual ~IssuingAuthority() = default;
  // For the entry's SPIFFE ID and, where it says one, within its lifetime. kDenied: not by this authority;
  // kUnavailable: not now.
  virtual Result<identity::X509Svid> issue_x509(const IssueOrder& order, const crypto::PublicKey& key) = 0;
  virtual Result<std::string> issue_jwt(const IssueOrder& order, const std::vector<std::string>& audience) = 0;
  // kDenied for an id that nobody may have at the moment.
  virtual Status check_id(const identity::SpiffeId& id, Time now) = 0;
  // Never null; another one when something changed.
  virtual std::shared_ptr<const TrustView> trust() = 0;
};

struct RegistrationParts {
  std::function<Result<Attested>(const net::UnixPeer& caller, AttestWith with)> attest;
  IssuingAuthority& authority;
  crypto::Random& random;
  net::Clock clock;
};

inline constexpr std::size_t kIdentitiesMax = 256;  // of one caller
inline constexpr std::size_t kHeldMax = 4096;       // SVIDs kept for when they are asked for again

// SVIDs are kept per entry and user: processes of one user that match the same entry share a key.
class RegisteredIdentities final : public WorkloadIdentities {
 public:
  explicit RegisteredIdentities(RegistrationParts parts);
  ~RegisteredIdentities() override;

  Result<std::shared_ptr<const WorkloadState>> state_of(const net::UnixPeer& caller) override;
  Result<std::vector<HeldToken>> tokens_for(const net::UnixPeer& caller, const std::vector<std::string>& audience,
                                            const std::optional<identity::SpiffeId>& id) override;
  // `changed` runs while the watch can't end: it must not destroy one.
  std::unique_ptr<Watch> watch(std::function<void()> changed) override;

  // From now on; watchers hear of it when it makes a difference. Any thread.
  void replace_entries(std::vector<RegistrationEntry> entries);
  // Looks whether something is due or has changed, and tells the watchers then. Every few seconds, one thread.
  void refresh();
  // Tells them anyway: the list of denied ids changed.
  void notify();
  std::size_t entries() const { return table()->all().size(); }

 private:
  class Watchers;
  struct Held {
    RegistrationEntry entry;
    std::shared_ptr<const TrustView> trust;
    HeldSvid svid;
    Time renew_at;
    std::uint64_t used = 0;
  };
  using HeldKey = std::pair<std::string, uid_t>;  // entry, user
  struct Matched {
    std::shared_ptr<const EntryTable> table;  // what `entries` point into
    Attested caller;
    std::vector<const RegistrationEntry*> entries;  // at least one
    Time now;
  };

  std::shared_ptr<const EntryTable> table() const;
  Result<Matched> match(const net::UnixPeer& caller) const;
  Result<std::shared_ptr<const WorkloadState>> state_for(const Matched& matched);
  Result<std::vector<HeldToken>> tokens_of(const Matched& matched, const std::vector<std::string>& audience,
                                           const std::optional<identity::SpiffeId>& id);
  Result<HeldSvid> held(const IssueOrder& order, const std::shared_ptr<const TrustView>& trust);
  void drop_least_used();

  const RegistrationParts parts_;
  mutable std::mutex table_mutex_;
  std::shared_ptr<const EntryTable> table_;
  std::mutex held_mutex_;  // also while something is issued: the second to ask gets what the first did
  std::map<HeldKey, Held> held_;
  std::uint64_t uses_ = 0;
  const std::shared_ptr<Watchers> watchers_;
  Time refreshed_at_;
  std::shared_ptr<const TrustView> refreshed_trust_;
};

}  // namespace cloister::mesh
