// Whether an endpoint wants a certificate of its clients, and which it takes: checks M1 to M4 of docs/scan.md.
#pragma once

#include <memory>
#include <optional>

#include "crypto/random.h"
#include "crypto/signer.h"
#include "crypto/x509.h"
#include "net/observed_tls.h"
#include "probe/dialer.h"
#include "probe/fact.h"

namespace cloister::probe {

// An authority that the endpoint trusts, for the length of this scan: so that each certificate shown has one fault
// alone.
struct TrustedIssuer {
  crypto::Certificate certificate;
  crypto::Signer* signer;  // outlives the scan
};

struct MutualOptions {
  Duration answer_time{5'000};
  // Shows certificates that must be refused: opt-in, since each is an attempt to get in, and is logged as one.
  bool negative = false;
  const TrustedIssuer* issuer = nullptr;             // null: a stranger's certificates alone
  std::shared_ptr<const net::Credentials> own = {};  // one that should be let in: shows that refusals mean something
};

// How an endpoint took a client.
struct Admission {
  enum class Verdict { kAdmitted, kRefused, kUnclear } verdict = Verdict::kUnclear;
  std::string detail;
  net::TlsObservation seen;
};
// Shakes hands, says one harmless thing and waits for a word: in TLS 1.3 a server refuses its client only after the
// client's handshake is done (RFC 8446 4.4.2.4). kUnavailable when there is no connection.
Result<Admission> try_admission(Dialer& dialer, std::shared_ptr<const net::Credentials> own, Duration answer_time);

// Waits: two connections, and some six more for the negative ones.
Facts probe_mutual(Dialer& dialer, const MutualOptions& options, crypto::Random& random, Time now);

}  // namespace cloister::probe
