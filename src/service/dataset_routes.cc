#include "service/dataset_routes.h"

#include "service/body_fields.h"
#include "service/resources.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

using keys::Hierarchy;
using policy::Operation;
using seal::DatasetKeyState;

Status show_dataset(const Call& call, Hierarchy& hierarchy, JsonWriter& json) {
  const Target& target = call.target;
  CLOISTER_TRY(const auto dataset, hierarchy.store().dataset(target.tenant, target.environment, target.dataset));
  return write_dataset(json, dataset);
}

Status show_datasets(const Call& call, Hierarchy& hierarchy, JsonWriter& json) {
  const Target& target = call.target;
  // Also that of a tenant that isn't there would be empty.
  CLOISTER_TRY([[maybe_unused]] const auto tenant, hierarchy.store().tenant(target.tenant, target.environment));
  CLOISTER_TRY(const auto datasets, hierarchy.store().datasets(target.tenant, target.environment));
  json.begin_object().name("datasets").begin_array();
  for (const keys::DatasetRecord& dataset : datasets) write_dataset_line(json, dataset);
  json.end_array().end_object();
  return {};
}

Result<Parsed> parse_create(Call& call) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"name"}));
  Target target = target_of_path(call);
  CLOISTER_TRY(target.dataset, fields.text("name"));
  if (!policy::is_name(target.dataset)) {
    return Error(Code::kInvalid,
                 "the body's name is 1 to 63 of a-z 0-9 . _ -, starting with a letter or digit, and not any or none");
  }
  return change_of(
      std::move(target),
      [](const Call& same, Hierarchy& hierarchy) {
        return hierarchy.create_dataset(same.target.dataset_name(), same.as_caller());
      },
      show_dataset, 201);
}

Route setting_state(Operation operation, DatasetKeyState state) {
  Route route{"POST", "", Access::kPolicy, operation, Recording::kVerb, Work::kWorker, {}};
  route.parse = [state](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const std::uint32_t version, version_of_path(call));
    CLOISTER_TRY([[maybe_unused]] const auto fields, BodyFields::parse(call.request, {}));
    return change_of(
        target_of_path(call),
        [version, state](const Call& same, Hierarchy& hierarchy) {
          return hierarchy.set_dataset_key_state(same.target.dataset_name(), version, state, same.as_caller());
        },
        show_dataset);
  };
  return route;
}

}  // namespace

std::vector<Route> dataset_routes() {
  const std::string dataset = "/datasets/{dataset}";
  const std::string version = dataset + "/keys/{version}";
  std::vector<Route> routes;
  add_of_tenant(routes, "/datasets", showing(Operation::kDatasetList, show_datasets));
  add_of_tenant(
      routes, "/datasets",
      {"POST", "", Access::kPolicy, Operation::kDatasetCreate, Recording::kVerb, Work::kWorker, parse_create});
  add_of_tenant(routes, dataset, showing(Operation::kDatasetShow, show_dataset));
  add_of_tenant(routes, dataset + "/rotate-key",
                changing(
                    Operation::kDatasetRotateKey,
                    [](const Call& call, Hierarchy& hierarchy) -> Status {
                      const auto cost = hierarchy.rotate_dataset_key(call.target.dataset_name(), call.as_caller());
                      return cost.ok() ? ok_status() : Status(cost.error());
                    },
                    show_dataset));
  add_of_tenant(routes, version + "/disable", setting_state(Operation::kDatasetDisableKey, DatasetKeyState::kDisabled));
  add_of_tenant(routes, version + "/enable", setting_state(Operation::kDatasetEnableKey, DatasetKeyState::kEnabled));
  add_of_tenant(routes, version + "/destroy",
                setting_state(Operation::kDatasetDestroyKey, DatasetKeyState::kDestroyed));
  return routes;
}

}  // namespace cloister::service
