// Audit 2: every pair of components, from files of evidence (probe/path) and the estate's graph.
#pragma once

#include <vector>

#include "posture/collector.h"
#include "probe/path/evidence_item.h"
#include "probe/path/verdict.h"

namespace cloister::posture {

// What a matrix says of each edge, as facts of kind `path.edge`, and of all of them as one of kind `path.matrix`.
std::vector<Fact> path_facts(const probe::path::Graph& graph, const probe::path::Report& report, Time now);

// Asks nobody: what isn't in the items isn't known. Evidence that can't be read makes every edge not assessed.
class PathCollector final : public Collector {
 public:
  explicit PathCollector(std::vector<probe::path::Item> items) : items_(std::move(items)) {}
  std::string_view name() const override { return "paths/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<probe::path::Item> items_;
};

}  // namespace cloister::posture
