#include "mesh/relay/service.h"

#include "mesh/relay/peer_verifiers.h"
#include "net/spiffe_credentials.h"

namespace cloister::mesh {

Targets::Targets(std::vector<RelayAddress> addresses) : addresses_(std::move(addresses)), found_(addresses_.size()) {
  auto list = std::make_shared<List>();
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const RelayAddress& one = addresses_[i];
    const auto address = one.is_unix() ? net::unix_address(one.path) : net::numeric_address(one.tcp);
    has_names_ = has_names_ || !address.ok();
    if (!address.ok()) continue;
    found_[i].push_back(*address);
    list->push_back(*address);
  }
  current_ = std::move(list);
}

void Targets::refresh(Duration patience) {
  auto list = std::make_shared<List>();
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    const RelayAddress& one = addresses_[i];
    if (!one.is_unix() && !net::numeric_address(one.tcp).ok()) {
      auto found = net::resolve(one.tcp, patience);
      if (found.ok()) found_[i] = std::move(*found);
    }
    list->insert(list->end(), found_[i].begin(), found_[i].end());
  }
  const std::scoped_lock lock(mutex_);
  current_ = std::move(list);
}

std::shared_ptr<const Targets::List> Targets::current() const {
  const std::scoped_lock lock(mutex_);
  return current_;
}

Result<RelayIdentity> relay_identity(std::shared_ptr<const identity::Source> source, identity::Conformance conformance,
                                     net::Clock clock) {
  CLOISTER_TRY(auto credentials, net::SpiffeCredentials::follow(source));
  auto verifier = std::make_shared<RememberingVerifier>(source, conformance);
  return RelayIdentity{std::move(source), std::move(credentials), std::move(verifier), std::move(clock)};
}

Result<std::shared_ptr<const Service>> make_service(const ListenerSettings& settings, const RelayLimits& limits,
                                                    const RelayIdentity& identity) {
  auto verifier = std::make_shared<AdmittingVerifier>(identity.verifier, settings.peers);
  CLOISTER_TRY(auto tls, net::MutualTls::create_for_streams(identity.credentials, std::move(verifier), identity.clock,
                                                            {settings.protocols, settings.key_exchange}));
  auto targets = std::make_shared<Targets>(settings.targets);
  return std::make_shared<const Service>(
      Service{settings, limits, identity.source, std::move(tls), std::move(targets)});
}

}  // namespace cloister::mesh
