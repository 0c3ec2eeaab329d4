// The files that the verbs of `cloister paths` are given: the graph, and evidence in files and folders.
#pragma once

#include <string>
#include <vector>

#include "probe/path/evidence_item.h"
#include "probe/path/graph.h"

namespace cloister::cli {

struct GraphFile {
  Bytes content;
  probe::path::Graph graph;
};
Result<GraphFile> read_graph(const std::string& path);

struct EvidenceOptions {
  std::vector<std::string> paths;    // files, and folders whose files are all taken
  std::vector<std::string> bundles;  // TRUST-DOMAIN=FILE
};
// In the order of their names, so that the same files give the same evidence. kUnsupported for a file that is no
// evidence: what was meant to be some must not be passed over.
Result<std::vector<probe::path::Item>> read_items(const EvidenceOptions& options);

}  // namespace cloister::cli
