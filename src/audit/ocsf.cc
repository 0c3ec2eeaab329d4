#include "audit/ocsf.h"

#include <arpa/inet.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/merkle.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchemaVersion = "1.3.0";
constexpr int kCategory = 6;  // Application Activity
constexpr int kClass = 6003;  // API Activity

struct Activity {
  int id;
  std::string_view name;
};
constexpr Activity kCreate{1, "Create"};
constexpr Activity kRead{2, "Read"};
constexpr Activity kUpdate{3, "Update"};
constexpr Activity kDelete{4, "Delete"};
constexpr int kOther = 99;
// For what the schema requires and the record doesn't say.
constexpr std::string_view kUnknown = "unknown";

struct Verb {
  std::string_view verb;
  Activity activity;
};
// By the part of an action after its last dot. Sealing creates an object; opening, unlocking and exporting read.
constexpr Verb kVerbs[] = {
    {"add", kCreate},
    {"create", kCreate},
    {"import", kCreate},
    {"seal", kCreate},
    {"cat", kRead},
    {"export", kRead},
    {"inspect", kRead},
    {"open", kRead},
    {"unlock", kRead},
    {"verify", kRead},
    {"add_recipient", kUpdate},
    {"append", kUpdate},
    {"cancel_destruction", kUpdate},
    {"default", kUpdate},
    {"disable", kUpdate},
    {"enable", kUpdate},
    {"move", kUpdate},
    {"rekey", kUpdate},
    {"rewrap", kUpdate},
    {"rotate", kUpdate},
    {"schedule_destruction", kUpdate},
    {"set_rotation", kUpdate},
    {"destroy", kDelete},
    {"destroy_immediately", kDelete},
    {"remove", kDelete},
};

Activity activity_of(std::string_view action) {
  const std::string_view verb = action.substr(action.rfind('.') + 1);
  const auto* found = std::ranges::find(kVerbs, verb, &Verb::verb);
  // The schema asks for the source's own name of an activity it has no number for.
  return found == std::end(kVerbs) ? Activity{kOther, action} : found->activity;
}

bool is_ip_address(const std::string& text) {
  unsigned char raw[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, text.c_str(), raw) == 1 || ::inet_pton(AF_INET6, text.c_str(), raw) == 1;
}

Json source_endpoint(const Extras& extras) {
  const auto source = extras.text(Extra::kSource);
  if (!source) return Json{{"name", kUnknown}};
  std::string text(*source);
  const std::string_view attribute = is_ip_address(text) ? "ip" : "name";
  return Json{{attribute, std::move(text)}};
}

Json actor_of(const LogRecord& record) {
  const std::string& name = record.event().actor;
  Json actor{{"user", {{"name", name.empty() ? kUnknown : std::string_view(name)}}}};
  const auto policy = record.extras().text(Extra::kPolicy);
  if (policy) {
    actor["authorizations"] =
        Json::array({{{"decision", outcome_name(record.event().outcome)}, {"policy", {{"uid", *policy}}}}});
  }
  return actor;
}

Json api_of(const LogRecord& record) {
  Json api{{"operation", record.event().action}};
  if (const auto request = record.extras().text(Extra::kRequestId)) api["request"] = {{"uid", *request}};
  if (const auto server = record.extras().text(Extra::kServer)) api["service"] = {{"name", *server}};
  return api;
}

Json metadata_of(const LogRecord& record, const OcsfOptions& options) {
  Json metadata{{"version", kSchemaVersion},
                {"product", {{"name", "Cloister"}, {"vendor_name", "Cloister"}, {"version", options.product_version}}},
                {"log_name", options.origin},
                {"uid", options.origin + "#" + std::to_string(record.index())},
                {"sequence", record.index()}};
  if (!record.event().tenant.empty()) metadata["tenant_uid"] = record.event().tenant;
  return metadata;
}

bool has_a_place(std::uint16_t type) {
  const auto extra = static_cast<Extra>(type);
  return extra == Extra::kRequestId || extra == Extra::kServer || extra == Extra::kSource || extra == Extra::kPolicy;
}

Json unmapped_of(const LogRecord& record) {
  Json unmapped{{"leaf", to_hex(leaf_hash(record.encode()))}};
  for (const auto& [type, value] : record.extras().values()) {
    if (has_a_place(type)) continue;
    const ExtraField* field = find_extra(type);
    const std::string name = field == nullptr ? "type-" + std::to_string(type) : std::string(field->name);
    if (field != nullptr && field->kind == ExtraKind::kText) {
      unmapped[name] = as_text(value);
    } else if (field != nullptr && field->kind == ExtraKind::kNumber) {
      unmapped[name] = load_le<std::uint64_t>(value.data());
    } else {
      unmapped[name] = to_hex(value);
    }
  }
  return unmapped;
}

}  // namespace

std::string ocsf_api_activity(const LogRecord& record, const OcsfOptions& options) {
  const Event& event = record.event();
  const bool allowed = event.outcome == Outcome::kAllowed;
  const Activity activity = activity_of(event.action);
  Json json{{"activity_id", activity.id},
            {"activity_name", activity.name},
            {"category_uid", kCategory},
            {"category_name", "Application Activity"},
            {"class_uid", kClass},
            {"class_name", "API Activity"},
            {"type_uid", kClass * 100 + activity.id},
            {"time", event.time.unix_ms},
            // A record doesn't weigh what it records: 1 is informational, 0 unknown.
            {"severity_id", allowed ? 1 : 0},
            {"status_id", allowed ? 1 : 2},
            {"status", allowed ? "Success" : "Failure"},
            {"status_code", outcome_name(event.outcome)}};
  if (!event.detail.empty()) json["status_detail"] = event.detail;
  json["metadata"] = metadata_of(record, options);
  json["actor"] = actor_of(record);
  json["api"] = api_of(record);
  json["src_endpoint"] = source_endpoint(record.extras());
  if (!event.subject.empty()) json["resources"] = Json::array({{{"name", event.subject}}});
  json["unmapped"] = unmapped_of(record);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cloister::audit
