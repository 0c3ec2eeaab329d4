// Evidence that a TLS certificate carries (RA-TLS), from before evidence was bound to the connection it travels on. It
// is read, so that it can be looked at; nobody is trusted for it: it says nothing of who is at the other end now.
#pragma once

#include <optional>

#include "attest/evidence.h"
#include "crypto/x509.h"

namespace cloister::attest {

struct RaTlsEvidence {
  Evidence evidence;
  Bytes report_data;           // what the evidence must carry to be of this certificate's key: 32 bytes
  std::optional<Bytes> nonce;  // of the certificate's maker, where its claims have one
};

// Two schemes: the interoperable one of the Confidential Computing Consortium (extension 2.23.133.5.4.9: a quote, and
// claims that name the key), and Gramine's own (the quote alone, its report data the key's hash). kNotFound when the
// certificate has neither, kInvalid when it is malformed, kDenied when its claims are of another key, kUnsupported for
// evidence of another kind.
Result<RaTlsEvidence> read_ra_tls(const crypto::Certificate& certificate);

}  // namespace cloister::attest
