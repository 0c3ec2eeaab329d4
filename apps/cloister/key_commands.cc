// cloister key: the versions of a tenant's key-encryption key.
#include <algorithm>

#include "commands.h"
#include "cost.h"
#include "home/rooted_settings.h"
#include "root_text.h"

namespace cloister::cli {
namespace {

struct KeyRequest {
  std::string tenant;
  std::uint32_t version = 0;
  std::uint32_t wait_days = 30;
  bool immediately = false;
  std::string reason, confirm;
  bool all = false;
  std::string root;  // to move to
};

constexpr const char* kManual = R"(EXAMPLES
  cloister key list --tenant acme
  cloister key rotate --tenant acme
  cloister key rotate --tenant acme --reason compromise
  cloister key datasets --tenant acme --version 1
  cloister key rotate-due
      for a timer: rotates every KEK that is older than its --rotate-after
  cloister key schedule-destroy --tenant acme --version 1 --wait 30
  cloister key cancel-destroy --tenant acme --version 1
  cloister key destroy --tenant acme --version 1
      once the wait is over
  cloister key move acme --to hsm
  cloister key move --all --to hsm
      under another root (see `cloister help root`); interrupted, it is run again

NOTES
  Rotating rewraps the ring key of each dataset: a few hundred bytes each,
  whatever the datasets' sizes. The old version stays enabled, so that exported
  keyrings and backups still open, until it is disabled or destroyed.
  Destruction is for good: what only that version could open can never be
  opened again. It waits at least seven days, in which the version is refused
  and the destruction can be cancelled. For a key known to have leaked there is
    key destroy --immediately --reason TEXT --confirm acme/1
  which asks for the name again, and can't be undone by anyone.
)";

std::string version_name(const KeyRequest& request) { return request.tenant + "/" + std::to_string(request.version); }

// "1 dataset is", "3 datasets are".
std::string datasets_are(std::uint64_t count) { return count_text(count, "dataset") + (count == 1 ? " is" : " are"); }

// What a rotation had to leave behind.
std::string left_behind(const keys::Cost& cost) {
  if (cost.datasets_unreadable == 0) return "";
  return "\n" + datasets_are(cost.datasets_unreadable) +
         " unreadable: left under versions that aren't enabled (`cloister key list`)";
}

Result<Outcome> list(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(keys::Store * store, session.store());
  std::vector<keys::TenantRecord> tenants;
  if (request.tenant.empty()) {
    CLOISTER_TRY(tenants, store->tenants());
  } else {
    CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
    CLOISTER_TRY(keys::TenantRecord tenant, store->tenant(name.tenant, name.environment));
    tenants.push_back(std::move(tenant));
  }
  Table table({"TENANT", "VERSION", "STATE", "CREATED", "DESTROYED ON"});
  Json rows = Json::array();
  for (const keys::TenantRecord& tenant : tenants) {
    for (const keys::KekVersion& version : tenant.versions) {
      const std::string destroyed = version.destroy_at ? to_rfc3339(*version.destroy_at) : "";
      table.row({tenant.name(), std::to_string(version.version), std::string(keys::key_state_name(version.state)),
                 to_rfc3339(version.created), destroyed});
      rows.push_back({{"tenant", tenant.name()},
                      {"kek_id", tenant.kek_id},
                      {"version", version.version},
                      {"state", keys::key_state_name(version.state)},
                      {"created", to_rfc3339(version.created)}});
      if (version.destroy_at) rows.back()["destroy_at"] = destroyed;
    }
  }
  Outcome outcome;
  outcome.text = table.text();
  outcome.json = {{"keys", rows}};
  return outcome;
}

Result<Outcome> rotate(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const keys::Cost cost, hierarchy->rotate_kek(name, session.caller(), request.reason));
  CLOISTER_TRY(const keys::TenantRecord tenant, hierarchy->store().tenant(name.tenant, name.environment));
  const std::uint32_t version = tenant.versions.back().version;
  Outcome outcome = cost_outcome(
      "rotated the KEK of " + name.text() + " to version " + std::to_string(version) + left_behind(cost), cost);
  outcome.json["datasets_unreadable"] = cost.datasets_unreadable;
  outcome.json["tenant"] = name.text();
  outcome.json["version"] = version;
  return outcome;
}

// What is still under an old version, and what is left to do about it.
Result<Outcome> datasets(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const keys::TenantRecord tenant, store->tenant(name.tenant, name.environment));
  if (std::ranges::find(tenant.versions, request.version, &keys::KekVersion::version) == tenant.versions.end()) {
    return Error(Code::kNotFound,
                 "KEK version " + std::to_string(request.version) + " of " + name.text() + " doesn't exist");
  }
  CLOISTER_TRY(const auto under, keys::datasets_under(*store, name, request.version));
  const bool newest = request.version == tenant.versions.back().version;
  Outcome outcome;
  for (const std::string& dataset : under) outcome.text += dataset + "\n";
  outcome.text += count_text(under.size(), "keyring") + " under KEK " + version_name(request) + "\n";
  if (!under.empty() && !newest) {
    outcome.text +=
        "a rotation of the KEK brings those to the newest version that an enabled one opens: enable this one first\n";
  }
  if (!newest) {
    outcome.text +=
        "for a key known to have leaked that isn't enough: also `cloister dataset rotate-key` for each dataset that\n"
        "was under it, `cloister rewrap` for the slots of its objects, and `cloister rekey` where data keys leaked\n";
  }
  outcome.json = {{"tenant", name.text()}, {"version", request.version}, {"newest", newest}, {"datasets", under}};
  return outcome;
}

