// The trust domain's bundle, for whoever federates with it: public, and authentic by the certificate of the server.
// SPIFFE Federation, section 5.
#pragma once

#include "net/handler.h"
#include "service/issuer.h"

namespace cloister::daemon {

class BundleHandler final : public net::Handler {
 public:
  // The issuer outlives it.
  BundleHandler(const service::Issuer& issuer, std::string path) : issuer_(issuer), path_(std::move(path)) {}

  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override;

 private:
  const service::Issuer& issuer_;
  const std::string path_;
};

}  // namespace cloister::daemon
