// OCSP responses made by tests, good ones and bad ones.
#pragma once

#include <optional>

#include "crypto/signer.h"
#include "crypto/x509.h"

namespace cloister::testing {

struct OcspParts {
  Bytes serial;               // of the certificate in question; the INTEGER's content
  std::uint8_t state = 0x80;  // 80 good, A1 revoked, 82 unknown
  Time this_update;
  std::optional<Time> next_update = {};
  Bytes timestamps = {};                              // SignedCertificateTimestampList
  std::optional<crypto::Certificate> responder = {};  // comes along
  std::optional<crypto::Certificate> issuer = {};     // named by SHA-256; without one, zeros by SHA-1
  std::optional<std::uint8_t> reason = {};            // of a revocation: 6 is "on hold"
};

// Signed by that key.
Bytes make_ocsp(const OcspParts& parts, crypto::Signer& signer);

}  // namespace cloister::testing