Result<Outcome> rotate_due(Session& session, const KeyRequest&) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const keys::DueRotations due, hierarchy->rotate_due(session.caller()));
  std::string line = due.rotated.empty() ? "no KEK was rotated" : "rotated the KEK of ";
  if (due.rotated.empty() && !due.failure) line = "no KEK is due";
  for (std::size_t i = 0; i < due.rotated.size(); ++i) line += (i == 0 ? "" : ", ") + due.rotated[i];
  Outcome outcome = cost_outcome(line + left_behind(due.cost), due.cost);
  outcome.json["rotated"] = due.rotated;
  outcome.json["datasets_unreadable"] = due.cost.datasets_unreadable;
  outcome.failure = due.failure;
  return outcome;
}

using Change = Status (keys::Hierarchy::*)(const keys::TenantName&, std::uint32_t, const keys::Caller&);

template <Change kChange>
Result<Outcome> change_state(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_RETURN_IF_ERROR((hierarchy->*kChange)(name, request.version, session.caller()));
  const keys::Cost cost = meter.stop(1);
  CLOISTER_TRY(const keys::TenantRecord tenant, hierarchy->store().tenant(name.tenant, name.environment));
  std::string_view state = "gone";
  for (const keys::KekVersion& version : tenant.versions) {
    if (version.version == request.version) state = keys::key_state_name(version.state);
  }
  Outcome outcome = cost_outcome("KEK " + version_name(request) + " is " + std::string(state), cost);
  outcome.json["tenant"] = name.text();
  outcome.json["version"] = request.version;
  outcome.json["state"] = state;
  return outcome;
}

Result<Outcome> schedule_destroy(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const CostMeter meter(hierarchy->store());
  CLOISTER_TRY(const Time when,
               hierarchy->schedule_kek_destruction(name, request.version, days(request.wait_days), session.caller()));
  const keys::Cost cost = meter.stop(1);
  CLOISTER_TRY(const auto shredded, keys::datasets_under(hierarchy->store(), name, request.version));
  const std::uint64_t unreadable = shredded.size();
  Outcome outcome =
      cost_outcome("KEK " + version_name(request) + " doesn't open anything from now on, and can be destroyed from " +
                       to_rfc3339(when) + "\n" + datasets_are(unreadable) +
                       " unreadable until it is enabled, and for good once it is destroyed" +
                       "\nuntil then: cloister key cancel-destroy --tenant " + request.tenant + " --version " +
                       std::to_string(request.version),
                   cost);
  outcome.json["tenant"] = name.text();
  outcome.json["version"] = request.version;
  outcome.json["destroy_at"] = to_rfc3339(when);
  outcome.json["datasets_unreadable"] = unreadable;
  return outcome;
}

Result<Outcome> destroy(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(const keys::TenantName name, keys::parse_tenant_name(request.tenant));
  const std::string exact = name.text() + "/" + std::to_string(request.version);
  if (!request.immediately && (!request.reason.empty() || !request.confirm.empty())) {
    return invalid("--reason and --confirm belong to --immediately");
  }
  if (request.immediately && (request.reason.empty() || request.confirm != exact)) {
    CLOISTER_TRY(keys::Store * store, session.store());
    CLOISTER_TRY(const auto datasets, keys::datasets_under(*store, name, request.version));
    const std::uint64_t under = datasets.size();
    return invalid(
        "destroying KEK " + exact + " at once can't be undone, and what only it could open is lost for good (" +
        count_text(under, "dataset") + " here): say why with --reason, and repeat its name with --confirm " + exact);
  }
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  auto cost = request.immediately
                  ? hierarchy->destroy_kek_immediately(name, request.version, request.reason, session.caller())
                  : hierarchy->destroy_kek(name, request.version, session.caller());
  if (!cost.ok()) return cost.error();
  Outcome outcome = cost_outcome("destroyed KEK " + exact + ": what only it could open is gone for good, " +
                                     count_text(cost->datasets_unreadable, "dataset") + " here",
                                 *cost);
  outcome.json["datasets_unreadable"] = cost->datasets_unreadable;
  outcome.json["tenant"] = name.text();
  outcome.json["version"] = request.version;
  return outcome;
}

Result<std::vector<keys::TenantName>> whose(keys::Store& store, const KeyRequest& request) {
  if (request.all != request.tenant.empty()) return invalid("name a tenant, or say --all");
  std::vector<keys::TenantName> names;
  if (!request.all) {
    CLOISTER_TRY(keys::TenantName name, keys::parse_tenant_name(request.tenant));
    names.push_back(std::move(name));
    return names;
  }
  CLOISTER_TRY(const auto tenants, store.tenants());
  for (const keys::TenantRecord& tenant : tenants) names.push_back({tenant.tenant, tenant.environment});
  return names;
}

