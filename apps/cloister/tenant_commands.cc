// cloister tenant: whose keys these are.
#include <algorithm>

#include "commands.h"
#include "cost.h"

namespace cloister::cli {
namespace {

struct TenantRequest {
  std::string name;
  std::optional<std::uint32_t> rotate_after_days;
  std::string root;  // empty: the home's own
};

constexpr const char* kManual = R"(EXAMPLES
  cloister tenant create acme --rotate-after 30
  cloister tenant create acme/production --root hsm
  cloister tenant list
  cloister tenant show acme

NOTES
  A tenant, or a tenant's environment, has a key-encryption key of its own;
  acme and acme/production can't open each other's data. --rotate-after makes
  `key rotate-due` rotate it once it is that many days old. --root puts it under
  another root than the home's own; `key move` moves it later.
)";

std::string rotation_text(const keys::TenantRecord& tenant) {
  return tenant.rotate_after ? "every " + days_text(*tenant.rotate_after) : "by hand";
}

std::optional<Duration> rotation_of(const TenantRequest& request) {
  if (!request.rotate_after_days) return std::nullopt;
  return days(*request.rotate_after_days);
}

Json tenant_json(const keys::TenantRecord& tenant) {
  Json versions = Json::array();
  for (const keys::KekVersion& version : tenant.versions) {
    Json one = {{"version", version.version},
                {"state", keys::key_state_name(version.state)},
                {"created", to_rfc3339(version.created)}};
    if (version.destroy_at) one["destroy_at"] = to_rfc3339(*version.destroy_at);
    if (version.state != keys::KeyState::kDestroyed) one["root"] = version.wrapped.key_id;
    versions.push_back(std::move(one));
  }
  Json json = {{"tenant", tenant.name()}, {"kek_id", tenant.kek_id}, {"created", to_rfc3339(tenant.created)}};
  if (tenant.rotate_after) json["rotate_after_days"] = tenant.rotate_after->ms / days(1).ms;
  json["versions"] = std::move(versions);
  return json;
}

Result<Outcome> create(Session& session, const TenantRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.name));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_TRY(const keys::TenantRecord tenant,
               hierarchy->create_tenant(name, rotation_of(request), session.caller(), request.root));
  Outcome outcome = cost_outcome(
      "created tenant " + tenant.name() + ", KEK " + tenant.kek_id + " version 1, rotated " + rotation_text(tenant),
      meter.stop(1));
  outcome.json.update(tenant_json(tenant));
  return outcome;
}

Result<Outcome> list(Session& session, const TenantRequest&) {
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const auto tenants, store->tenants());
  Table table({"TENANT", "KEK VERSIONS", "ROTATED", "DATASETS", "CREATED"});
  Json rows = Json::array();
  for (const keys::TenantRecord& tenant : tenants) {
    CLOISTER_TRY(const auto datasets, store->datasets(tenant.tenant, tenant.environment));
    table.row({tenant.name(), std::to_string(tenant.versions.size()), rotation_text(tenant),
               std::to_string(datasets.size()), to_rfc3339(tenant.created)});
    rows.push_back(tenant_json(tenant));
    rows.back()["datasets"] = datasets.size();
  }
  Outcome outcome;
  outcome.text = tenants.empty() ? "no tenants yet: cloister tenant create NAME\n" : table.text();
  outcome.json = {{"tenants", rows}};
  return outcome;
}

Result<Outcome> show(Session& session, const TenantRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.name));
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const keys::TenantRecord tenant, store->tenant(name.tenant, name.environment));
  CLOISTER_TRY(const auto datasets, store->datasets(name.tenant, name.environment));
  Outcome outcome;
  outcome.text = "tenant " + tenant.name() + ", KEK " + tenant.kek_id + ", rotated " + rotation_text(tenant) + "\n";
  Table table({"  VERSION", "STATE", "CREATED", "DESTROYED ON", "UNDER"});
  for (const keys::KekVersion& version : tenant.versions) {
    table.row({"  " + std::to_string(version.version), std::string(keys::key_state_name(version.state)),
               to_rfc3339(version.created), version.destroy_at ? to_rfc3339(*version.destroy_at) : "",
               version.state == keys::KeyState::kDestroyed ? "" : version.wrapped.key_id});
  }
  outcome.text += table.text();
  outcome.json = tenant_json(tenant);
  outcome.json["datasets"] = Json::array();
  for (const keys::DatasetRecord& dataset : datasets) {
    outcome.json["datasets"].push_back(dataset.dataset);
    outcome.text += "  dataset " + tenant.name() + "/" + dataset.dataset + "\n";
  }
  return outcome;
}

Result<Outcome> set_rotation(Session& session, const TenantRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.name));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_RETURN_IF_ERROR(hierarchy->set_rotate_after(name, rotation_of(request), session.caller()));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "tenant " + name.text() + " is rotated " +
                 (request.rotate_after_days ? "every " + days_text(days(*request.rotate_after_days)) : "by hand") +
                 "\n";
  outcome.json = {{"tenant", name.text()}};
  if (request.rotate_after_days) outcome.json["rotate_after_days"] = *request.rotate_after_days;
  return outcome;
}

}  // namespace

void add_tenant(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "tenant", "make and list tenants", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<TenantRequest>();
  const auto name = [&request](CLI::App* verb) {
    verb->add_option("NAME", request->name, "TENANT or TENANT/ENVIRONMENT")->required();
  };
  const auto rotation = [&request](CLI::App* verb) {
    verb->add_option("--rotate-after", request->rotate_after_days, "days after which `key rotate-due` rotates the KEK")
        ->type_name("DAYS")
        ->check(CLI::Range(1, 3650));
  };
  CLI::App* creating = add_verb(*group, "create", "make a tenant with its first KEK", "");
  name(creating);
  rotation(creating);
  creating->add_option("--root", request->root, "which root its KEK is under; else the home's own")->type_name("NAME");
  set_action(creating, run, request, create);
  set_action(add_verb(*group, "list", "list all tenants", ""), run, request, list);
  CLI::App* showing = add_verb(*group, "show", "show one tenant, its KEK versions and datasets", "");
  name(showing);
  set_action(showing, run, request, show);
  CLI::App* setting = add_verb(*group, "set-rotation", "change when the KEK is due; without DAYS: by hand", "");
  name(setting);
  rotation(setting);
  set_action(setting, run, request, set_rotation);
}

}  // namespace cloister::cli
