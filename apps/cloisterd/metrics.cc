#include "cloisterd/metrics.h"

#include <algorithm>
#include <cmath>

namespace cloister::daemon {
namespace {

constexpr std::array<std::string_view, 3> kOutcomeNames = {"allowed", "refused", "failed"};

void family(std::string& out, std::string_view name, std::string_view kind, std::string_view help) {
  out += "# HELP cloister_" + std::string(name) + " " + std::string(help) + "\n";
  out += "# TYPE cloister_" + std::string(name) + " " + std::string(kind) + "\n";
}

void sample(std::string& out, std::string_view name, std::string_view labels, std::uint64_t value) {
  out += "cloister_" + std::string(name);
  if (!labels.empty()) out += "{" + std::string(labels) + "}";
  out += " " + std::to_string(value) + "\n";
}

void single(std::string& out, std::string_view name, std::string_view kind, std::string_view help,
            std::uint64_t value) {
  family(out, name, kind, help);
  sample(out, name, {}, value);
}

std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + std::string(value) + "\"";
}

// Bucket i of the counters ends at 2^i microseconds.
void latency(std::string& out, const net::Counters& net) {
  family(out, "request_seconds", "histogram", "From a whole request to its answer.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < net::kLatencyBuckets; ++i) {
    sum += net.latency[i];
    char bound[32];
    std::snprintf(bound, sizeof bound, "%.6f", std::ldexp(1e-6, static_cast<int>(i)));
    sample(out, "request_seconds_bucket", label("le", bound), sum);
  }
  sum += net.latency.back();
  sample(out, "request_seconds_bucket", label("le", "+Inf"), sum);
  char seconds[48];
  std::snprintf(seconds, sizeof seconds, "%.6f", static_cast<double>(net.latency_us_sum) * 1e-6);
  out += "cloister_request_seconds_sum " + std::string(seconds) + "\n";
  sample(out, "request_seconds_count", {}, sum);
}

void connections(std::string& out, const net::Counters& net) {
  single(out, "connections", "gauge", "Connections that stand.", net.connections_active);
  single(out, "connections_total", "counter", "Connections accepted.", net.connections_accepted);
  single(out, "handshakes_total", "counter", "TLS handshakes done.", net.handshakes_done);
  single(out, "received_bytes_total", "counter", "Bytes of HTTP received.", net.bytes_in);
  single(out, "sent_bytes_total", "counter", "Bytes of HTTP sent.", net.bytes_out);
  family(out, "responses_total", "counter", "Answers by the class of their status.");
  for (std::size_t i = 1; i < net.responses_by_class.size(); ++i) {
    sample(out, "responses_total", label("class", std::to_string(i) + "xx"), net.responses_by_class[i]);
  }
  family(out, "connections_refused_total", "counter", "Connections and requests turned away before any decision.");
  for (std::size_t i = 0; i < net::kRefusals; ++i) {
    sample(out, "connections_refused_total", label("reason", net::refusal_name(static_cast<net::Refusal>(i))),
           net.refused[i]);
  }
}

void service_counters(std::string& out, const service::ServiceCounters& service) {
  single(out, "workers_waiting", "gauge", "Requests that wait for a worker.", service.waiting_for_workers);
  single(out, "audit_waiting", "gauge", "Records that wait to be written.", service.waiting_for_recorder);
  single(out, "audit_commits_total", "counter", "Transactions that wrote records.", service.commits);
  single(out, "audit_records_total", "counter", "Records of uses and refusals.", service.records);
  single(out, "audit_failures_total", "counter", "Requests refused since their record couldn't be written.",
         service.record_failures);
  single(out, "cached_keyrings", "gauge", "Keyrings unlocked in memory.", service.cached_keyrings);
}

}  // namespace

void Metrics::decided(const service::DecisionEvent& event) {
  const auto names = policy::operation_names();
  const auto found = std::ranges::find(names, event.operation);
  const auto index = static_cast<std::size_t>(found - names.begin());  // the count itself where there is none
  const auto outcome = std::min<std::size_t>(static_cast<std::size_t>(event.outcome) - 1, kOutcomes - 1);
  decisions_[index][outcome].fetch_add(1, std::memory_order_relaxed);
  if (event.outcome == audit::Outcome::kAllowed && event.keys != 0) {
    keys_.fetch_add(event.keys, std::memory_order_relaxed);
  }
}

std::string Metrics::text(const Now& now) const {
  std::string out;
  family(out, "decisions_total", "counter", "Requests decided, by operation and outcome.");
  const auto names = policy::operation_names();
  for (std::size_t i = 0; i <= policy::kOperationCount; ++i) {
    const std::string_view name = i < policy::kOperationCount ? names[i] : "other";
    for (std::size_t j = 0; j < kOutcomes; ++j) {
      const std::uint64_t count = decisions_[i][j].load(std::memory_order_relaxed);
      if (count == 0) continue;
      sample(out, "decisions_total", label("operation", name) + "," + label("outcome", kOutcomeNames[j]), count);
    }
  }
  single(out, "keys_total", "counter", "Data keys in requests that were allowed.", keys_);
  latency(out, now.net);
  connections(out, now.net);
  service_counters(out, now.service);
  single(out, "rotations_total", "counter", "KEKs rotated by this server.", rotations);
  single(out, "rotation_failures_total", "counter", "Rotations and destructions that failed.", rotation_failures);
  single(out, "destructions_total", "counter", "KEK versions destroyed when their wait was over.", destructions);
  single(out, "anomalies_total", "counter", "Findings of the anomaly detector.", anomalies);
  single(out, "webhook_failures_total", "counter", "Findings that the webhook didn't take.", webhook_failures);
  single(out, "store_errors_total", "counter", "Times the store couldn't be read or written in the background.",
         store_errors);
  single(out, "reloads_total", "counter", "Configurations taken over.", reloads);
  single(out, "reload_failures_total", "counter", "Configurations refused.", reload_failures);
  single(out, "ready", "gauge", "1 when requests are served.", now.ready ? 1 : 0);
  single(out, "bundle_sequence", "gauge", "Changes of the trust bundle so far.", now.bundle_sequence);
  single(out, "own_certificate_expiry_seconds", "gauge", "When the server's own certificate ends, as unix time.",
         static_cast<std::uint64_t>(std::max<std::int64_t>(now.svid_not_after, 0)));
  single(out, "workload_svids_total", "counter", "X.509-SVIDs issued by the Workload API.", workload_svids);
  single(out, "workload_tokens_total", "counter", "JWT-SVIDs issued by the Workload API.", workload_tokens);
  single(out, "workload_refused_total", "counter", "Calls of the Workload API that got nothing.", workload_refused);
  single(out, "registration_entries", "gauge", "Registration entries.", now.entries);
  single(out, "federated_bundles", "gauge", "Trust domains whose bundle is known.", now.federated_bundles);
  single(out, "federation_failures_total", "counter", "Bundles that couldn't be fetched.", federation_failures);
  single(out, "collateral_fetched_total", "counter", "Pieces of collateral that vendors gave.", collateral_fetched);
  single(out, "collateral_failures_total", "counter", "Pieces that couldn't be fetched, and times none could be read.",
         collateral_failures);
  single(out, "collateral_not_asked_total", "counter", "Pieces that evidence needed beyond its sender's budget.",
         collateral_not_asked);
  single(out, "denied_identities", "gauge", "Identities on the deny list.", now.denied_ids);
  return out;
}

}  // namespace cloister::daemon
