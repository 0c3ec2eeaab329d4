#include "probe/path/attribution.h"

#include <algorithm>

namespace cloister::probe::path {
namespace {

template <typename Matches>
std::vector<std::size_t> all_where(const Graph& graph, const Matches& matches) {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < graph.components.size(); ++i) {
    if (matches(graph.components[i])) found.push_back(i);
  }
  return found;
}

// -1: not at that address.
int prefix_bits(const Component& component, const IpAddress& address) {
  int bits = -1;
  for (const Network& network : component.addresses) {
    if (network.contains(address)) bits = std::max(bits, static_cast<int>(network.prefix_bits()));
  }
  return bits;
}

std::vector<std::size_t> at_address(const Graph& graph, const IpAddress& address) {
  int longest = 0;
  for (const Component& component : graph.components) longest = std::max(longest, prefix_bits(component, address));
  return all_where(graph, [&](const Component& component) { return prefix_bits(component, address) == longest; });
}

bool runs(const Component& component, const std::string& executable) {
  return std::ranges::find(component.executables, executable) != component.executables.end();
}

// Who says by which program it is known isn't another program at the same address.
void narrow_by_executable(const Graph& graph, const std::string& executable, std::vector<std::size_t>& found) {
  const bool known = std::ranges::any_of(found, [&](std::size_t i) { return runs(graph.components[i], executable); });
  std::erase_if(found, [&](std::size_t i) {
    const Component& component = graph.components[i];
    return known ? !runs(component, executable) : !component.executables.empty();
  });
}

bool listens(const Graph& graph, std::size_t component, Transport transport, std::uint16_t port) {
  const auto& inside = graph.components[component].inside_ports;
  if (std::ranges::find(inside, port) != inside.end()) return true;
  return std::ranges::any_of(graph.edges, [&](const Edge& edge) {
    return edge.to == component && edge.transport == transport && edge.port <= port && port <= edge.port_last;
  });
}

}  // namespace

bool Candidates::has(std::size_t component) const {
  return std::ranges::find(components, component) != components.end();
}

Candidates candidates(const Graph& graph, const Party& party) {
  if (party.is_any()) return {true, {}};
  if (!party.component.empty()) {
    return {false, all_where(graph, [&](const Component& component) { return component.name == party.component; })};
  }
  if (party.spiffe_id) {
    return {false, all_where(graph, [&](const Component& component) {
              return std::ranges::find(component.spiffe_ids, *party.spiffe_id) != component.spiffe_ids.end();
            })};
  }
  if (!party.workload.empty()) {
    auto found = all_where(graph, [&](const Component& component) {
      return std::ranges::find(component.workloads, party.workload) != component.workloads.end();
    });
    if (!found.empty() || !party.address) return {false, std::move(found)};
  }
  if (!party.address) {
    return {false, all_where(graph, [&](const Component& component) { return runs(component, party.executable); })};
  }
  auto found = at_address(graph, *party.address);
  if (!party.executable.empty()) narrow_by_executable(graph, party.executable, found);
  return {false, std::move(found)};
}

Candidates listening(const Graph& graph, Candidates among, Transport transport, std::uint16_t port) {
  if (among.components.size() < 2 || port == 0) return among;
  Candidates narrowed = among;
  std::erase_if(narrowed.components, [&](std::size_t i) { return !listens(graph, i, transport, port); });
  return narrowed.components.empty() ? among : narrowed;
}

std::string label(const Graph& graph, const Candidates& candidates, const Party& party) {
  if (candidates.any || candidates.outside()) return party.to_string();
  std::string text;
  for (const std::size_t i : candidates.components) text += (text.empty() ? "" : "|") + graph.components[i].name;
  return text;
}

}  // namespace cloister::probe::path
