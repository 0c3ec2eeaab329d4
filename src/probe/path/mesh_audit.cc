#include "probe/path/mesh_audit.h"

#include <charconv>

#include "base/json.h"

namespace cloister::probe::path {
namespace {

constexpr JsonLimits kLimits = {kEvidenceFileSizeMax, 12, 1'000'000};

std::string text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* found = object.find(name);
  return found == nullptr || found->string() == nullptr ? std::string() : *found->string();
}

void add_mode(std::string_view mode, std::uint16_t port, const Statement& about, std::vector<Statement>& statements) {
  Statement statement = about;
  statement.port = port;
  if (mode == "strict") {
    statement.claim = Claim::kEnforced;
    statement.protection = Protection::kMutualTls;
  } else if (mode == "permissive" || mode == "disabled") {
    statement.claim = Claim::kBypass;
  } else {
    return;
  }
  statement.detail = plain_detail(std::string(mode) + (about.detail.empty() ? "" : " by " + about.detail));
  statements.push_back(std::move(statement));
}

Result<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && port != 0) return port;
  return Error(Code::kInvalid, "a port of a workload isn't a number from 1 to 65535");
}

}  // namespace

Result<std::vector<Statement>> parse_mesh_audit(std::string_view json) {
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  if (text_of(document, "format") != kMeshAuditFormat) {
    return Error(Code::kInvalid, "its format isn't " + std::string(kMeshAuditFormat));
  }
  const JsonValue* workloads = document.find("workloads");
  if (workloads == nullptr || workloads->array() == nullptr) return Error(Code::kInvalid, "workloads isn't a list");
  Statement about;
  about.source = Source::kConfiguration;
  CLOISTER_TRY(about.begin, parse_rfc3339(text_of(document, "time")).with_context("time"));
  about.end = about.begin;
  std::vector<Statement> statements;
  for (const JsonValue& workload : *workloads->array()) {
    about.to.workload = text_of(workload, "namespace") + "/" + text_of(workload, "name");
    about.detail = text_of(workload, "because");
    add_mode(text_of(workload, "mode"), 0, about, statements);
    const JsonValue* ports = workload.find("ports");
    if (ports == nullptr || ports->object() == nullptr) continue;
    for (const auto& [port, mode] : *ports->object()) {
      CLOISTER_TRY(const std::uint16_t number, port_of(port));
      if (mode.string() != nullptr) add_mode(*mode.string(), number, about, statements);
    }
  }
  return statements;
}

}  // namespace cloister::probe::path
