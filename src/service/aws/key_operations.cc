// Keys themselves: described, listed, made, switched off and on, scheduled for destruction, tagged.
#include <algorithm>
#include <array>

#include "crypto/random.h"
#include "service/aws/operations.h"

namespace cloister::service::aws {
namespace {

constexpr std::string_view kDatasetTag = "cloister:dataset";
constexpr std::string_view kDatasetPrefix = "key-";
constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kDescriptionMax = 8192;
constexpr std::uint64_t kListMax = 1000;

struct SpecName {
  KeySpec spec;
  std::string_view name;
  std::string_view use;
  std::string_view algorithms_member;
  std::string_view algorithms;  // JSON
};
constexpr std::string_view kRsaAlgorithms =
    R"(["RSASSA_PSS_SHA_256","RSASSA_PSS_SHA_384","RSASSA_PSS_SHA_512","RSASSA_PKCS1_V1_5_SHA_256",)"
    R"("RSASSA_PKCS1_V1_5_SHA_384","RSASSA_PKCS1_V1_5_SHA_512"])";
constexpr std::array<SpecName, 10> kSpecs{{
    {KeySpec::kSymmetric, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "EncryptionAlgorithms", R"(["SYMMETRIC_DEFAULT"])"},
    {KeySpec::kHmac256, "HMAC_256", "GENERATE_VERIFY_MAC", "MacAlgorithms", R"(["HMAC_SHA_256"])"},
    {KeySpec::kHmac384, "HMAC_384", "GENERATE_VERIFY_MAC", "MacAlgorithms", R"(["HMAC_SHA_384"])"},
    {KeySpec::kHmac512, "HMAC_512", "GENERATE_VERIFY_MAC", "MacAlgorithms", R"(["HMAC_SHA_512"])"},
    {KeySpec::kEd25519, "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "SigningAlgorithms", R"(["ED25519_SHA_512"])"},
    {KeySpec::kP256, "ECC_NIST_P256", "SIGN_VERIFY", "SigningAlgorithms", R"(["ECDSA_SHA_256"])"},
    {KeySpec::kP384, "ECC_NIST_P384", "SIGN_VERIFY", "SigningAlgorithms", R"(["ECDSA_SHA_384"])"},
    {KeySpec::kRsa2048, "RSA_2048", "SIGN_VERIFY", "SigningAlgorithms", kRsaAlgorithms},
    {KeySpec::kRsa3072, "RSA_3072", "SIGN_VERIFY", "SigningAlgorithms", kRsaAlgorithms},
    {KeySpec::kRsa4096, "RSA_4096", "SIGN_VERIFY", "SigningAlgorithms", kRsaAlgorithms},
}};

const SpecName& name_of(KeySpec spec) { return kSpecs[static_cast<std::size_t>(spec)]; }

std::string_view state_of(const ManagedKey& key) {
  switch (key.hold.state) {
    case keys::HoldState::kNone: return "Enabled";
    case keys::HoldState::kDisabled: return "Disabled";
    case keys::HoldState::kDestructionScheduled:
    case keys::HoldState::kDestroyed: break;
  }
  return "PendingDeletion";
}

void write_metadata(const AwsDialectParts& parts, JsonWriter& json, const ManagedKey& key) {
  const SpecName& spec = name_of(key.spec);
  json.name("KeyMetadata").begin_object();
  json.member("AWSAccountId", account_of({key.name.tenant, key.name.environment}));
  json.member("KeyId", uuid_of(key.id)).member("Arn", arn_of(parts, key.name, key.id));
  write_time(json, "CreationDate", key.created);
  json.member("Enabled", key.hold.state == keys::HoldState::kNone).member("Description", key.description);
  json.member("KeyUsage", spec.use).member("KeyState", state_of(key)).member("Origin", "AWS_KMS");
  if (key.hold.destroy_at) write_time(json, "DeletionDate", *key.hold.destroy_at);
  json.member("KeyManager", "CUSTOMER").member("CustomerMasterKeySpec", spec.name).member("KeySpec", spec.name);
  json.name(spec.algorithms_member).json(spec.algorithms).member("MultiRegion", false);
  json.member("CurrentKeyMaterialId", material_id(key.id, key.versions.back().version)).end_object();
}

Result<KeyOperation> prepare_describe(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "GrantTokens"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.act = [&parts](Call&, const KnownKey& known, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, parts.keys->find(hierarchy->store(), known.name));
    return answer_of([&](JsonWriter& json) { write_metadata(parts, json, key); });
  };
  return operation;
}

Result<TenantAct> prepare_list(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"Limit", "Marker"}));
  CLOISTER_TRY(const auto limit, body.number("Limit", 1, kListMax));
  CLOISTER_TRY(const std::string marker, body.text_or("Marker", 1024));
  return TenantAct([&parts, limit, marker](Call& same, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(auto all, parts.keys->list(hierarchy->store(), same.scope));
    std::erase_if(all, [&](const ManagedKey& key) { return key.name.dataset <= marker; });
    const std::size_t count = std::min<std::size_t>(all.size(), limit.value_or(100));
    return answer_of([&](JsonWriter& json) {
      json.name("Keys").begin_array();
      for (std::size_t i = 0; i < count; ++i) {
        json.begin_object().member("KeyId", uuid_of(all[i].id));
        json.member("KeyArn", arn_of(parts, all[i].name, all[i].id)).end_object();
      }
      json.end_array().member("Truncated", count < all.size());
      if (count < all.size()) json.member("NextMarker", all[count - 1].name.dataset);
    });
  });
}

