#include "posture/collect/local/sockets_collector.h"

#include <algorithm>
#include <set>

#include "net/address.h"
#include "posture/inventory.h"

namespace cloister::posture {
namespace {

namespace path = probe::path;

constexpr std::string_view kName = "sockets/1";

// The declared endpoint that a listening socket is: its address is that of the endpoint, or every address; an endpoint
// that is declared by a host's name is known by its port alone.
const Endpoint* endpoint_of(const Estate& estate, const path::Socket& socket) {
  for (const Endpoint& endpoint : estate.endpoints) {
    const auto address = net::parse_tcp_address(endpoint.address);
    if (!address.ok() || address->port != socket.local_port) continue;
    const auto ip = path::IpAddress::parse(address->host);
    if (!ip.ok() || socket.local.is_unspecified() || *ip == socket.local) return &endpoint;
  }
  return nullptr;
}

// Reached by components, as the graph declares it.
bool is_edge_port(const path::Graph& graph, const path::Socket& socket) {
  return std::ranges::any_of(graph.edges, [&](const path::Edge& edge) {
    if (edge.port == 0 || socket.local_port < edge.port || socket.local_port > edge.port_last) return false;
    const path::Component& to = graph.components[edge.to];
    const auto& programs = to.executables;
    const bool its_program = std::ranges::find(programs, socket.executable) != programs.end();
    const bool its_address =
        std::ranges::any_of(to.addresses, [&](const path::Network& network) { return network.contains(socket.local); });
    return its_program || its_address || (socket.local.is_unspecified() && programs.empty());
  });
}

std::string address_text(const path::Socket& socket) {
  return net::TcpAddress{socket.local.to_string(), socket.local_port}.to_string();
}

}  // namespace

std::vector<Fact> socket_facts(const Estate& estate, const path::SocketInventory& inventory, Time now) {
  const std::string scope = "sockets of " + inventory.host + ", one network namespace";
  std::vector<Fact> facts;
  std::set<std::string> ports, programs;
  for (const path::Socket& socket : inventory.sockets) {
    if (!socket.executable.empty()) programs.insert(socket.executable);
    if (!socket.listening) continue;
    const Endpoint* endpoint = endpoint_of(estate, socket);
    const bool only_inside = socket.local.is_loopback() || is_edge_port(estate.graph, socket);
    if (endpoint == nullptr && only_inside) continue;
    const std::string address = address_text(socket);
    if (!ports.insert(address).second) continue;
    const Subject subject = {SubjectKind::kEndpoint, endpoint == nullptr ? address : endpoint->name};
    facts.push_back(seen_fact(kName, scope, subject, address, now));
    facts.back().raw = socket.executable;
  }
  for (const Workload& workload : estate.workloads) {
    const path::Component* component = estate.graph.find(workload.name);
    if (component == nullptr) continue;
    const auto runs = [&](const std::string& program) { return programs.contains(program); };
    if (!std::ranges::any_of(component->executables, runs)) continue;
    facts.push_back(seen_fact(kName, scope, {SubjectKind::kWorkload, workload.name}, "", now));
  }
  facts.push_back(source_fact(kName, scope, "sockets", static_cast<std::int64_t>(inventory.sockets.size()), now));
  return facts;
}

void SocketsCollector::collect(const CollectContext& context, FactSink& sink) {
  const auto inventory = path::read_sockets(context.now);
  if (!inventory.ok()) {
    sink.add(unread_source_fact(kName, "sockets of this machine", inventory.error().message(), context.now));
    return;
  }
  for (Fact& fact : socket_facts(*context.estate, *inventory, context.now)) sink.add(std::move(fact));
}

}  // namespace cloister::posture
