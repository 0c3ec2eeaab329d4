// One script of exchanges for a provider that talks to several hosts: what it expects are targets behind their host,
// "login.microsoftonline.com/acme/oauth2/v2.0/token".
#pragma once

#include "kms/connect.h"
#include "tests/support/recorded_transport.h"

namespace cloister::testing {

// `script` outlives what is connected.
inline kms::Connect connect_to(kms::HttpTransport& script) {
  return [&script](const kms::Endpoint& endpoint,
                   const kms::WebTransportOptions&) -> Result<std::unique_ptr<kms::HttpTransport>> {
    return std::unique_ptr<kms::HttpTransport>(
        std::make_unique<FunctionTransport>([&script, authority = endpoint.authority()](const net::Request& request) {
          net::Request named = request;
          named.target = authority + request.target;
          return script.send(named, Duration{});
        }));
  };
}

}  // namespace cloister::testing
