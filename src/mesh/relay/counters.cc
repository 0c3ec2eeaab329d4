#include "mesh/relay/counters.h"

#include <algorithm>

namespace cloister::mesh {
namespace {

constexpr std::array<std::string_view, kRelayRefusals> kRefusalNames = {
    "plaintext", "identity", "tls",         "by-peer", "target", "destination",
    "user",      "time",     "connections", "address", "peer",   "handshakes"};
constexpr std::array<std::string_view, kRelayEnds> kEndNames = {"finished", "reset",   "broken",    "idle",
                                                                "time",     "drained", "disallowed"};

void family(std::string& out, std::string_view name, std::string_view kind, std::string_view help) {
  out += "# HELP cloister_relay_" + std::string(name) + " " + std::string(help) + "\n";
  out += "# TYPE cloister_relay_" + std::string(name) + " " + std::string(kind) + "\n";
}

void single(std::string& out, std::string_view name, std::string_view kind, std::string_view help,
            std::uint64_t value) {
  family(out, name, kind, help);
  out += "cloister_relay_" + std::string(name) + " " + std::to_string(value) + "\n";
}

template <std::size_t kCount>
void by_reason(std::string& out, std::string_view name, const std::array<std::string_view, kCount>& names,
               const std::array<std::uint64_t, kCount>& values) {
  for (std::size_t i = 0; i < kCount; ++i) {
    out += "cloister_relay_" + std::string(name) + "{reason=\"" + std::string(names[i]) + "\"} " +
           std::to_string(values[i]) + "\n";
  }
}

}  // namespace

std::string_view relay_refusal_name(RelayRefusal why) { return kRefusalNames[static_cast<std::size_t>(why)]; }
std::string_view relay_end_name(RelayEnd why) { return kEndNames[static_cast<std::size_t>(why)]; }

void RelayCounterShard::add_to(RelayCounters& sum) const {
  const auto read = [](const Count& count) { return count.load(std::memory_order_relaxed); };
  const std::uint64_t gone = read(over);  // first: a connection is never over before it was accepted
  sum.accepted += read(accepted);
  sum.active += read(accepted) - gone;
  sum.handshakes += read(handshakes);
  sum.sent += read(sent);
  sum.received += read(received);
  for (std::size_t i = 0; i < kRelayRefusals; ++i) sum.refused[i] += read(refused[i]);
  for (std::size_t i = 0; i < kRelayEnds; ++i) sum.ended[i] += read(ended[i]);
}

std::string prometheus_text(const RelayCounters& counters, const RelayGauges& gauges) {
  std::string out;
  single(out, "connections", "gauge", "Connections that stand.", counters.active);
  single(out, "connections_total", "counter", "Connections accepted.", counters.accepted);
  single(out, "handshakes_total", "counter", "TLS handshakes done, both ends proven.", counters.handshakes);
  single(out, "sent_bytes_total", "counter", "Bytes of workloads sent through TLS.", counters.sent);
  single(out, "received_bytes_total", "counter", "Bytes of workloads received through TLS.", counters.received);
  family(out, "refused_total", "counter", "Connections that were never relayed, by reason.");
  by_reason(out, "refused_total", kRefusalNames, counters.refused);
  family(out, "ended_total", "counter", "Connections that were relayed, by how they ended.");
  by_reason(out, "ended_total", kEndNames, counters.ended);
  single(out, "own_certificate_expiry_seconds", "gauge", "When the relay's own certificate ends, as unix time.",
         static_cast<std::uint64_t>(std::max<std::int64_t>(gauges.svid_not_after, 0)));
  single(out, "identity_changes_total", "counter", "Times the identity was replaced.", gauges.identity_changes);
  single(out, "identity_failures_total", "counter", "Times a new identity couldn't be used.", gauges.identity_failures);
  single(out, "reloads_total", "counter", "Configurations taken over.", gauges.reloads);
  single(out, "reload_failures_total", "counter", "Configurations refused.", gauges.reload_failures);
  single(out, "receipts_total", "counter", "Receipts written.", gauges.receipts_written);
  single(out, "receipts_lost_total", "counter", "Receipts that couldn't be written.", gauges.receipts_lost);
  return out;
}

}  // namespace cloister::mesh
