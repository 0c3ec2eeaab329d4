// What an endpoint answers over HTTP: checks W1 to W7 of docs/scan.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/tls.h"
#include "probe/dialer.h"
#include "probe/fact.h"

namespace cloister::probe {

struct HttpProbeOptions {
  Duration answer_time{5'000};
  std::shared_ptr<const net::Credentials> own = {};  // shown when the endpoint asks for a certificate
  // Where HTTP might be answered in clear beside it; nothing: not asked.
  std::optional<std::uint16_t> plain_port = {};
  // Of inference servers and what usually stands beside them. None of them changes anything.
  std::vector<std::string> paths = {"/v1/models", "/v2/health/ready", "/metrics", "/docs", "/openapi.json"};
  std::string stream_path = {};  // answers with text/event-stream; empty: not asked
  // Domains that browsers have preloaded as HTTPS only; null: no list was given.
  std::shared_ptr<const std::vector<std::string>> preloaded = {};
};

// Waits: some 12 to 20 connections. What isn't answered is unknown; where the endpoint refuses clients without a
// certificate, or speaks no HTTP, that is not applicable.
Facts probe_http(Dialer& dialer, const HttpProbeOptions& options);

// Strict-Transport-Security, RFC 6797 6.1.
struct HstsPolicy {
  std::uint64_t max_age_seconds = 0;
  bool subdomains = false;
  bool preload = false;
};
// kInvalid for a header that has no max-age, a directive twice, or is malformed: browsers ignore it.
Result<HstsPolicy> parse_hsts(std::string_view header);

}  // namespace cloister::probe
