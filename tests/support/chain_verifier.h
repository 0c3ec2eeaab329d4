// A verifier for tests that trusts one authority and names a peer by the first URI of its certificate.
#pragma once

#include <memory>
#include <string>

#include "net/peer.h"

namespace cloister::testing {

// Stops the process when `authority_pem` isn't a certificate.
std::shared_ptr<const net::PeerVerifier> trust_authority(const std::string& authority_pem);

}  // namespace cloister::testing