void add_cost(keys::Cost& sum, const keys::Cost& cost) {
  sum.objects_touched += cost.objects_touched;
  sum.bytes_written += cost.bytes_written;
  sum.seconds += cost.seconds;
}

// What was moved stays moved: after a failure, or in the middle of anything, the same command goes on.
Result<Outcome> move(Session& session, const KeyRequest& request) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const auto names, whose(hierarchy->store(), request));
  CLOISTER_TRY(const keys::KnownRoot target, keys::known_root(hierarchy->store(), request.root));
  keys::Cost cost;
  std::vector<std::string> moved;
  std::size_t there_already = 0;
  std::optional<Error> failure;
  for (const keys::TenantName& name : names) {
    const auto done = hierarchy->move_kek(name, request.root, session.caller());
    if (!done.ok()) {
      failure = Error(done.error()).with_context("move the KEK of " + name.text());
      break;
    }
    add_cost(cost, done->cost);
    if (done->nothing_to_do()) {
      ++there_already;
    } else {
      moved.push_back(name.text());
    }
  }
  std::string line = "moved " + count_text(moved.size(), "KEK") + " to root " + target.name;
  if (there_already != 0) line += ", " + std::to_string(there_already) + " there already";
  Outcome outcome = cost_outcome(line, cost);
  const home::RootedSettings settings(session.random());
  CLOISTER_TRY(const std::string proof, proof_text(hierarchy->store(), settings.all(), target.name));
  outcome.text += proof;
  if (failure) outcome.text += "the same command again goes on where this one stopped\n";
  outcome.json["root"] = target.name;
  outcome.json["root_id"] = target.id;
  outcome.json["moved"] = moved;
  outcome.json["there_already"] = there_already;
  outcome.failure = failure;
  return outcome;
}

CLI::App* add_on_version(CLI::App& group, const char* name, const char* about, KeyRequest& request) {
  CLI::App* verb = add_verb(group, name, about, "");
  verb->add_option("--tenant", request.tenant, "whose KEK")->type_name("TENANT[/ENV]")->required();
  verb->add_option("--version", request.version, "which version")->type_name("N")->required();
  return verb;
}

}  // namespace

void add_key(CLI::App& app, Run& run) {
  using keys::Hierarchy;
  CLI::App* group = add_verb(app, "key", "rotate, disable and destroy key-encryption keys", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<KeyRequest>();
  CLI::App* listing = add_verb(*group, "list", "list KEK versions and their states", "");
  listing->add_option("--tenant", request->tenant, "only this tenant's")->type_name("TENANT[/ENV]");
  set_action(listing, run, request, list);
  CLI::App* rotating = add_verb(*group, "rotate", "a new KEK version; rewraps the tenant's keyrings", "");
  rotating->add_option("--tenant", request->tenant, "whose KEK")->type_name("TENANT[/ENV]")->required();
  rotating->add_option("--reason", request->reason, "why; goes into the audit log")->type_name("TEXT");
  set_action(rotating, run, request, rotate);
  set_action(add_on_version(*group, "datasets", "list the datasets whose keyring is under a version", *request), run,
             request, datasets);
  set_action(add_verb(*group, "rotate-due", "rotate every KEK that is due by age", ""), run, request, rotate_due);
  set_action(add_on_version(*group, "disable", "a version that opens nothing until it is enabled", *request), run,
             request, change_state<&Hierarchy::disable_kek>);
  set_action(add_on_version(*group, "enable", "enable a disabled version", *request), run, request,
             change_state<&Hierarchy::enable_kek>);
  CLI::App* scheduling = add_on_version(*group, "schedule-destroy", "destroy a version after a wait", *request);
  scheduling->add_option("--wait", request->wait_days, "days until then, 7 at least")
      ->type_name("DAYS")
      ->capture_default_str();
  set_action(scheduling, run, request, schedule_destroy);
  set_action(add_on_version(*group, "cancel-destroy", "cancel a scheduled destruction", *request), run, request,
             change_state<&Hierarchy::cancel_kek_destruction>);
  CLI::App* moving = add_verb(*group, "move", "bring KEKs under another root; no data is touched", "");
  moving->add_option("TENANT", request->tenant, "whose KEK");
  moving->add_flag("--all", request->all, "every tenant's");
  moving->add_option("--to", request->root, "the root: `cloister root list`")->type_name("ROOT")->required();
  set_action(moving, run, request, move);
  CLI::App* destroying = add_on_version(*group, "destroy", "destroy a version whose wait is over, for good", *request);
  destroying->add_flag("--immediately", request->immediately, "without the wait: for a key known to have leaked");
  destroying->add_option("--reason", request->reason, "why; goes into the audit log")->type_name("TEXT");
  destroying->add_option("--confirm", request->confirm, "the key's name again, TENANT/VERSION")->type_name("NAME");
  set_action(destroying, run, request, destroy);
}

}  // namespace cloister::cli
