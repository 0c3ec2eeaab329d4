#include "service/aws/operations.h"

#include "crypto/hash.h"

namespace cloister::service::aws {
namespace {

constexpr std::size_t kNoteMax = 512;

}  // namespace

Result<KnownPointer> find_key(const AwsDialectParts& parts, const Call& call, const KeyReference& reference,
                              keys::Hierarchy* hierarchy) {
  keys::Store* store = hierarchy == nullptr ? nullptr : &hierarchy->store();
  const Error unknown(Code::kNotFound, "this account has no such key");
  if (reference.kind == KeyReference::Kind::kId) {
    auto found = parts.keys->by_id(call.scope, reference.text, store);
    if (!found.ok() && found.error().code() == Code::kNotFound) return unknown;
    return found;
  }
  if (store == nullptr) return KnownPointer();
  CLOISTER_TRY(const Aliases aliases, parts.keys->aliases(*store, call.scope));
  const auto alias = aliases.find(reference.text);
  const std::string& dataset = alias == aliases.end() ? reference.text : alias->second.dataset;
  if (!policy::is_name(dataset)) return unknown;
  auto found = parts.keys->by_name({call.scope.tenant, call.scope.environment, dataset}, store);
  if (!found.ok() && found.error().code() == Code::kNotFound) return unknown;
  return found;
}

Status expect_use(Call& call, const KnownKey& key, KeyUse use) {
  if (use_of(key.spec) == use) return {};
  call.fault = "InvalidKeyUsageException";
  return Error(Code::kDenied, "the key isn't for that operation");
}

Result<std::shared_ptr<const CachedKeyring>> unlock(const AwsDialectParts& parts, Call& call, const KnownKey& key,
                                                    keys::Hierarchy* hierarchy) {
  auto keyring = parts.keyrings->get(call, key.name, hierarchy);
  if (keyring.ok() || keyring.error().code() != Code::kDenied) return keyring;
  const auto hold = keys::dataset_hold(hierarchy->store(), key.name);
  const bool disabled = hold.ok() && hold->state == keys::HoldState::kDisabled;
  call.fault = disabled ? "DisabledException" : "KMSInvalidStateException";
  return keyring;
}

Status refuse_unsupported(Call& call, const Body& body) {
  CLOISTER_TRY(const bool dry_run, body.flag("DryRun"));
  CLOISTER_TRY(const auto tokens, body.texts("GrantTokens", 10, 8192));
  if (!dry_run && tokens.empty() && !body.has("Recipient")) return {};
  call.fault = "UnsupportedOperationException";
  return Error(Code::kInvalid, "there are no grants, dry runs and recipients here");
}

Result<KeyReference> key_reference(const AwsDialectParts& parts, const Call& call, const Body& body,
                                   std::string_view name) {
  CLOISTER_TRY(const std::string text, body.text(name, kKeyIdTextMax));
  return parse_key_reference(text, parts.region, call.scope);
}

Result<Context> read_context(const Body& body, std::string_view name) {
  CLOISTER_TRY(const auto pairs, body.texts_by_name(name, kContextPairsMax, kContextSizeMax));
  Context context{canonical_context(pairs), {}};
  for (const auto& [key, value] : pairs) {
    if (context.note.size() > kNoteMax) break;
    context.note += (context.note.empty() ? "context " : ", ") + key + "=" + value;
  }
  if (context.note.size() > kNoteMax) context.note.resize(kNoteMax);
  return context;
}

std::string arn_of(const AwsDialectParts& parts, const keys::DatasetName& name, std::string_view id) {
  return arn_prefix(parts.region, {name.tenant, name.environment}) + "key/" + uuid_of(id);
}

std::string material_id(std::string_view keyring_id, std::uint32_t version) {
  return to_hex(crypto::sha256(as_bytes(std::string(keyring_id) + "/" + std::to_string(version))));
}

Route key_route(const Parts& parts, OperationKind kind, Prepare prepare) {
  Route route{"POST", std::string(kind.name), Access::kPolicy, kind.operation, kind.recording, kind.work,
              {},     Malformed::kRecorded};
  route.parse = [parts, prepare = std::move(prepare),
                 changes = kind.recording == Recording::kVerb](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(KeyOperation operation, prepare(call));
    struct State {
      KeyOperation operation;
      KnownPointer key;
    };
    const auto state = std::make_shared<State>(State{std::move(operation), nullptr});
    Parsed parsed;
    parsed.target = {call.scope.tenant, call.scope.environment, "", 1};
    parsed.resolve = [parts, state](Call& same, keys::Hierarchy* hierarchy) -> Result<bool> {
      CLOISTER_TRY(state->key, find_key(*parts, same, state->operation.key, hierarchy));
      if (state->key == nullptr) return false;
      same.target.dataset = state->key->name.dataset;
      if (state->operation.use) {
        CLOISTER_RETURN_IF_ERROR(expect_use(same, *state->key, *state->operation.use));
      }
      return true;
    };
    parsed.act = [state](Call& same, keys::Hierarchy* hierarchy) {
      return state->operation.act(same, *state->key, hierarchy);
    };
    if (changes) parsed.show = refuse_replayed;
    return parsed;
  };
  return route;
}

Route plain_route(OperationKind kind, std::function<Result<TenantAct>(Call& call, Target& target)> prepare) {
  Route route{"POST", std::string(kind.name), Access::kPolicy, kind.operation, kind.recording, kind.work,
              {},     Malformed::kRecorded};
  route.parse = [prepare = std::move(prepare),
                 changes = kind.recording == Recording::kVerb](Call& call) -> Result<Parsed> {
    Parsed parsed;
    parsed.target = {call.scope.tenant, call.scope.environment, "", 1};
    CLOISTER_TRY(parsed.act, prepare(call, parsed.target));
    if (changes) parsed.show = refuse_replayed;
    return parsed;
  };
  return route;
}

void write_time(JsonWriter& json, std::string_view name, Time time) {
  const std::int64_t ms = std::max<std::int64_t>(time.unix_ms, 0);
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  json.name(name).json(std::to_string(ms / 1000) + "." + fraction);
}

// A client that signs twice within one second what looks the same comes here too: it tries again, and signs anew.
Result<Reply> refuse_replayed(Call& call, keys::Hierarchy*) {
  call.fault = "ThrottlingException";
  return Reply::of({ProblemCode::kIdempotencyKeyReused, "this signature came for a change already: sign it anew"});
}

}  // namespace cloister::service::aws
