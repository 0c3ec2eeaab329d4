#include "mesh/registration/registered_identities.h"

#include <algorithm>

#include "identity/renewal.h"

namespace cloister::mesh {

class RegisteredIdentities::Watchers {
 public:
  std::uint64_t add(std::function<void()> changed) {
    const std::lock_guard lock(mutex_);
    all_.emplace(++last_, std::move(changed));
    return last_;
  }
  void remove(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    all_.erase(id);
  }
  void notify() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, changed] : all_) changed();
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::function<void()>> all_;
};

RegisteredIdentities::RegisteredIdentities(RegistrationParts parts)
    : parts_(std::move(parts)),
      table_(std::make_shared<const EntryTable>()),
      watchers_(std::make_shared<Watchers>()),
      refreshed_at_(parts_.clock()),
      refreshed_trust_(parts_.authority.trust()) {
  CLOISTER_CHECK(parts_.attest && parts_.clock);
}

RegisteredIdentities::~RegisteredIdentities() = default;

std::unique_ptr<WorkloadIdentities::Watch> RegisteredIdentities::watch(std::function<void()> changed) {
  class Registered final : public Watch {
   public:
    Registered(std::shared_ptr<Watchers> watchers, std::function<void()> changed)
        : watchers_(std::move(watchers)), id_(watchers_->add(std::move(changed))) {}
    ~Registered() override { watchers_->remove(id_); }

   private:
    const std::shared_ptr<Watchers> watchers_;
    const std::uint64_t id_;
  };
  return std::make_unique<Registered>(watchers_, std::move(changed));
}

void RegisteredIdentities::notify() { watchers_->notify(); }

std::shared_ptr<const EntryTable> RegisteredIdentities::table() const {
  const std::lock_guard lock(table_mutex_);
  return table_;
}

void RegisteredIdentities::replace_entries(std::vector<RegistrationEntry> entries) {
  auto next = std::make_shared<const EntryTable>(std::move(entries));
  if (next->all() == table()->all()) return;
  {
    const std::lock_guard lock(table_mutex_);
    table_ = next;
  }
  {
    // Keys whose entry is gone go with it.
    const std::lock_guard lock(held_mutex_);
    std::erase_if(held_, [&](const auto& one) {
      const RegistrationEntry* entry = next->find(one.first.first);
      return entry == nullptr || !(*entry == one.second.entry);
    });
  }
  notify();
}

void RegisteredIdentities::refresh() {
  const Time now = parts_.clock();
  const auto trust = parts_.authority.trust();
  bool changed = trust != refreshed_trust_;
  {
    const std::lock_guard lock(held_mutex_);
    changed = std::erase_if(held_, [&](const auto& one) { return one.second.renew_at <= now; }) > 0 || changed;
  }
  const auto entries = table();
  changed = changed || std::ranges::any_of(entries->all(), [&](const RegistrationEntry& entry) {
              return entry.is_valid(refreshed_at_) && !entry.is_valid(now);
            });
  refreshed_at_ = now;
  refreshed_trust_ = trust;
  if (changed) notify();
}

Result<RegisteredIdentities::Matched> RegisteredIdentities::match(const net::UnixPeer& caller) const {
  const auto entries = table();
  CLOISTER_TRY(Attested attested, parts_.attest(caller, entries->attest_with()));
  const Time now = parts_.clock();
  auto matching = entries->matching(attested.selectors, now);
  std::erase_if(matching,
                [&](const RegistrationEntry* entry) { return !parts_.authority.check_id(entry->spiffe_id, now).ok(); });
  if (matching.empty()) return Error(Code::kDenied, "nothing is registered for the calling process");
  if (matching.size() > kIdentitiesMax) {
    return Error(Code::kDenied, "more than 256 entries are the calling process's: they say too little");
  }
  return Matched{entries, std::move(attested), std::move(matching), now};
}

Result<std::shared_ptr<const WorkloadState>> RegisteredIdentities::state_of(const net::UnixPeer& caller) {
  CLOISTER_TRY(const Matched matched, match(caller));
  return state_for(matched);
}

Result<std::shared_ptr<const WorkloadState>> RegisteredIdentities::state_for(const Matched& matched) {
  const auto trust = parts_.authority.trust();
  auto state = std::make_shared<WorkloadState>();
  std::optional<Error> denied;
  for (const RegistrationEntry* entry : matched.entries) {
    auto svid = held({*entry, matched.caller, matched.now}, trust);
    if (!svid.ok() && svid.error().code() != Code::kDenied) return svid.error();
    if (!svid.ok()) {
      denied = svid.error();
      continue;
    }
    for (const identity::TrustDomain& domain : svid->federates_with) {
      if (const identity::Bundle* bundle = trust->bundles.find(domain)) state->bundles = state->bundles.with(*bundle);
    }
    state->svids.push_back(std::move(*svid));
  }
  if (state->svids.empty()) return *denied;
  if (const identity::Bundle* own = trust->bundles.find(trust->own)) state->bundles = state->bundles.with(*own);
  return std::shared_ptr<const WorkloadState>(std::move(state));
}

Result<HeldSvid> RegisteredIdentities::held(const IssueOrder& order, const std::shared_ptr<const TrustView>& trust) {
  const HeldKey key{order.entry.id, order.caller.uid};
  const std::lock_guard lock(held_mutex_);
  const auto found = held_.find(key);
  // By another bundle the authority may be another: what it signed before may count no more.
  if (found != held_.end() && found->second.entry == order.entry && order.now < found->second.renew_at &&
      (found->second.trust == trust ||
       *found->second.trust->bundles.find(trust->own) == *trust->bundles.find(trust->own))) {
    found->second.used = ++uses_;
    return found->second.svid;
  }
  CLOISTER_TRY(crypto::PrivateKey made, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, parts_.random));
  CLOISTER_TRY(identity::X509Svid svid, parts_.authority.issue_x509(order, made.public_key()));
  const Time renew_at = identity::renewal_time(order.now, svid.leaf().facts().not_after, parts_.random);
  HeldSvid held{std::move(svid), std::make_shared<const crypto::PrivateKey>(std::move(made)), order.entry.hint,
                order.entry.federates_with};
  held_.insert_or_assign(key, Held{order.entry, trust, held, renew_at, ++uses_});
  if (held_.size() > kHeldMax) drop_least_used();
  return held;
}

void RegisteredIdentities::drop_least_used() {
  held_.erase(std::ranges::min_element(held_, {}, [](const auto& one) { return one.second.used; }));
}

Result<std::vector<HeldToken>> RegisteredIdentities::tokens_for(const net::UnixPeer& caller,
                                                                const std::vector<std::string>& audience,
                                                                const std::optional<identity::SpiffeId>& id) {
  CLOISTER_TRY(const Matched matched, match(caller));
  return tokens_of(matched, audience, id);
}

Result<std::vector<HeldToken>> RegisteredIdentities::tokens_of(const Matched& matched,
                                                               const std::vector<std::string>& audience,
                                                               const std::optional<identity::SpiffeId>& id) {
  std::vector<HeldToken> tokens;
  for (const RegistrationEntry* entry : matched.entries) {
    if (id && entry->spiffe_id != *id) continue;
    CLOISTER_TRY(std::string token, parts_.authority.issue_jwt({*entry, matched.caller, matched.now}, audience));
    tokens.push_back({entry->spiffe_id, std::move(token), entry->hint});
    if (id) break;
  }
  if (tokens.empty()) return Error(Code::kDenied, "the identity that was asked for isn't the calling process's");
  return tokens;
}

}  // namespace cloister::mesh
