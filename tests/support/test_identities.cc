#include "tests/support/test_identities.h"

#include "tests/support/value_of.h"

namespace cloister::testing {

using identity::SpiffeId;
using identity::TrustDomain;

struct TestIdentities::Watchers {
  std::mutex mutex;
  std::map<const void*, std::function<void()>> all;
};

TestIdentities::TestIdentities(std::string_view trust_domain, net::Clock clock)
    : domain_(value_of(TrustDomain::parse(trust_domain))),
      clock_(std::move(clock)),
      watchers_(std::make_shared<Watchers>()) {
  replace_authority();
}

std::unique_ptr<TestIdentities::Keys> TestIdentities::new_keys() {
  const auto key = [this] { return value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random_)); };
  return std::make_unique<Keys>(key(), key());
}

SpiffeId TestIdentities::id_of(const TestEntry& entry) const { return value_of(SpiffeId::of(domain_, entry.path)); }

mesh::HeldSvid TestIdentities::issue(const TestEntry& entry) {
  auto key = std::make_shared<const crypto::PrivateKey>(
      value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random_)));
  const auto authority = value_of(identity::Authority::open(*rotation_, keys_->both()));
  auto svid = value_of(authority.issue_x509_svid(id_of(entry), key->public_key(), clock_(), random_));
  std::vector<TrustDomain> federates;
  for (const std::string& name : entry.federates_with) federates.push_back(value_of(TrustDomain::parse(name)));
  return {std::move(svid), std::move(key), entry.hint, std::move(federates)};
}

void TestIdentities::change(const std::function<void()>& how) {
  {
    const std::lock_guard lock(mutex_);
    how();
    mesh::WorkloadState state;
    for (const TestEntry& entry : entries_) state.svids.push_back(issue(entry));
    state.bundles = federated_.with(rotation_->bundle());
    state_ = std::make_shared<const mesh::WorkloadState>(std::move(state));
  }
  const std::lock_guard lock(watchers_->mutex);
  for (const auto& [watch, changed] : watchers_->all) changed();
}

void TestIdentities::set_entries(std::vector<TestEntry> entries) {
  change([&] { entries_ = std::move(entries); });
}
void TestIdentities::refuse_with(std::optional<Error> error) {
  change([&] { refusal_ = std::move(error); });
}
void TestIdentities::rotate() {
  change([] {});
}
void TestIdentities::replace_authority() {
  change([this] {
    auto keys = new_keys();
    const identity::AuthorityRules rules;
    auto record = value_of(identity::make_authority(domain_, rules, keys->both(), {}, clock_(), random_));
    rotation_ = value_of(identity::Rotation::begin(domain_, rules, std::move(record), clock_()));
    keys_ = std::move(keys);
  });
}
void TestIdentities::federate(identity::Bundle bundle) {
  change([&] { federated_ = federated_.with(std::move(bundle)); });
}
void TestIdentities::unfederate(std::string_view trust_domain) {
  change([&] { federated_ = federated_.without(value_of(TrustDomain::parse(trust_domain))); });
}

identity::Bundle TestIdentities::bundle() const {
  const std::lock_guard lock(mutex_);
  return rotation_->bundle();
}
std::size_t TestIdentities::watches() const {
  const std::lock_guard lock(watchers_->mutex);
  return watchers_->all.size();
}
std::size_t TestIdentities::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

Result<std::shared_ptr<const mesh::WorkloadState>> TestIdentities::state_of(const net::UnixPeer&) {
  const std::lock_guard lock(mutex_);
  ++asked_;
  if (refusal_) return *refusal_;
  if (entries_.empty()) return Error(Code::kDenied, "nothing is registered for this caller");
  return state_;
}

Result<std::vector<mesh::HeldToken>> TestIdentities::tokens_for(const net::UnixPeer&,
                                                                const std::vector<std::string>& audience,
                                                                const std::optional<SpiffeId>& id) {
  const std::lock_guard lock(mutex_);
  if (refusal_) return *refusal_;
  const auto authority = value_of(identity::Authority::open(*rotation_, keys_->both()));
  std::vector<mesh::HeldToken> tokens;
  for (const TestEntry& entry : entries_) {
    if (id && *id != id_of(entry)) continue;
    CLOISTER_TRY(std::string token, authority.issue_jwt_svid(id_of(entry), audience, clock_()));
    tokens.push_back({id_of(entry), std::move(token), entry.hint});
  }
  if (tokens.empty()) return Error(Code::kDenied, "no such id is registered for this caller");
  return tokens;
}

std::unique_ptr<mesh::WorkloadIdentities::Watch> TestIdentities::watch(std::function<void()> changed) {
  class Held final : public Watch {
   public:
    Held(std::shared_ptr<Watchers> watchers, std::function<void()> changed) : watchers_(std::move(watchers)) {
      const std::lock_guard lock(watchers_->mutex);
      watchers_->all.emplace(this, std::move(changed));
    }
    ~Held() override {
      const std::lock_guard lock(watchers_->mutex);
      watchers_->all.erase(this);
    }

   private:
    std::shared_ptr<Watchers> watchers_;
  };
  return std::make_unique<Held>(watchers_, std::move(changed));
}

}  // namespace cloister::testing
