#include "service/tenant_routes.h"

#include "service/body_fields.h"
#include "service/resources.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

using policy::Operation;

constexpr std::uint64_t kRotateAfterMax = 3650 * std::uint64_t{86'400};

Status show_tenant(const Call& call, keys::Hierarchy& hierarchy, JsonWriter& json) {
  CLOISTER_TRY(const auto tenant, hierarchy.store().tenant(call.target.tenant, call.target.environment));
  write_tenant(json, tenant);
  return {};
}

Status show_tenants(const Call&, keys::Hierarchy& hierarchy, JsonWriter& json) {
  CLOISTER_TRY(const auto tenants, hierarchy.store().tenants());
  json.begin_object().name("tenants").begin_array();
  for (const keys::TenantRecord& tenant : tenants) write_tenant(json, tenant);
  json.end_array().end_object();
  return {};
}

// Null: by hand. Nothing: it isn't there.
Result<std::optional<std::optional<Duration>>> rotate_after_of(const BodyFields& fields) {
  using Wanted = std::optional<std::optional<Duration>>;
  if (!fields.has("rotate_after_seconds")) return Wanted();
  if (fields.is_null("rotate_after_seconds")) return Wanted(std::optional<Duration>());
  CLOISTER_TRY(const std::uint64_t number, fields.number("rotate_after_seconds", 1, kRotateAfterMax));
  return Wanted(seconds(static_cast<std::int64_t>(number)));
}

Result<Parsed> parse_create(Call& call) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"name", "rotate_after_seconds"}));
  CLOISTER_TRY(const std::string text, fields.text("name"));
  CLOISTER_TRY(const auto name, keys::parse_tenant_name(text));
  CLOISTER_TRY(const auto wanted, rotate_after_of(fields));
  return change_of(
      {name.tenant, name.environment, "", 1},
      [name, rotate_after = wanted.value_or(std::nullopt)](const Call& same, keys::Hierarchy& hierarchy) -> Status {
        const auto made = hierarchy.create_tenant(name, rotate_after, same.as_caller());
        return made.ok() ? ok_status() : Status(made.error());
      },
      show_tenant, 201);
}

Result<Parsed> parse_set_rotation(Call& call) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"rotate_after_seconds"}));
  CLOISTER_TRY(const auto wanted, rotate_after_of(fields));
  if (!wanted) return Error(Code::kInvalid, "the body has no rotate_after_seconds: null means by hand");
  return change_of(
      target_of_path(call),
      [rotate_after = *wanted](const Call& same, keys::Hierarchy& hierarchy) {
        return hierarchy.set_rotate_after(same.target.tenant_name(), rotate_after, same.as_caller());
      },
      show_tenant);
}

}  // namespace

std::vector<Route> tenant_routes() {
  std::vector<Route> routes;
  routes.push_back(showing(Operation::kTenantList, show_tenants));
  routes.back().path = "/v1/tenants";
  routes.push_back({"POST", "/v1/tenants", Access::kPolicy, Operation::kTenantCreate, Recording::kVerb, Work::kWorker,
                    parse_create});
  add_of_tenant(routes, "", showing(Operation::kTenantShow, show_tenant));
  add_of_tenant(
      routes, "/rotation",
      {"PUT", "", Access::kPolicy, Operation::kTenantSetRotation, Recording::kVerb, Work::kWorker, parse_set_rotation});
  return routes;
}

}  // namespace cloister::service
