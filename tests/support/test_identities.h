// Identities for callers of a test: a real authority issues them, and the test says who gets which.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "crypto/signer.h"
#include "identity/authority.h"
#include "mesh/workload_identities.h"
#include "net/tls.h"

namespace cloister::testing {

struct TestEntry {
  std::string path = "/worker";  // within the trust domain
  std::string hint = {};
  std::vector<std::string> federates_with = {};
};

// Any thread may call.
class TestIdentities final : public mesh::WorkloadIdentities {
 public:
  TestIdentities(std::string_view trust_domain, net::Clock clock);

  // What every caller may have from now on. Nothing is registered: kDenied.
  void set_entries(std::vector<TestEntry> entries);
  // Answers every call with it, or no more.
  void refuse_with(std::optional<Error> error);
  // Each SVID anew, with a new key.
  void rotate();
  // Another authority; the old one is trusted no more.
  void replace_authority();
  void federate(identity::Bundle bundle);
  void unfederate(std::string_view trust_domain);
  identity::Bundle bundle() const;
  std::size_t watches() const;
  std::size_t asked() const;  // how often for a state

  Result<std::shared_ptr<const mesh::WorkloadState>> state_of(const net::UnixPeer& caller) override;
  Result<std::vector<mesh::HeldToken>> tokens_for(const net::UnixPeer& caller, const std::vector<std::string>& audience,
                                                  const std::optional<identity::SpiffeId>& id) override;
  std::unique_ptr<Watch> watch(std::function<void()> changed) override;

 private:
  struct Keys {
    Keys(crypto::PrivateKey first, crypto::PrivateKey second) : x509(std::move(first)), jwt(std::move(second)) {}
    identity::AuthoritySigners both() { return {&x509, &jwt}; }
    crypto::MemorySigner x509, jwt;
  };
  struct Watchers;

  std::unique_ptr<Keys> new_keys();
  void change(const std::function<void()>& how);
  mesh::HeldSvid issue(const TestEntry& entry);
  identity::SpiffeId id_of(const TestEntry& entry) const;

  const identity::TrustDomain domain_;
  const net::Clock clock_;
  crypto::SystemRandom random_;
  mutable std::mutex mutex_;
  std::unique_ptr<Keys> keys_;
  std::optional<identity::Rotation> rotation_;
  std::vector<TestEntry> entries_;
  identity::BundleSet federated_;
  std::optional<Error> refusal_;
  std::shared_ptr<const mesh::WorkloadState> state_;
  std::size_t asked_ = 0;
  std::shared_ptr<Watchers> watchers_;
};

}  // namespace cloister::testing
