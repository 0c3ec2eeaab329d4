// Halves of receipts put together: which connections were proven by both ends, and where the ends tell different
// stories.
#pragma once

#include <string>
#include <vector>

#include "mesh/receipt/receipt.h"

namespace cloister::mesh {

enum class Pairing {
  kProven,         // both halves verify and agree
  kOneSided,       // the other half isn't there: its end claims a peer that hasn't said so
  kContradictory,  // the halves disagree, or one doesn't verify
};
std::string_view name_of(Pairing pairing);  // "proven", "one-sided", "contradictory"

// A connection, by its exporter: no two have the same.
struct PairedConnection {
  Pairing pairing = Pairing::kOneSided;
  std::string why;              // empty when it is proven
  std::vector<Receipt> halves;  // client first, where it is there
};

// Every receipt ends up in exactly one connection. Those that don't verify against `bundles` contradict whatever they
// say. In the order in which connections began.
std::vector<PairedConnection> pair_receipts(std::vector<Receipt> receipts, const identity::BundleSet& bundles);

}  // namespace cloister::mesh
