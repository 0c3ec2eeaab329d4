#include "probe/path/report_json.h"

#include "base/json.h"

namespace cloister::probe::path {
namespace {

JsonValue::Array texts(const std::vector<std::string>& lines) {
  JsonValue::Array list;
  for (const std::string& line : lines) list.emplace_back(line);
  return list;
}

JsonValue::Object provider_json(const ProviderSays& provider) {
  JsonValue::Object object = {{"encrypts", provider.encrypts}, {"statement", provider.statement}};
  if (!provider.operator_must.empty()) object.emplace_back("operator_must", provider.operator_must);
  object.emplace_back("source", provider.source);
  object.emplace_back("retrieved", to_rfc3339(provider.retrieved));
  return object;
}

JsonValue::Array evidence_json(const Report& report, const Row& row) {
  JsonValue::Array list;
  for (const std::size_t position : row.statements) {
    const Statement& statement = report.statements[position];
    JsonValue::Object object = {{"class", std::string(name_of(statement.source))},
                                {"claim", std::string(name_of(statement.claim))},
                                {"item", std::uint64_t{statement.item}},
                                {"begin", to_rfc3339(statement.begin)},
                                {"end", to_rfc3339(statement.end)}};
    if (statement.flows != 0) object.emplace_back("flows", statement.flows);
    if (statement.claim == Claim::kEncrypted || statement.claim == Claim::kEnforced) {
      object.emplace_back("protection", std::string(name_of(statement.protection)));
    }
    if (statement.tls_version != 0) object.emplace_back("tls_version", tls_version_text(statement.tls_version));
    if (!statement.detail.empty()) object.emplace_back("detail", statement.detail);
    list.emplace_back(std::move(object));
  }
  return list;
}

JsonValue::Object row_json(const Report& report, const Row& row) {
  JsonValue::Object object = {{"from", row.from},
                              {"to", row.to},
                              {"transport", std::string(name_of(row.transport))},
                              {"port", std::uint64_t{row.port}}};
  if (row.port_last != row.port) object.emplace_back("port_last", std::uint64_t{row.port_last});
  object.emplace_back("declared", row.edge.has_value());
  object.emplace_back("verdict", std::string(name_of(row.verdict)));
  object.emplace_back("outcome", std::string(name_of(row.outcome)));
  JsonValue::Array classes;
  for (const Source source : row.classes) classes.emplace_back(std::string(name_of(source)));
  object.emplace_back("classes", std::move(classes));
  object.emplace_back("reasons", texts(row.reasons));
  if (!row.advice.empty()) object.emplace_back("advice", texts(row.advice));
  if (row.flows != 0) object.emplace_back("flows", row.flows);
  if (row.begin) object.emplace_back("seen_from", to_rfc3339(*row.begin));
  if (row.end) object.emplace_back("seen_until", to_rfc3339(*row.end));
  if (row.provider) object.emplace_back("provider", provider_json(*row.provider));
  object.emplace_back("evidence", evidence_json(report, row));
  return object;
}

JsonValue::Object matrix_cell(std::string from, std::string to, const Cell& cell) {
  return {{"from", std::move(from)},
          {"to", std::move(to)},
          {"verdict", std::string(name_of(cell.verdict))},
          {"outcome", std::string(name_of(cell.outcome))},
          {"edges", std::uint64_t{cell.rows}},
          {"undeclared", std::uint64_t{cell.undeclared}}};
}

}  // namespace

std::string report_json(const Report& report) {
  JsonValue::Object summary;
  const auto counts = report.counts();
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    summary.emplace_back(std::string(name_of(static_cast<Outcome>(i))), std::uint64_t{counts[i]});
  }
  JsonValue::Array rows, matrix;
  for (const Row& row : report.rows) rows.emplace_back(row_json(report, row));
  for (const auto& [pair, cell] : cells(report)) {
    matrix.emplace_back(matrix_cell(report.components[pair.first], report.components[pair.second], cell));
  }
  const JsonValue::Object unused = {{"expired", report.expired},
                                    {"from_the_future", report.from_the_future},
                                    {"outside", report.outside},
                                    {"inside", report.inside},
                                    {"ambiguous", report.ambiguous}};
  return JsonValue(JsonValue::Object{{"graph", report.graph_id},
                                     {"at", to_rfc3339(report.at)},
                                     {"passes", report.passes()},
                                     {"summary", std::move(summary)},
                                     {"components", texts(report.components)},
                                     {"matrix", std::move(matrix)},
                                     {"edges", std::move(rows)},
                                     {"findings", texts(report.findings)},
                                     {"statements", std::uint64_t{report.statements.size()}},
                                     {"unused", unused}})
      .serialize();
}

}  // namespace cloister::probe::path
