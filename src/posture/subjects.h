// Every subject of an inventory: what coverage counts, over declared and seen together.
#pragma once

#include <vector>

#include "posture/estate.h"
#include "posture/view.h"

namespace cloister::posture {

// "from>to/tcp/443", "from>to/tcp/443-445", "from>to/rdma": the same from a declared edge and from one that was seen.
Subject edge_subject(const probe::path::Graph& graph, const probe::path::Edge& edge);
Subject edge_subject(std::string_view from, std::string_view to, probe::path::Transport transport, std::uint16_t port);

// What carries training traffic between accelerators, or storage: usually outside of the mesh. By transport or
// protocol.
bool is_fabric(const probe::path::Edge& edge);

// Locations, workloads, endpoints, edges and keys of the estate, sorted, each once.
std::vector<Subject> declared_subjects(const Estate& estate);
// Those, and the ones of the same kinds that any fact is about, too old or not.
std::vector<Subject> known_subjects(const View& view);

// Kinds that an inventory has: location, workload, endpoint, edge, key.
bool in_inventory(SubjectKind kind);

}  // namespace cloister::posture
