#include "probe/path/cloud_facts.h"

#include <algorithm>
#include <array>

#include "base/toml_fields.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, 7> kKeys = {"cloud",         "path",   "encrypts", "statement",
                                                   "operator_must", "source", "retrieved"};
constexpr std::array<std::string_view, 3> kClouds = {"aws", "azure", "google"};
constexpr std::array<std::string_view, 6> kPaths = {"same-zone",     "zone-to-zone", "region-to-region",
                                                    "load-balancer", "transit",      "gpu-fabric"};
constexpr std::array<std::string_view, 4> kEncrypts = {"always", "conditional", "no", "not-stated"};

Result<std::string> one_of(const TomlFields& fields, std::string_view key, std::span<const std::string_view> words) {
  CLOISTER_TRY(std::string text, fields.text(key));
  if (std::ranges::find(words, text) != words.end()) return text;
  return fields.error(fields.line_of(key),
                      "there is no " + std::string(key) + " \"" + text + "\"" + suggestion(text, words));
}

Result<CloudFact> parse_fact(const TomlTable& table) {
  const TomlFields fields(table, "[[fact]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CloudFact fact;
  CLOISTER_TRY(fact.cloud, one_of(fields, "cloud", kClouds));
  CLOISTER_TRY(fact.path, one_of(fields, "path", kPaths));
  CLOISTER_TRY(const std::string encrypts, one_of(fields, "encrypts", kEncrypts));
  fact.says.encrypts = encrypts == "always";
  CLOISTER_TRY(const std::string statement, fields.text("statement"));
  fact.says.statement = plain_detail(statement);
  CLOISTER_TRY(const auto operator_must, fields.optional_text("operator_must"));
  fact.says.operator_must = plain_detail(operator_must.value_or(""));
  CLOISTER_TRY(fact.says.source, fields.text("source"));
  if (!fact.says.source.starts_with("https://"))
    return fields.error(fields.line_of("source"), "source is an https URL");
  CLOISTER_TRY(fact.says.retrieved, fields.time("retrieved"));
  return fact;
}

// Empty: nobody can say.
std::string_view path_of(const Edge& edge, const Place& from, const Place& to) {
  if (from.cloud.empty() || from.cloud != to.cloud) return "";
  if (edge.transport == Transport::kRdma) return "gpu-fabric";
  if (!edge.via.empty()) return edge.via;
  if (from.region.empty() || to.region.empty()) return "";
  if (from.region != to.region) return "region-to-region";
  if (from.zone.empty() || to.zone.empty()) return "";
  return from.zone == to.zone ? "same-zone" : "zone-to-zone";
}

}  // namespace

Result<std::vector<CloudFact>> parse_cloud_facts(std::string_view text) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(text));
  if (!document.top.entries.empty()) return Error(Code::kInvalid, "line 1: every key belongs to a [[fact]]");
  std::vector<CloudFact> facts;
  for (const TomlTable& table : document.tables) {
    const std::string line = "line " + std::to_string(table.line) + ": ";
    if (table.name != "fact") return Error(Code::kInvalid, line + "there is no table [[" + table.name + "]]");
    CLOISTER_TRY(CloudFact fact, parse_fact(table));
    const auto same = [&](const CloudFact& other) { return other.cloud == fact.cloud && other.path == fact.path; };
    if (std::ranges::any_of(facts, same))
      return Error(Code::kInvalid, line + "that cloud and path have a fact already");
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<std::optional<ProviderSays>> provider_of_edges(const Graph& graph, const std::vector<CloudFact>& facts) {
  std::vector<std::optional<ProviderSays>> all;
  for (const Edge& edge : graph.edges) {
    const Place& from = graph.components[edge.from].place;
    const std::string_view path = path_of(edge, from, graph.components[edge.to].place);
    const auto found = std::ranges::find_if(
        facts, [&](const CloudFact& fact) { return fact.cloud == from.cloud && fact.path == path; });
    all.push_back(found == facts.end() ? std::nullopt : std::optional(found->says));
  }
  return all;
}

}  // namespace cloister::probe::path
