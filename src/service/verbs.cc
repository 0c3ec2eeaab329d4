#include "service/verbs.h"

#include <charconv>

#include "service/body_fields.h"

namespace cloister::service {
namespace {

Result<Reply> shown(const Show& show, Call& call, keys::Hierarchy& hierarchy, unsigned status) {
  Reply reply;
  reply.response.status = status;
  reply.response.headers.add("content-type", "application/json");
  JsonWriter json(reply.response.body);
  CLOISTER_RETURN_IF_ERROR(show(call, hierarchy, json));
  return reply;
}

}  // namespace

Act act_of(Show show) {
  return [show = std::move(show)](Call& call, keys::Hierarchy* hierarchy) -> Result<Reply> {
    return shown(show, call, *hierarchy, 200);
  };
}

Parsed change_of(Target target, Change change, Show show, unsigned status) {
  Parsed parsed;
  parsed.target = std::move(target);
  parsed.act = [change = std::move(change), show, status](Call& call, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_RETURN_IF_ERROR(change(call, *hierarchy));
    return shown(show, call, *hierarchy, status);
  };
  parsed.show = act_of(std::move(show));
  return parsed;
}

Route showing(policy::Operation operation, Show show) {
  Route route{"GET", "", Access::kPolicy, operation, Recording::kService, Work::kWorker, {}};
  route.parse = [show = std::move(show)](Call& call) -> Result<Parsed> {
    CLOISTER_RETURN_IF_ERROR(expect_bare(call));
    return Parsed{target_of_path(call), act_of(show), {}};
  };
  return route;
}

Route changing(policy::Operation operation, Change change, Show show) {
  Route route{"POST", "", Access::kPolicy, operation, Recording::kVerb, Work::kWorker, {}};
  route.parse = [change = std::move(change), show = std::move(show)](Call& call) -> Result<Parsed> {
    CLOISTER_TRY([[maybe_unused]] const BodyFields fields, BodyFields::parse(call.request, {}));
    CLOISTER_TRY([[maybe_unused]] const QueryFields query, QueryFields::parse(call.request, {}));
    return change_of(target_of_path(call), change, show);
  };
  return route;
}

Status change_recorded(keys::Store& store, keys::AuditEntry entry,
                       const std::function<Status(keys::Store::Change&)>& body) {
  Status changed = store.change(entry, body);
  if (changed.ok() || store.is_done(changed.error())) return changed;
  const Code code = changed.error().code();
  const bool failed = code == Code::kUnavailable || code == Code::kInternal || code == Code::kCorrupt;
  entry.event.outcome = failed ? audit::Outcome::kFailed : audit::Outcome::kRefused;
  entry.event.detail = changed.error().message();
  CLOISTER_RETURN_IF_ERROR(store.record(entry).with_context("write the audit log"));
  return changed;
}

Result<std::uint32_t> version_of_path(const Call& call) {
  const std::string_view text = call.path.find("version");
  std::uint32_t version = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), version);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && version != 0) return version;
  return Error(Code::kInvalid, "the path's version is a whole number from 1 on");
}

Status expect_bare(const Call& call) {
  if (!call.request.body.empty()) return Error(Code::kInvalid, "this request takes no body");
  CLOISTER_TRY([[maybe_unused]] const QueryFields query, QueryFields::parse(call.request, {}));
  return {};
}

}  // namespace cloister::service
