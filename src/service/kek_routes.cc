#include <algorithm>
#include <array>

#include "service/body_fields.h"
#include "service/resources.h"
#include "service/tenant_routes.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

using keys::Hierarchy;
using policy::Operation;

// What the record says a rotation was for.
constexpr std::array<std::string_view, 5> kRotationReasons{"scheduled", "compromise", "suspicion", "personnel",
                                                           "exercise"};
constexpr std::size_t kReasonSizeMax = 256;
constexpr std::uint64_t kWaitMax = 3650 * std::uint64_t{86'400};

Status show_kek(const Call& call, Hierarchy& hierarchy, JsonWriter& json) {
  CLOISTER_TRY(const auto tenant, hierarchy.store().tenant(call.target.tenant, call.target.environment));
  write_kek(json, tenant);
  return {};
}

template <typename Outcome>
Status status_of(const Outcome& outcome) {
  return outcome.ok() ? ok_status() : Status(outcome.error());
}

Result<Parsed> parse_rotate(Call& call) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"reason"}));
  CLOISTER_TRY(const std::string reason, fields.text("reason"));
  if (std::ranges::find(kRotationReasons, reason) == kRotationReasons.end()) {
    return Error(Code::kInvalid, "the body's reason is scheduled, compromise, suspicion, personnel or exercise");
  }
  return change_of(
      target_of_path(call),
      [reason](const Call& same, Hierarchy& hierarchy) {
        return status_of(hierarchy.rotate_kek(same.target.tenant_name(), same.as_caller(), reason));
      },
      show_kek);
}

// A verb on one version that takes no more than its path.
using VersionVerb = std::function<Status(Hierarchy&, const keys::TenantName&, std::uint32_t, const keys::Caller&)>;

Route of_version(Operation operation, VersionVerb verb) {
  Route route{"POST", "", Access::kPolicy, operation, Recording::kVerb, Work::kWorker, {}};
  route.parse = [verb = std::move(verb)](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const std::uint32_t version, version_of_path(call));
    CLOISTER_TRY([[maybe_unused]] const auto fields, BodyFields::parse(call.request, {}));
    return change_of(
        target_of_path(call),
        [verb, version](const Call& same, Hierarchy& hierarchy) {
          return verb(hierarchy, same.target.tenant_name(), version, same.as_caller());
        },
        show_kek);
  };
  return route;
}

Result<Parsed> parse_schedule(Call& call) {
  CLOISTER_TRY(const std::uint32_t version, version_of_path(call));
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"wait_seconds"}));
  Duration wait = keys::kDestructionWaitDefault;
  if (fields.has("wait_seconds")) {
    CLOISTER_TRY(const std::uint64_t number, fields.number("wait_seconds", 1, kWaitMax));
    wait = seconds(static_cast<std::int64_t>(number));
  }
  return change_of(
      target_of_path(call),
      [version, wait](const Call& same, Hierarchy& hierarchy) {
        return status_of(
            hierarchy.schedule_kek_destruction(same.target.tenant_name(), version, wait, same.as_caller()));
      },
      show_kek);
}

Result<Parsed> parse_destroy_immediately(Call& call) {
  CLOISTER_TRY(const std::uint32_t version, version_of_path(call));
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"reason"}));
  CLOISTER_TRY(const std::string reason, fields.text("reason"));
  if (reason.empty() || reason.size() > kReasonSizeMax) {
    return Error(Code::kInvalid, "the body's reason is 1 to " + std::to_string(kReasonSizeMax) + " bytes");
  }
  return change_of(
      target_of_path(call),
      [version, reason](const Call& same, Hierarchy& hierarchy) {
        return status_of(
            hierarchy.destroy_kek_immediately(same.target.tenant_name(), version, reason, same.as_caller()));
      },
      show_kek);
}

Result<Parsed> parse_datasets_under(Call& call) {
  CLOISTER_RETURN_IF_ERROR(expect_bare(call));
  CLOISTER_TRY(const std::uint32_t version, version_of_path(call));
  Show show = [version](const Call& same, Hierarchy& hierarchy, JsonWriter& json) -> Status {
    CLOISTER_TRY(const auto names, keys::datasets_under(hierarchy.store(), same.target.tenant_name(), version));
    json.begin_object().name("datasets").begin_array();
    for (const std::string& name : names) json.value(name);
    json.end_array().end_object();
    return {};
  };
  return Parsed{target_of_path(call), act_of(std::move(show)), {}};
}

}  // namespace

std::vector<Route> kek_routes() {
  const std::string version = "/kek/versions/{version}";
  const auto post = [](Operation operation, Parse parse) {
    return Route{"POST", "", Access::kPolicy, operation, Recording::kVerb, Work::kWorker, std::move(parse)};
  };
  std::vector<Route> routes;
  add_of_tenant(routes, "/kek", showing(Operation::kKekShow, show_kek));
  add_of_tenant(routes, "/kek/rotate", post(Operation::kKekRotate, parse_rotate));
  add_of_tenant(
      routes, version + "/datasets",
      {"GET", "", Access::kPolicy, Operation::kKekShow, Recording::kService, Work::kWorker, parse_datasets_under});
  add_of_tenant(
      routes, version + "/disable",
      of_version(Operation::kKekDisable, [](Hierarchy& keys, const auto& name, auto number, const auto& caller) {
        return keys.disable_kek(name, number, caller);
      }));
  add_of_tenant(
      routes, version + "/enable",
      of_version(Operation::kKekEnable, [](Hierarchy& keys, const auto& name, auto number, const auto& caller) {
        return keys.enable_kek(name, number, caller);
      }));
  add_of_tenant(routes, version + "/schedule-destruction", post(Operation::kKekScheduleDestroy, parse_schedule));
  add_of_tenant(
      routes, version + "/cancel-destruction",
      of_version(Operation::kKekCancelDestroy, [](Hierarchy& keys, const auto& name, auto number, const auto& caller) {
        return keys.cancel_kek_destruction(name, number, caller);
      }));
  add_of_tenant(
      routes, version + "/destroy",
      of_version(Operation::kKekDestroy, [](Hierarchy& keys, const auto& name, auto number, const auto& caller) {
        return status_of(keys.destroy_kek(name, number, caller));
      }));
  add_of_tenant(routes, version + "/destroy-immediately",
                post(Operation::kKekDestroyImmediately, parse_destroy_immediately));
  return routes;
}

}  // namespace cloister::service