Result<KeySpec> read_spec(Call& call, const Body& body) {
  CLOISTER_TRY(const std::string old_name, body.text_or("CustomerMasterKeySpec", 64, "SYMMETRIC_DEFAULT"));
  CLOISTER_TRY(const std::string name, body.text_or("KeySpec", 64, old_name));
  const auto found = std::ranges::find(kSpecs, name, &SpecName::name);
  if (found == kSpecs.end()) {
    call.fault = "UnsupportedOperationException";
    return Error(Code::kInvalid, "keys of that KeySpec aren't made here");
  }
  CLOISTER_TRY(const std::string use, body.text_or("KeyUsage", 64, "ENCRYPT_DECRYPT"));
  if (use == found->use) return found->spec;
  return Error(Code::kInvalid, "KeyUsage for that KeySpec is " + std::string(found->use));
}

// What CreateKey may say as a matter of course, and what would be something else.
Status check_origin(Call& call, const Body& body) {
  CLOISTER_TRY(const std::string origin, body.text_or("Origin", 64, "AWS_KMS"));
  CLOISTER_TRY(const bool regions, body.flag("MultiRegion"));
  if (origin == "AWS_KMS" && !regions && !body.has("Policy") && !body.has("CustomKeyStoreId") &&
      !body.has("XksKeyId")) {
    return {};
  }
  call.fault = "UnsupportedOperationException";
  return Error(Code::kInvalid, "policies of keys, custom key stores, imported and multi-region keys aren't there");
}

Result<TenantAct> prepare_create(const AwsDialectParts& parts, Call& call, Target& target) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"Description", "KeyUsage", "KeySpec", "CustomerMasterKeySpec",
                                                   "Origin", "Tags", "MultiRegion", "Policy",
                                                   "BypassPolicyLockoutSafetyCheck", "CustomKeyStoreId", "XksKeyId"}));
  CLOISTER_RETURN_IF_ERROR(check_origin(call, body));
  ManagedKeys::Wanted wanted;
  CLOISTER_TRY(wanted.spec, read_spec(call, body));
  CLOISTER_TRY(wanted.description, body.text_or("Description", kDescriptionMax));
  CLOISTER_TRY(wanted.tags, body.tags("Tags", kTagsMax));
  const auto tag = wanted.tags.find(std::string(kDatasetTag));
  if (tag != wanted.tags.end()) {
    target.dataset = tag->second;
    if (!policy::is_name(target.dataset)) {
      return Error(Code::kInvalid, "the tag cloister:dataset is a dataset's name");
    }
  } else {
    target.dataset = std::string(kDatasetPrefix) + to_hex(crypto::random_array<8>(parts.keyrings->random()));
  }
  return TenantAct([&parts, wanted](Call& same, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, parts.keys->create(same, *hierarchy, wanted));
    return answer_of([&](JsonWriter& json) { write_metadata(parts, json, key); });
  });
}

// Changes the dataset's hold; in AWS's words where the hold doesn't allow it.
using Change = Status (*)(keys::Hierarchy&, const keys::DatasetName&, const keys::Caller&);

Prepare changing_state(const Parts& parts, Change change) {
  return [parts, change](Call& call) -> Result<KeyOperation> {
    CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId"}));
    KeyOperation operation;
    CLOISTER_TRY(operation.key, key_reference(*parts, call, body));
    operation.act = [parts, change](Call& same, const KnownKey& key, keys::Hierarchy* hierarchy) -> Result<Reply> {
      CLOISTER_RETURN_IF_ERROR(change(*hierarchy, key.name, same.as_caller()));
      return answer_of([&](JsonWriter& json) { json.member("KeyId", arn_of(*parts, key.name, key.id)); });
    };
    return operation;
  };
}

Result<KeyOperation> prepare_schedule(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "PendingWindowInDays"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const auto window, body.number("PendingWindowInDays", 7, 30));
  operation.act = [&parts, days_to_wait = window.value_or(30)](Call& same, const KnownKey& key,
                                                               keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const Time at, hierarchy->schedule_dataset_destruction(
                                    key.name, days(static_cast<std::int64_t>(days_to_wait)), same.as_caller()));
    return answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).member("KeyState", "PendingDeletion");
      write_time(json, "DeletionDate", at);
      json.member("PendingWindowInDays", std::uint64_t{days_to_wait});
    });
  };
  return operation;
}

