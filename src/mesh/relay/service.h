// One listener of a relay as its connections use it: immutable, replaced whole when the configuration is.
#pragma once

#include <memory>
#include <mutex>

#include "identity/source.h"
#include "mesh/relay/config.h"
#include "net/tls.h"

namespace cloister::mesh {

// The addresses that a listener's targets have at the moment: names are asked for again and again. Any thread.
class Targets {
 public:
  // Numeric addresses and Unix sockets are there at once; names after the first refresh().
  explicit Targets(std::vector<RelayAddress> addresses);

  // May wait for the resolver, for `patience` a name. A name that can't be resolved keeps the addresses it had.
  void refresh(Duration patience);
  bool has_names() const { return has_names_; }

  using List = std::vector<net::SocketAddress>;
  std::shared_ptr<const List> current() const;

 private:
  const std::vector<RelayAddress> addresses_;
  std::vector<List> found_;  // refresh()'s alone
  bool has_names_ = false;
  mutable std::mutex mutex_;
  std::shared_ptr<const List> current_;
};

struct Service {
  ListenerSettings settings;
  RelayLimits limits;
  std::shared_ptr<const identity::Source> source;
  std::shared_ptr<const net::MutualTls> tls;
  std::shared_ptr<Targets> targets;
};

// What the identity of a relay gives to all its listeners.
struct RelayIdentity {
  std::shared_ptr<const identity::Source> source;
  std::shared_ptr<const net::CredentialSource> credentials;
  std::shared_ptr<const net::PeerVerifier> verifier;
  net::Clock clock;
};
// kInvalid for an SVID that TLS can't show.
Result<RelayIdentity> relay_identity(std::shared_ptr<const identity::Source> source, identity::Conformance conformance,
                                     net::Clock clock);

Result<std::shared_ptr<const Service>> make_service(const ListenerSettings& settings, const RelayLimits& limits,
                                                    const RelayIdentity& identity);

}  // namespace cloister::mesh
