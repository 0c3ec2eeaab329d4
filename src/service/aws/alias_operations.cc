// Aliases, and rotation: on demand, and in time.
#include <algorithm>

#include "service/aws/operations.h"

namespace cloister::service::aws {
namespace {

constexpr std::size_t kAliasesMax = 1000;
constexpr std::uint64_t kListMax = 1000;
constexpr std::uint64_t kRotationDaysMin = 90, kRotationDaysMax = 2560, kRotationDaysDefault = 365;

struct AliasRequest {
  KeyOperation operation;
  std::string alias;
};

Result<AliasRequest> read_alias_request(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"AliasName", "TargetKeyId"}));
  AliasRequest request;
  CLOISTER_TRY(const std::string name, body.text("AliasName", 256));
  CLOISTER_TRY(request.alias, parse_alias(name));
  if (request.alias.starts_with("aws/")) return Error(Code::kInvalid, "aliases that begin with alias/aws/ are AWS's");
  CLOISTER_TRY(request.operation.key, key_reference(parts, call, body, "TargetKeyId"));
  if (request.operation.key.kind != KeyReference::Kind::kId) {
    return Error(Code::kInvalid, "TargetKeyId is a key's id or ARN");
  }
  return request;
}

// A dataset's own name is an alias of its own: nobody gives it to another key.
Status check_free(Call& call, keys::Store& store, const Aliases& aliases, const std::string& alias) {
  const bool is_dataset =
      policy::is_name(alias) && store.dataset(call.scope.tenant, call.scope.environment, alias).ok();
  if (is_dataset || aliases.contains(alias)) {
    call.fault = "AlreadyExistsException";
    return Error(Code::kExists, "there is such an alias already");
  }
  if (aliases.size() < kAliasesMax) return {};
  call.fault = "LimitExceededException";
  return Error(Code::kDenied, "there are too many aliases");
}

Error no_such_alias() { return Error(Code::kNotFound, "this account has no such alias"); }

Result<KeyOperation> prepare_create_alias(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(AliasRequest request, read_alias_request(parts, call));
  request.operation.act = [&parts, alias = request.alias](Call& same, const KnownKey& key,
                                                          keys::Hierarchy* hierarchy) -> Result<Reply> {
    keys::Store& store = hierarchy->store();
    const auto add = [&](Aliases& aliases) -> Status {
      CLOISTER_RETURN_IF_ERROR(check_free(same, store, aliases, alias));
      aliases[alias] = {key.name.dataset, same.now, same.now};
      return {};
    };
    CLOISTER_RETURN_IF_ERROR(
        parts.keys->change_aliases(store, same.scope, same.as_caller(), "alias.create", "alias/" + alias, add));
    return Reply();
  };
  return std::move(request.operation);
}

Result<KeyOperation> prepare_update_alias(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(AliasRequest request, read_alias_request(parts, call));
  request.operation.act = [&parts, alias = request.alias](Call& same, const KnownKey& key,
                                                          keys::Hierarchy* hierarchy) -> Result<Reply> {
    keys::Store& store = hierarchy->store();
    const auto move = [&](Aliases& aliases) -> Status {
      const auto found = aliases.find(alias);
      if (found == aliases.end()) return no_such_alias();
      CLOISTER_TRY(const ManagedKey before,
                   parts.keys->find(store, {same.scope.tenant, same.scope.environment, found->second.dataset}));
      // What signed or sealed through the alias must not find a key of another kind there.
      if (use_of(before.spec) != use_of(key.spec)) {
        return Error(Code::kInvalid, "an alias moves between keys of one use");
      }
      found->second.dataset = key.name.dataset;
      found->second.changed = same.now;
      return {};
    };
    CLOISTER_RETURN_IF_ERROR(
        parts.keys->change_aliases(store, same.scope, same.as_caller(), "alias.update", "alias/" + alias, move));
    return Reply();
  };
  return std::move(request.operation);
}

// By its alias: the key that has it is what the policy is asked about.
Result<KeyOperation> prepare_delete_alias(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"AliasName"}));
  CLOISTER_TRY(const std::string name, body.text("AliasName", 256));
  CLOISTER_TRY(const std::string alias, parse_alias(name));
  KeyOperation operation;
  operation.key = {KeyReference::Kind::kAlias, alias};
  operation.act = [&parts, alias](Call& same, const KnownKey&, keys::Hierarchy* hierarchy) -> Result<Reply> {
    const auto remove = [&](Aliases& aliases) -> Status {
      if (aliases.erase(alias) == 0) return no_such_alias();
      return {};
    };
    CLOISTER_RETURN_IF_ERROR(parts.keys->change_aliases(hierarchy->store(), same.scope, same.as_caller(),
                                                        "alias.delete", "alias/" + alias, remove));
    return Reply();
  };
  return operation;
}

