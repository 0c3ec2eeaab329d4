// Rows of a path matrix as facts.
#include "posture/collect/paths/path_collector.h"

#include <algorithm>
#include <array>

#include "posture/subjects.h"
#include "probe/path/cloud_facts.h"

namespace cloister::posture {
namespace {

namespace path = probe::path;

constexpr std::string_view kCollector = "paths/1";
constexpr std::size_t kRawMax = std::size_t{64} << 10;
Fact base_fact(std::string kind, Subject subject, std::size_t items, Time now) {
  Fact fact;
  fact.kind = std::move(kind);
  fact.subject = std::move(subject);
  fact.collector = std::string(kCollector);
  fact.scope = "the estate's graph and " + std::to_string(items) + " files of evidence";
  fact.at = now;
  fact.valid_until = now + kProbeValid;
  return fact;
}

std::string raw_of(const path::Report& report, const path::Row& row) {
  std::string raw;
  for (const std::string& reason : row.reasons) raw += "reason: " + reason + "\n";
  for (const std::size_t position : row.statements) {
    const path::Statement& statement = report.statements[position];
    raw += std::string(name_of(statement.source)) + " " + std::string(name_of(statement.claim)) + " " +
           to_rfc3339(statement.begin) + " " + to_rfc3339(statement.end) +
           (statement.detail.empty() ? "" : " " + statement.detail) + "\n";
    if (raw.size() > kRawMax) break;
  }
  return raw;
}

Fact edge_fact(const path::Graph& graph, const path::Report& report, const path::Row& row, Fact fact) {
  const Time seen = std::min(row.end.value_or(fact.at), fact.at);
  fact.valid_until = seen + kProbeValid;
  fact.raw = raw_of(report, row);
  if (row.verdict == path::Verdict::kUnknown && row.edge) {
    fact.not_assessed = row.reasons.empty() ? "there is no evidence" : row.reasons.front();
    return fact;
  }
  std::vector<std::string> classes;
  for (const path::Source source : row.classes) classes.emplace_back(name_of(source));
  const bool fabric = row.transport == path::Transport::kRdma || (row.edge && is_fabric(graph.edges[*row.edge]));
  const bool by_provider = row.provider.has_value();
  fact.values = {{"verdict", std::string(name_of(row.verdict))},
                 {"outcome", std::string(name_of(row.outcome))},
                 {"classes", std::move(classes)},
                 {"undeclared", !row.edge.has_value()},
                 {"fabric", fabric},
                 {"provider_default_only", row.verdict == path::Verdict::kProviderOnly},
                 {"provider_verified", by_provider && row.outcome == path::Outcome::kPass}};
  return fact;
}

}  // namespace

std::vector<Fact> path_facts(const path::Graph& graph, const path::Report& report, Time now) {
  std::size_t items = 0;
  for (const path::Statement& statement : report.statements) items = std::max(items, statement.item + 1);
  std::vector<Fact> facts;
  for (const path::Row& row : report.rows) {
    const Subject subject = row.edge ? edge_subject(graph, graph.edges[*row.edge])
                                     : edge_subject(row.from, row.to, row.transport, row.port);
    facts.push_back(edge_fact(graph, report, row, base_fact("path.edge", subject, items, now)));
  }
  Fact matrix = base_fact("path.matrix", {}, items, now);
  const auto counts = report.counts();
  const auto count = [&](path::Outcome outcome) {
    return static_cast<std::int64_t>(counts[static_cast<std::size_t>(outcome)]);
  };
  matrix.values = {{"edges", static_cast<std::int64_t>(report.rows.size())},
                   {"passed", count(path::Outcome::kPass)},
                   {"excepted", count(path::Outcome::kExcepted)},
                   {"unproven", count(path::Outcome::kUnproven)},
                   {"failed", count(path::Outcome::kFail)},
                   {"findings", report.findings}};
  facts.push_back(std::move(matrix));
  return facts;
}

void PathCollector::collect(const CollectContext& context, FactSink& sink) {
  const path::Graph& graph = context.estate->graph;
  const auto blind = [&](const std::string& why) {
    for (const path::Edge& edge : graph.edges) {
      Fact fact = base_fact("path.edge", edge_subject(graph, edge), items_.size(), context.now);
      fact.not_assessed = why;
      sink.add(std::move(fact));
    }
  };
  Result<std::vector<path::Statement>> statements = path::read_statements(items_);
  if (!statements.ok()) return blind(statements.error().message());
  const auto cloud_facts = path::parse_cloud_facts(path::built_in_cloud_facts());
  if (!cloud_facts.ok()) return blind(cloud_facts.error().message());
  const path::Report report =
      path::judge(graph, std::move(*statements), path::provider_of_edges(graph, *cloud_facts), context.now);
  for (Fact& fact : path_facts(graph, report, context.now)) sink.add(std::move(fact));
}

}  // namespace cloister::posture
