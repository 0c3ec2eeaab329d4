// What is to be said of the certificates that an endpoint showed: checks X1 to X12, S2, S3 and T1 to T3 of
// docs/scan.md. Pure: the same question gets the same facts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "probe/certificate/log_list.h"
#include "probe/certificate/seen_certificate.h"
#include "probe/fact.h"

namespace cloister::probe {

// How long a certificate may be good for.
struct LifetimeRule {
  bool by_calendar = false;   // what public authorities may issue at its date (ballot SC-081v3)
  Duration at_most = {};      // otherwise; 0: any
  unsigned rest_percent = 0;  // so much of its life must still be ahead of it
};
// 398, 200, 100 or 47 days.
Duration public_lifetime_max(Time issued_at);

struct CertificateQuestion {
  std::vector<Bytes> chain;                      // DER, as it was sent
  Bytes ocsp_response;                           // stapled; empty: none
  Bytes timestamps;                              // of the TLS extension; empty: none
  std::span<const crypto::Certificate> anchors;  // who is trusted; none: that is unknown
  std::string host;                              // whom it must name; empty: nobody said
  LifetimeRule lifetime;
  const LogList* logs = nullptr;  // null: timestamps can't be verified
  Time now;
};

// Nothing of it is good unless a fact says so: a chain that can't be read gives facts that are unknown.
Facts judge_certificate(const CertificateQuestion& question);

}  // namespace cloister::probe
