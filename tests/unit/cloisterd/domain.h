// A trust domain of a test's own: a home, its authority, its server's SVID, its settings.
#pragma once

#include <atomic>

#include "cloisterd/log.h"
#include "cloisterd/metrics.h"
#include "net/spiffe_verifier.h"
#include "service/authentic_settings.h"
#include "service/own_identity.h"
#include "tests/support/value_of.h"
#include "tests/unit/keys/home.h"

namespace cloister::daemon {

inline identity::SpiffeId id_of(std::string_view text) { return testing::value_of(identity::SpiffeId::parse(text)); }

struct Domain {
  explicit Domain(const std::string& name)
      : log(testing::value_of(Log::start(STDERR_FILENO, [this] { return now.load(); }))),
        issuer(testing::value_of(service::Issuer::open(home.keys->store(), *home.root, home.random,
                                                       {testing::value_of(identity::TrustDomain::parse(name)), {}},
                                                       home.caller()))),
        own(testing::value_of(service::OwnIdentity::create(*issuer, id_of("spiffe://" + name + "/cloister/keys"),
                                                           home.keys->store(), home.random, home.caller()))),
        settings(testing::value_of(
            service::AuthenticSettings::open(home.keys->store(), *home.root, home.random, home.caller()))),
        verifier(own->source(), identity::Conformance::kStrict, identity::DenyList()) {
    log->configure(LogLevel::kError, LogFormat::kText, "");
  }

  std::vector<audit::Event> events(std::string_view action) {
    std::vector<audit::Event> found;
    CLOISTER_CHECK(home.keys->store()
                       .for_each_audit_row([&](const audit::Row& row) -> Status {
                         if (row.event.action == action) found.push_back(row.event);
                         return {};
                       })
                       .ok());
    return found;
  }

  keys::Home home;
  std::atomic<Time> now{keys::kStart};
  Metrics metrics;
  std::unique_ptr<Log> log;
  std::unique_ptr<service::Issuer> issuer;
  std::unique_ptr<service::OwnIdentity> own;
  service::AuthenticSettings settings;
  net::SpiffeVerifier verifier;
};

}  // namespace cloister::daemon
