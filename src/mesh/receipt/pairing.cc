// Pairing by exporter, and what two halves must agree on.
#include "mesh/receipt/pairing.h"

#include <algorithm>
#include <map>

namespace cloister::mesh {
namespace {

// Clocks of two machines may be that far apart.
constexpr Duration kSkew = minutes(5);

std::string disagreement(const Receipt& client, const Receipt& server) {
  const ConnectionFacts &c = client.facts, &s = server.facts;
  if (client.own_id.uri() != s.peer_id || client.leaf() != s.peer_leaf) {
    return "the server saw another client than the one that signed";
  }
  if (server.own_id.uri() != c.peer_id || server.leaf() != c.peer_leaf) {
    return "the client saw another server than the one that signed";
  }
  if (c.protocol != s.protocol || c.cipher != s.cipher || c.group != s.group) {
    return "the ends name different versions, ciphers or groups";
  }
  if (c.received > s.sent || s.received > c.sent) return "one end received more than the other sent";
  if (c.orderly && s.orderly && (c.received != s.sent || s.received != c.sent)) {
    return "both ends ended in order, but not after the same bytes";
  }
  const auto apart = [](Time a, Time b) { return Duration{a < b ? b - a : a - b} > kSkew; };
  if (apart(c.begun, s.begun)) return "the ends say that it began at different times";
  return "";
}

PairedConnection judge(std::vector<Receipt> halves, const identity::BundleSet& bundles) {
  std::ranges::sort(halves, {}, [](const Receipt& half) { return half.facts.role; });
  PairedConnection connection;
  connection.pairing = Pairing::kContradictory;
  for (const Receipt& half : halves) {
    const Status verified = verify_receipt(half, bundles);
    if (verified.ok()) continue;
    connection.why = "the half of " + half.own_id.uri() + ": " + verified.error().message();
  }
  const bool two = halves.size() == 2 && halves[0].facts.role == ReceiptRole::kClient &&
                   halves[1].facts.role == ReceiptRole::kServer;
  if (!connection.why.empty()) {
  } else if (halves.size() == 1) {
    connection.pairing = Pairing::kOneSided;
    connection.why = "there is no receipt of " + halves[0].facts.peer_id;
  } else if (!two) {
    connection.why = "it has " + std::to_string(halves.size()) + " halves, or two of one role";
  } else {
    connection.why = disagreement(halves[0], halves[1]);
    if (connection.why.empty()) connection.pairing = Pairing::kProven;
  }
  connection.halves = std::move(halves);
  return connection;
}

}  // namespace

std::string_view name_of(Pairing pairing) {
  switch (pairing) {
    case Pairing::kProven: return "proven";
    case Pairing::kOneSided: return "one-sided";
    case Pairing::kContradictory: break;
  }
  return "contradictory";
}

std::vector<PairedConnection> pair_receipts(std::vector<Receipt> receipts, const identity::BundleSet& bundles) {
  std::map<net::ChannelBinding, std::vector<Receipt>> by_exporter;
  for (Receipt& receipt : receipts) by_exporter[receipt.facts.exporter].push_back(std::move(receipt));
  std::vector<PairedConnection> connections;
  for (auto& [exporter, halves] : by_exporter) connections.push_back(judge(std::move(halves), bundles));
  std::ranges::sort(connections, {}, [](const PairedConnection& one) { return one.halves.front().facts.begun; });
  return connections;
}

}  // namespace cloister::mesh
