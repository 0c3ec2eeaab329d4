#include "probe/certificate/log_list.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/hash.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kLogsMax = 1024;
constexpr JsonLimits kLimits{std::size_t{4} << 20, 12, 262'144};
constexpr std::pair<std::string_view, LogState> kStates[] = {
    {"usable", LogState::kUsable},   {"qualified", LogState::kQualified}, {"readonly", LogState::kReadOnly},
    {"retired", LogState::kRetired}, {"pending", LogState::kPending},     {"rejected", LogState::kRejected},
};

std::string text_of(const JsonValue& value, std::string_view name) {
  const JsonValue* member = value.find(name);
  const std::string* text = member == nullptr ? nullptr : member->string();
  return text == nullptr ? "" : *text;
}

void read_state(const JsonValue& value, CtLog& log) {
  const JsonValue* states = value.find("state");
  if (states == nullptr) return;
  for (const auto& [name, state] : kStates) {
    const JsonValue* one = states->find(name);
    if (one == nullptr) continue;
    log.state = state;
    const auto since = parse_rfc3339(text_of(*one, "timestamp"));
    if (since.ok()) log.state_since = *since;
  }
}

// Nothing for a key of a kind that isn't used here.
Result<std::optional<CtLog>> read_log(const JsonValue& value, const std::string& operator_name, bool tiled) {
  const std::string name = text_of(value, "description");
  CLOISTER_TRY(const Bytes spki, from_base64(text_of(value, "key")));
  CLOISTER_TRY(const Bytes id, from_base64(text_of(value, "log_id")));
  const crypto::Sha256Digest digest = crypto::sha256(spki);
  if (!equal(id, digest)) return Error(Code::kInvalid, "the id of log " + name + " isn't its key's hash");
  auto key = crypto::PublicKey::from_spki(spki);
  if (!key.ok()) return std::optional<CtLog>();
  const std::string url = text_of(value, tiled ? "monitoring_url" : "url");
  CtLog log{name, operator_name, digest, std::move(key).value(), tiled, LogState::kUnknown, std::nullopt, url};
  read_state(value, log);
  return std::optional(std::move(log));
}

Status read_logs(const JsonValue& operator_value, std::string_view member, bool tiled, std::vector<CtLog>& logs) {
  const JsonValue* list = operator_value.find(member);
  if (list == nullptr) return {};
  if (list->array() == nullptr) return Error(Code::kInvalid, "an operator's logs aren't a list");
  for (const JsonValue& value : *list->array()) {
    if (logs.size() == kLogsMax) return Error(Code::kInvalid, "a list of logs has too many of them");
    CLOISTER_TRY(auto log, read_log(value, text_of(operator_value, "name"), tiled));
    if (log) logs.push_back(std::move(*log));
  }
  return {};
}

}  // namespace

std::string_view name_of(LogState state) {
  const auto* known = std::ranges::find(kStates, state, &std::pair<std::string_view, LogState>::second);
  return known == std::end(kStates) ? "unknown" : known->first;
}

Result<LogList> LogList::parse(std::string_view json) {
  CLOISTER_TRY(const JsonValue value, parse_json(json, kLimits));
  const JsonValue* operators = value.find("operators");
  if (operators == nullptr || operators->array() == nullptr) {
    return Error(Code::kInvalid, "a list of certificate logs has no operators");
  }
  LogList list;
  CLOISTER_TRY(list.made_at_, parse_rfc3339(text_of(value, "log_list_timestamp")));
  for (const JsonValue& one : *operators->array()) {
    CLOISTER_RETURN_IF_ERROR(read_logs(one, "logs", false, list.logs_));
    CLOISTER_RETURN_IF_ERROR(read_logs(one, "tiled_logs", true, list.logs_));
  }
  return list;
}

const CtLog* LogList::find(const std::array<std::uint8_t, 32>& id) const {
  const auto found = std::ranges::find(logs_, id, &CtLog::id);
  return found == logs_.end() ? nullptr : &*found;
}

}  // namespace cloister::probe
