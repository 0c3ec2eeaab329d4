// Which component a piece of evidence is about. Pure.
#pragma once

#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

// Positions in Graph::components, ascending. Nobody, and not any: a party outside of the graph. Several: they share
// what the evidence knows of them, an address mostly.
struct Candidates {
  bool any = false;
  std::vector<std::size_t> components;

  bool outside() const { return !any && components.empty(); }
  bool has(std::size_t component) const;
};

// A name that is declared decides alone; then a SPIFFE ID, which nobody else can have, wherever it came from; then a
// workload; then the address, by its longest prefix, and the executable where both sides know it.
Candidates candidates(const Graph& graph, const Party& party);

// Of several at one address, those that have that port declared; all of them where none has.
Candidates listening(const Graph& graph, Candidates among, Transport transport, std::uint16_t port);

// "gateway", "gateway|trainer", "192.0.2.7", "any".
std::string label(const Graph& graph, const Candidates& candidates, const Party& party);

}  // namespace cloister::probe::path
