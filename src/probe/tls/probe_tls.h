// What an endpoint's TLS is like, asked byte by byte: no TLS library in between that couldn't speak what is to be
// found.
#pragma once

#include <string>
#include <vector>

#include "crypto/random.h"
#include "probe/dialer.h"
#include "probe/fact.h"

namespace cloister::probe {

enum class EarlyDataReplay { kNo, kYes };

struct TlsProbeOptions {
  Duration answer_time{5'000};  // for one answer; who says nothing for so long is "unknown", never "no"
  unsigned at_once = 4;         // connections at the same time
  std::vector<std::string> protocols = {"h2", "http/1.1", "http/1.0", "grpc-exp", "acme-tls/1"};  // for ALPN
  // Sends one request (GET / of HTTP/1.1) twice as early data: opt-in, because the endpoint may act on both.
  EarlyDataReplay replay = EarlyDataReplay::kNo;
};

// As sent in a TLS 1.2 or older handshake, leaf first, DER, and not looked at.
using SentChain = std::vector<Bytes>;

struct TlsFindings {
  Facts facts;                    // checks P*, C*, G*, S1 and H* of docs/scan-checks.md
  std::vector<SentChain> chains;  // every different one that was seen; none when it speaks TLS 1.3 alone
};

// Asks `dialer`'s endpoint everything, by some 60 to 200 connections. Waits. kUnavailable when nobody answers, or what
// answers never speaks TLS (the error then says what it spoke). When the budget ends on the way, what wasn't asked is
// unknown.
Result<TlsFindings> probe_tls(Dialer& dialer, const TlsProbeOptions& options, crypto::Random& random);

// H10: whether the second endpoint takes back a session that the first gave: they share keys of tickets. Waits.
Facts probe_shared_sessions(Dialer& first, Dialer& second, const TlsProbeOptions& options);

}  // namespace cloister::probe