struct ListedAlias {
  std::string name;
  const ManagedKey* key;
  Time created, changed;
};

// Those that were given, and every dataset's own name.
std::vector<ListedAlias> all_aliases(const std::vector<ManagedKey>& keys, const Aliases& given) {
  std::vector<ListedAlias> all;
  for (const ManagedKey& key : keys) {
    all.push_back({key.name.dataset, &key, key.created, key.created});
    for (const auto& [name, alias] : given) {
      if (alias.dataset == key.name.dataset) all.push_back({name, &key, alias.created, alias.changed});
    }
  }
  std::ranges::sort(all, {}, &ListedAlias::name);
  return all;
}

Result<TenantAct> prepare_list_aliases(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Limit", "Marker"}));
  std::optional<KeyReference> only;
  if (body.has("KeyId")) {
    CLOISTER_TRY(only, key_reference(parts, call, body));
  }
  CLOISTER_TRY(const auto limit, body.number("Limit", 1, kListMax));
  CLOISTER_TRY(const std::string marker, body.text_or("Marker", 1024));
  return TenantAct([&parts, only, limit, marker](Call& same, keys::Hierarchy* hierarchy) -> Result<Reply> {
    keys::Store& store = hierarchy->store();
    KnownPointer key;
    if (only) {
      CLOISTER_TRY(key, find_key(parts, same, *only, hierarchy));
    }
    CLOISTER_TRY(const auto keys, parts.keys->list(store, same.scope));
    CLOISTER_TRY(const Aliases given, parts.keys->aliases(store, same.scope));
    auto all = all_aliases(keys, given);
    std::erase_if(all, [&](const ListedAlias& alias) {
      return alias.name <= marker || (key != nullptr && alias.key->id != key->id);
    });
    const std::size_t count = std::min<std::size_t>(all.size(), limit.value_or(50));
    return answer_of([&](JsonWriter& json) {
      json.name("Aliases").begin_array();
      for (std::size_t i = 0; i < count; ++i) {
        json.begin_object().member("AliasName", "alias/" + all[i].name);
        json.member("AliasArn", arn_prefix(parts.region, same.scope) + "alias/" + all[i].name);
        json.member("TargetKeyId", uuid_of(all[i].key->id));
        write_time(json, "CreationDate", all[i].created);
        write_time(json, "LastUpdatedDate", all[i].changed);
        json.end_object();
      }
      json.end_array().member("Truncated", count < all.size());
      if (count < all.size()) json.member("NextMarker", all[count - 1].name);
    });
  });
}

// Rotation is of keys that seal, and of such as may be used.
Status check_rotatable(Call& call, const KnownKey& key, keys::Hierarchy& hierarchy) {
  if (use_of(key.spec) != KeyUse::kSeal) {
    call.fault = "UnsupportedOperationException";
    return Error(Code::kDenied, "only keys that seal are rotated");
  }
  CLOISTER_TRY(const keys::DatasetHold hold, keys::dataset_hold(hierarchy.store(), key.name));
  if (hold.state == keys::HoldState::kDisabled) call.fault = "DisabledException";
  return keys::check_usable(hold, key.name);
}

Result<KeyOperation> prepare_rotation(const AwsDialectParts& parts, Call& call, bool enable) {
  CLOISTER_TRY(const Body body,
               enable ? Body::parse(call, {"KeyId", "RotationPeriodInDays"}) : Body::parse(call, {"KeyId"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const auto period, body.number("RotationPeriodInDays", kRotationDaysMin, kRotationDaysMax));
  std::optional<Duration> after;
  if (enable) after = days(static_cast<std::int64_t>(period.value_or(kRotationDaysDefault)));
  operation.act = [&parts, after](Call& same, const KnownKey& key, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_RETURN_IF_ERROR(check_rotatable(same, key, *hierarchy));
    const auto edit = [&](ManagedKey& managed) -> Status {
      managed.rotate_after = after;
      return {};
    };
    CLOISTER_RETURN_IF_ERROR(parts.keys->change(hierarchy->store(), key.name, same.as_caller(),
                                                after ? "dataset.rotate-in-time" : "dataset.rotate-by-hand", edit));
    return Reply();
  };
  return operation;
}

Result<KeyOperation> prepare_rotation_status(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.act = [&parts](Call&, const KnownKey& known, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, parts.keys->find(hierarchy->store(), known.name));
    return answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).member("KeyRotationEnabled", key.rotate_after.has_value());
      if (!key.rotate_after) return;
      json.member("RotationPeriodInDays", static_cast<std::uint64_t>(key.rotate_after->ms / days(1).ms));
      write_time(json, "NextRotationDate", key.versions.back().created + *key.rotate_after);
    });
  };
  return operation;
}

