// Certificate revocation lists made by tests, good ones and bad ones.
#pragma once

#include "crypto/signer.h"
#include "crypto/x509.h"

namespace cloister::testing {

struct RevocationParts {
  Bytes issuer;                // DER Name; empty: that of the certificate that signs
  std::vector<Bytes> serials;  // big-endian
  Time this_update, next_update;
  Bytes number = {1};
  Bytes more = {};        // DER Extensions of the list
  Bytes entry_more = {};  // DER Extensions of every entry
};

Bytes make_revocation_list(const RevocationParts& parts, const crypto::Certificate& authority, crypto::Signer& signer);

// The same with RSA-PSS and SHA-384: what the OpenSSL command line signed, with the certificate of its authority.
// Revokes 0a0b and, on hold, ff00.
std::string_view pss_authority_pem();
Bytes pss_revocation_list();

}  // namespace cloister::testing
