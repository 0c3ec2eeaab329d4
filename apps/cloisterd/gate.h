// Stands before the service: who was denied since their connection began is turned away at their next request.
#pragma once

#include "net/handler.h"
#include "net/spiffe_verifier.h"
#include "net/tls.h"

namespace cloister::daemon {

class Gate final : public net::Handler {
 public:
  Gate(std::shared_ptr<net::Handler> inner, std::shared_ptr<const net::SpiffeVerifier> verifier, net::Clock clock)
      : inner_(std::move(inner)), verifier_(std::move(verifier)), clock_(std::move(clock)) {}

  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override;

 private:
  const std::shared_ptr<net::Handler> inner_;
  const std::shared_ptr<const net::SpiffeVerifier> verifier_;
  const net::Clock clock_;
};

}  // namespace cloister::daemon
