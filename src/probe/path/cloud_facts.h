// What clouds say of the networks between their machines: a dated table with a source for each row, and which row an
// edge is about. cloud_facts.toml is the table that is built in.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "probe/path/verdict.h"

namespace cloister::probe::path {

struct CloudFact {
  std::string cloud;
  std::string path;  // "same-zone", "zone-to-zone", "region-to-region", "load-balancer", "transit", "gpu-fabric"
  ProviderSays says;
};

std::string_view built_in_cloud_facts();
// kInvalid, "line 12: …", for what isn't such a table.
Result<std::vector<CloudFact>> parse_cloud_facts(std::string_view text);

// For each edge of the graph in its order: the row about the network under it; nothing where its ends aren't in one
// cloud, or where the table has no such row.
std::vector<std::optional<ProviderSays>> provider_of_edges(const Graph& graph, const std::vector<CloudFact>& facts);

}  // namespace cloister::probe::path
