// Subjects by the names that the estate and the facts give them.
#include "posture/subjects.h"

#include <algorithm>
#include <array>

namespace cloister::posture {
namespace {

using probe::path::Transport;

constexpr std::array<std::string_view, 16> kFabrics = {"nccl", "rccl",       "gloo",   "mpi",     "ucx",   "rdma",
                                                       "roce", "infiniband", "nvlink", "nvme-of", "iscsi", "nfs",
                                                       "ceph", "lustre",     "beegfs", "gpfs"};

std::string edge_id(std::string_view from, std::string_view to, Transport transport, std::uint16_t first,
                    std::uint16_t last) {
  std::string id = std::string(from) + ">" + std::string(to) + "/" + std::string(probe::path::name_of(transport));
  if (transport != Transport::kRdma) id += "/" + std::to_string(first);
  if (last != first) id += "-" + std::to_string(last);
  return id;
}

void sort_once(std::vector<Subject>& subjects) {
  std::ranges::sort(subjects);
  const auto twice = std::ranges::unique(subjects);
  subjects.erase(twice.begin(), twice.end());
}

}  // namespace

Subject edge_subject(const probe::path::Graph& graph, const probe::path::Edge& edge) {
  return {SubjectKind::kEdge, edge_id(graph.components[edge.from].name, graph.components[edge.to].name, edge.transport,
                                      edge.port, edge.port_last)};
}

Subject edge_subject(std::string_view from, std::string_view to, Transport transport, std::uint16_t port) {
  return {SubjectKind::kEdge, edge_id(from, to, transport, port, port)};
}

bool is_fabric(const probe::path::Edge& edge) {
  return edge.transport == Transport::kRdma || std::ranges::find(kFabrics, edge.protocol) != kFabrics.end();
}

std::vector<Subject> declared_subjects(const Estate& estate) {
  std::vector<Subject> out;
  for (const Location& location : estate.locations) out.push_back({SubjectKind::kLocation, location.name});
  for (const Workload& workload : estate.workloads) out.push_back({SubjectKind::kWorkload, workload.name});
  for (const Endpoint& endpoint : estate.endpoints) out.push_back({SubjectKind::kEndpoint, endpoint.name});
  for (const DeclaredKey& key : estate.keys) out.push_back({SubjectKind::kKey, key.name});
  for (const auto& edge : estate.graph.edges) out.push_back(edge_subject(estate.graph, edge));
  sort_once(out);
  return out;
}

bool in_inventory(SubjectKind kind) {
  using enum SubjectKind;
  return kind == kLocation || kind == kWorkload || kind == kEndpoint || kind == kEdge || kind == kKey;
}

std::vector<Subject> known_subjects(const View& view) {
  std::vector<Subject> out = declared_subjects(view.estate());
  for (const Fact* fact : view.newest()) {
    if (in_inventory(fact->subject.kind)) out.push_back(fact->subject);
  }
  sort_once(out);
  return out;
}

}  // namespace cloister::posture
