// The whole look at one endpoint: TLS asked byte by byte, its certificates, its clients', HTTP, and a grade.
#pragma once

#include <memory>
#include <vector>

#include "probe/certificate/mutual.h"
#include "probe/grade/grade.h"
#include "probe/http/http_checks.h"
#include "probe/tls/probe_tls.h"

namespace cloister::probe {

struct ScanRequest {
  Endpoint endpoint;
  const Profile* profile = nullptr;  // never null when it is used
  Politeness politeness = {};
  std::vector<crypto::Certificate> anchors = {};  // none: whether the certificate is trusted stays unknown
  std::shared_ptr<const LogList> logs = {};       // null: timestamps stay unverified
  TlsProbeOptions tls = {};
  MutualOptions mutual = {};
  HttpProbeOptions http = {};
  Time now = {};
};

struct ScanReport {
  Endpoint endpoint;
  const Profile* profile = nullptr;
  Time at;
  double seconds = 0;
  std::uint32_t connections = 0;
  Facts facts;
  Grade grade;
};

// Waits, within the politeness. kUnavailable when nobody answers there, or nobody who speaks TLS. Nothing but the
// endpoint that was named, and the plain port that was named beside it, is ever asked.
Result<ScanReport> scan(const ScanRequest& request, crypto::Random& random);

// The facts about the certificates that its handshake shows, and what that handshake came to ("K1": version, cipher,
// group, protocol).
Facts probe_certificate(Dialer& dialer, const ScanRequest& request);

}  // namespace cloister::probe