Result<KeyOperation> prepare_rotate(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.act = [&parts](Call& same, const KnownKey& key, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_RETURN_IF_ERROR(check_rotatable(same, key, *hierarchy));
    CLOISTER_TRY([[maybe_unused]] const auto cost, hierarchy->rotate_dataset_key(key.name, same.as_caller()));
    return answer_of([&](JsonWriter& json) { json.member("KeyId", arn_of(parts, key.name, key.id)); });
  };
  return operation;
}

void write_rotation(JsonWriter& json, const AwsDialectParts& parts, const ManagedKey& key, std::size_t index) {
  const seal::DatasetKeyEntry& entry = key.versions[index];
  const bool current = index + 1 == key.versions.size();
  json.begin_object().member("KeyId", arn_of(parts, key.name, key.id));
  json.member("KeyMaterialId", material_id(key.id, entry.version));
  json.member("KeyMaterialState", current ? "CURRENT" : "NON_CURRENT");
  if (index != 0) {
    const bool in_time = std::ranges::find(key.rotated_in_time, entry.version) != key.rotated_in_time.end();
    write_time(json, "RotationDate", entry.created);
    json.member("RotationType", in_time ? "AUTOMATIC" : "ON_DEMAND");
  }
  json.end_object();
}

Result<KeyOperation> prepare_list_rotations(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Limit", "Marker", "IncludeKeyMaterial"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const std::string include, body.text_or("IncludeKeyMaterial", 64, "ROTATIONS_ONLY"));
  if (include != "ROTATIONS_ONLY" && include != "ALL_KEY_MATERIAL") {
    return Error(Code::kInvalid, "the member IncludeKeyMaterial is ROTATIONS_ONLY or ALL_KEY_MATERIAL");
  }
  operation.act = [&parts, from = include == "ALL_KEY_MATERIAL" ? 0U : 1U](
                      Call&, const KnownKey& known, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, parts.keys->find(hierarchy->store(), known.name));
    return answer_of([&](JsonWriter& json) {
      json.name("Rotations").begin_array();
      for (std::size_t i = from; i < key.versions.size(); ++i) write_rotation(json, parts, key, i);
      json.end_array().member("Truncated", false);
    });
  };
  return operation;
}

}  // namespace

std::vector<Route> alias_operations(const Parts& parts) {
  using policy::Operation;
  std::vector<Route> routes;
  const auto add = [&](std::string_view name, Prepare prepare) {
    routes.push_back(
        key_route(parts, {name, Operation::kDatasetCreate, Recording::kVerb, Work::kWorker}, std::move(prepare)));
  };
  add("CreateAlias", [parts](Call& call) { return prepare_create_alias(*parts, call); });
  add("UpdateAlias", [parts](Call& call) { return prepare_update_alias(*parts, call); });
  add("DeleteAlias", [parts](Call& call) { return prepare_delete_alias(*parts, call); });
  routes.push_back(plain_route({"ListAliases", Operation::kDatasetList, Recording::kService, Work::kWorker},
                               [parts](Call& call, Target&) { return prepare_list_aliases(*parts, call); }));
  return routes;
}

std::vector<Route> rotation_operations(const Parts& parts) {
  using policy::Operation;
  std::vector<Route> routes;
  const auto add = [&](std::string_view name, Operation operation, Recording recording, Prepare prepare) {
    routes.push_back(key_route(parts, {name, operation, recording, Work::kWorker}, std::move(prepare)));
  };
  add("EnableKeyRotation", Operation::kDatasetRotateKey, Recording::kVerb,
      [parts](Call& call) { return prepare_rotation(*parts, call, true); });
  add("DisableKeyRotation", Operation::kDatasetRotateKey, Recording::kVerb,
      [parts](Call& call) { return prepare_rotation(*parts, call, false); });
  add("RotateKeyOnDemand", Operation::kDatasetRotateKey, Recording::kVerb,
      [parts](Call& call) { return prepare_rotate(*parts, call); });
  add("GetKeyRotationStatus", Operation::kDatasetShow, Recording::kService,
      [parts](Call& call) { return prepare_rotation_status(*parts, call); });
  add("ListKeyRotations", Operation::kDatasetShow, Recording::kService,
      [parts](Call& call) { return prepare_list_rotations(*parts, call); });
  return routes;
}

}  // namespace cloister::service::aws