Result<KeyOperation> prepare_list_tags(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Limit", "Marker"}));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.act = [&parts](Call&, const KnownKey& known, keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_TRY(const ManagedKey key, parts.keys->find(hierarchy->store(), known.name));
    return answer_of([&](JsonWriter& json) {
      json.name("Tags").begin_array();
      for (const auto& [name, value] : key.tags) {
        json.begin_object().member("TagKey", name).member("TagValue", value).end_object();
      }
      json.end_array().member("Truncated", false);
    });
  };
  return operation;
}

Result<KeyOperation> tag_operation(const AwsDialectParts& parts, Call& call, const Body& body, std::string_view action,
                                   std::function<Status(ManagedKey&)> edit) {
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.act = [&parts, action, edit = std::move(edit)](Call& same, const KnownKey& key,
                                                           keys::Hierarchy* hierarchy) -> Result<Reply> {
    CLOISTER_RETURN_IF_ERROR(parts.keys->change(hierarchy->store(), key.name, same.as_caller(), action, edit));
    return Reply();
  };
  return operation;
}

Result<KeyOperation> prepare_tag(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Tags"}));
  CLOISTER_TRY(const auto tags, body.tags("Tags", kTagsMax));
  return tag_operation(parts, call, body, "dataset.tag", [&call, tags](ManagedKey& key) -> Status {
    for (const auto& [name, value] : tags) key.tags[name] = value;
    if (key.tags.size() <= kTagsMax) return {};
    call.fault = "LimitExceededException";
    return Error(Code::kDenied, "a key has at most 50 tags");
  });
}

Result<KeyOperation> prepare_untag(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "TagKeys"}));
  CLOISTER_TRY(const auto names, body.texts("TagKeys", kTagsMax, 128));
  return tag_operation(parts, call, body, "dataset.untag", [names](ManagedKey& key) -> Status {
    for (const std::string& name : names) key.tags.erase(name);
    return {};
  });
}

Result<KeyOperation> prepare_description(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Description"}));
  CLOISTER_TRY(const std::string text, body.text("Description", kDescriptionMax));
  return tag_operation(parts, call, body, "dataset.describe", [text](ManagedKey& key) -> Status {
    key.description = text;
    return {};
  });
}

}  // namespace

std::vector<Route> key_operations(const Parts& parts) {
  using policy::Operation;
  constexpr auto kVerb = Recording::kVerb;
  constexpr auto kWorker = Work::kWorker;
  std::vector<Route> routes;
  const auto add = [&](OperationKind kind, Prepare prepare) { routes.push_back(key_route(parts, kind, prepare)); };
  add({"DescribeKey", Operation::kDatasetShow, Recording::kService, kWorker},
      [parts](Call& call) { return prepare_describe(*parts, call); });
  add({"EnableKey", Operation::kDatasetEnableKey, kVerb, kWorker},
      changing_state(parts, [](keys::Hierarchy& hierarchy, const keys::DatasetName& name, const keys::Caller& caller) {
        return hierarchy.enable_dataset(name, caller);
      }));
  add({"DisableKey", Operation::kDatasetDisableKey, kVerb, kWorker},
      changing_state(parts, [](keys::Hierarchy& hierarchy, const keys::DatasetName& name, const keys::Caller& caller) {
        return hierarchy.disable_dataset(name, caller);
      }));
  add({"CancelKeyDeletion", Operation::kDatasetDestroyKey, kVerb, kWorker},
      changing_state(parts, [](keys::Hierarchy& hierarchy, const keys::DatasetName& name, const keys::Caller& caller) {
        return hierarchy.cancel_dataset_destruction(name, caller);
      }));
  add({"ScheduleKeyDeletion", Operation::kDatasetDestroyKey, kVerb, kWorker},
      [parts](Call& call) { return prepare_schedule(*parts, call); });
  add({"ListResourceTags", Operation::kDatasetShow, Recording::kService, kWorker},
      [parts](Call& call) { return prepare_list_tags(*parts, call); });
  add({"TagResource", Operation::kDatasetCreate, kVerb, kWorker},
      [parts](Call& call) { return prepare_tag(*parts, call); });
  add({"UntagResource", Operation::kDatasetCreate, kVerb, kWorker},
      [parts](Call& call) { return prepare_untag(*parts, call); });
  add({"UpdateKeyDescription", Operation::kDatasetCreate, kVerb, kWorker},
      [parts](Call& call) { return prepare_description(*parts, call); });
  routes.push_back(plain_route({"ListKeys", Operation::kDatasetList, Recording::kService, kWorker},
                               [parts](Call& call, Target&) { return prepare_list(*parts, call); }));
  routes.push_back(plain_route({"CreateKey", Operation::kDatasetCreate, kVerb, kWorker},
                               [parts](Call& call, Target& target) { return prepare_create(*parts, call, target); }));
  return routes;
}

}  // namespace cloister::service::aws
