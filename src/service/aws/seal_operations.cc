// What seals and opens: Encrypt, Decrypt, GenerateDataKey, ReEncrypt. And GenerateRandom.
#include <array>

#include "crypto/hash.h"
#include "service/aws/operations.h"

namespace cloister::service::aws {
namespace {

constexpr std::size_t kDataKeyMax = 1024;
constexpr std::string_view kSymmetric = "SYMMETRIC_DEFAULT";

Status expect_symmetric(const Body& body, std::string_view member) {
  CLOISTER_TRY(const std::string algorithm, body.text_or(member, 64, kSymmetric));
  if (algorithm == kSymmetric) return {};
  return Error(Code::kInvalid, "the member " + std::string(member) + " is SYMMETRIC_DEFAULT");
}

void bind(Call& call, const Context& context) { call.context_digest = crypto::sha256(context.canonical); }

// What every use of one keyring says in its record.
void note_use(const AwsDialectParts& parts, Reply& reply, const KnownKey& key,
              const std::shared_ptr<const CachedKeyring>& keyring, std::uint32_t version, const Context& context) {
  reply.key_version = version;
  reply.detail = context.note;
  reply.seen = keyring->seen;
  reply.outdated = parts.keyrings->outdated(key.name, keyring);
}

// A ciphertext as a request brings it: whatever can't be one is refused in the words for those that don't open.
struct Ciphertext {
  net::Buffer bytes;
  MessageOutline outline;
};
Result<std::shared_ptr<const Ciphertext>> read_ciphertext(Call& call, const Body& body) {
  auto ciphertext = std::make_shared<Ciphertext>();
  CLOISTER_TRY(ciphertext->bytes, body.blob("CiphertextBlob", 1, kMessageTextMax + kMessageOverhead));
  auto outline = parse_message(ciphertext->bytes);
  if (!outline.ok()) {
    call.fault = "InvalidCiphertextException";
    return Error(Code::kInvalid, "the ciphertext is none of this service's");
  }
  ciphertext->outline = std::move(*outline);
  return std::shared_ptr<const Ciphertext>(std::move(ciphertext));
}

// Opens it, or says in `reply` why not.
std::optional<net::Buffer> open(const CachedKeyring& keyring, const KnownKey& key, const Ciphertext& ciphertext,
                                const Context& context, Reply& reply) {
  reply.problem = refusal_of_version(keyring, ciphertext.outline.key_version, key.name.text());
  if (reply.problem) return std::nullopt;
  auto text = open_message(keyring, key.name, ciphertext.outline, context.canonical);
  if (text.ok()) return std::move(*text);
  reply.problem = Problem{ProblemCode::kWrapDoesNotOpen, "the ciphertext doesn't open with this encryption context"};
  return std::nullopt;
}

// The key that a ciphertext is under, held against the one that the request names, if it does. Null for want of a
// store.
Result<KnownPointer> key_of(const AwsDialectParts& parts, Call& call, const Ciphertext& ciphertext,
                            const std::optional<KeyReference>& named, keys::Hierarchy* hierarchy) {
  KnownPointer key;
  if (named) {
    CLOISTER_TRY(key, find_key(parts, call, *named, hierarchy));
    if (key == nullptr) return key;
    if (key->id != ciphertext.outline.keyring_id) {
      call.target.dataset = key->name.dataset;
      call.fault = "IncorrectKeyException";
      return Error(Code::kDenied, "the ciphertext is under another key than the one named");
    }
  } else {
    auto found = find_key(parts, call, {KeyReference::Kind::kId, ciphertext.outline.keyring_id}, hierarchy);
    if (!found.ok()) {
      // Also the ciphertext of another tenant: who sends it doesn't learn that there is such a key.
      if (found.error().code() == Code::kNotFound) call.fault = "InvalidCiphertextException";
      return found.error();
    }
    key = std::move(*found);
    if (key == nullptr) return key;
  }
  CLOISTER_RETURN_IF_ERROR(expect_use(call, *key, KeyUse::kSeal));
  return key;
}

Result<std::optional<KeyReference>> optional_reference(const AwsDialectParts& parts, const Call& call, const Body& body,
                                                       std::string_view name) {
  if (!body.has(name)) return std::optional<KeyReference>();
  CLOISTER_TRY(KeyReference reference, key_reference(parts, call, body, name));
  return std::optional<KeyReference>(std::move(reference));
}

// Seals `text` under the key and writes CiphertextBlob and KeyId; the rest is `write`'s.
template <typename Write>
Result<Reply> seal_with(const AwsDialectParts& parts, Call& call, const KnownKey& key, keys::Hierarchy* hierarchy,
                        ByteView text, const Context& context, const Write& write) {
  CLOISTER_TRY(const auto keyring, unlock(parts, call, key, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  CLOISTER_TRY(const Bytes sealed, seal_message(*keyring, key.name, text, context.canonical, parts.keyrings->random()));
  CLOISTER_TRY(const MessageOutline outline, parse_message(sealed));
  Reply reply = answer_of([&](JsonWriter& json) {
    json.name("CiphertextBlob").bytes(sealed);
    json.member("KeyId", arn_of(parts, key.name, key.id));
    write(json, outline.key_version);
  });
  note_use(parts, reply, key, keyring, outline.key_version, context);
  return reply;
}

Result<KeyOperation> prepare_encrypt(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Plaintext", "EncryptionContext", "GrantTokens",
                                                   "EncryptionAlgorithm", "DryRun"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  CLOISTER_RETURN_IF_ERROR(expect_symmetric(body, "EncryptionAlgorithm"));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(net::Buffer text, body.blob("Plaintext", 1, kPlaintextMax));
  CLOISTER_TRY(Context context, read_context(body, "EncryptionContext"));
  bind(call, context);
  operation.use = KeyUse::kSeal;
  operation.act = [&parts, text = std::move(text), context = std::move(context)](Call& same, const KnownKey& key,
                                                                                 keys::Hierarchy* hierarchy) {
    return seal_with(parts, same, key, hierarchy, text, context,
                     [](JsonWriter& json, std::uint32_t) { json.member("EncryptionAlgorithm", kSymmetric); });
  };
  return operation;
}

Result<std::size_t> data_key_size(const Body& body) {
  CLOISTER_TRY(const auto bytes, body.number("NumberOfBytes", 1, kDataKeyMax));
  CLOISTER_TRY(const std::string spec, body.text_or("KeySpec", 32));
  if (bytes.has_value() == !spec.empty()) return Error(Code::kInvalid, "send KeySpec or NumberOfBytes, one of them");
  if (bytes) return static_cast<std::size_t>(*bytes);
  if (spec == "AES_256") return std::size_t{32};
  if (spec == "AES_128") return std::size_t{16};
  return Error(Code::kInvalid, "the member KeySpec is AES_256 or AES_128");
}

enum class Plaintext { kShown, kKept };

Result<KeyOperation> prepare_data_key(const AwsDialectParts& parts, Plaintext plaintext, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext",
                                                   "GrantTokens", "Recipient", "DryRun"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const std::size_t size, data_key_size(body));
  CLOISTER_TRY(Context context, read_context(body, "EncryptionContext"));
  bind(call, context);
  operation.use = KeyUse::kSeal;
  operation.act = [&parts, size, plaintext, context = std::move(context)](Call& same, const KnownKey& key,
                                                                          keys::Hierarchy* hierarchy) {
    net::Buffer data_key(size);
    parts.keyrings->random().fill(data_key);
    return seal_with(parts, same, key, hierarchy, data_key, context, [&](JsonWriter& json, std::uint32_t version) {
      if (plaintext == Plaintext::kShown) json.name("Plaintext").bytes(data_key);
      json.member("KeyMaterialId", material_id(key.id, version));
    });
  };
  return operation;
}

struct DecryptRequest {
  std::optional<KeyReference> named;
  std::shared_ptr<const Ciphertext> ciphertext;
  Context context;
  KnownPointer key;
};

Result<Reply> decrypt(const AwsDialectParts& parts, const DecryptRequest& request, Call& call,
                      keys::Hierarchy* hierarchy) {
  const KnownKey& key = *request.key;
  CLOISTER_TRY(const auto keyring, unlock(parts, call, key, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  Reply reply;
  const auto text = open(*keyring, key, *request.ciphertext, request.context, reply);
  const std::uint32_t version = request.ciphertext->outline.key_version;
  if (text) {
    reply = answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).name("Plaintext").bytes(*text);
      json.member("EncryptionAlgorithm", kSymmetric).member("KeyMaterialId", material_id(key.id, version));
    });
  }
  note_use(parts, reply, key, keyring, version, request.context);
  if (reply.problem) reply.detail = reply.problem->detail;
  return reply;
}

Route decrypt_route(const Parts& parts) {
  Route route{"POST",        "Decrypt", Access::kPolicy,     policy::Operation::kUnwrap, Recording::kService,
              Work::kInline, {},        Malformed::kRecorded};
  route.parse = [parts](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Body body, Body::parse(call, {"CiphertextBlob", "KeyId", "EncryptionContext", "GrantTokens",
                                                     "EncryptionAlgorithm", "Recipient", "DryRun"}));
    CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
    CLOISTER_RETURN_IF_ERROR(expect_symmetric(body, "EncryptionAlgorithm"));
    const auto request = std::make_shared<DecryptRequest>();
    CLOISTER_TRY(request->named, optional_reference(*parts, call, body, "KeyId"));
    CLOISTER_TRY(request->context, read_context(body, "EncryptionContext"));
    bind(call, request->context);
    CLOISTER_TRY(request->ciphertext, read_ciphertext(call, body));
    Parsed parsed;
    parsed.target = {call.scope.tenant, call.scope.environment, "", 1};
    parsed.resolve = [parts, request](Call& same, keys::Hierarchy* hierarchy) -> Result<bool> {
      CLOISTER_TRY(request->key, key_of(*parts, same, *request->ciphertext, request->named, hierarchy));
      if (request->key == nullptr) return false;
      same.target.dataset = request->key->name.dataset;
      return true;
    };
    parsed.act = [parts, request](Call& same, keys::Hierarchy* hierarchy) {
      return decrypt(*parts, *request, same, hierarchy);
    };
    return parsed;
  };
  return route;
}

struct ReEncryptRequest {
  std::optional<KeyReference> named_source;
  KeyReference destination;
  std::shared_ptr<const Ciphertext> ciphertext;
  Context source_context, destination_context;
  KnownPointer source, target;
};

// What leaves for another dataset's key can be opened by whoever may open that one's: as if it were unwrapped.
Status guard_source(const ReEncryptRequest& request, Call& call) {
  if (request.source->id == request.target->id || call.guard == nullptr || !*call.guard) return {};
  const Status status = (*call.guard)(policy::Operation::kUnwrap, call.target);
  if (!status.ok()) call.fault = "AccessDeniedException";
  return status;
}

// The policy is asked about both keys: here about the source, and by the service about the destination.
Result<bool> resolve_reencrypt(const AwsDialectParts& parts, ReEncryptRequest& request, Call& call,
                               keys::Hierarchy* hierarchy) {
  CLOISTER_TRY(request.source, key_of(parts, call, *request.ciphertext, request.named_source, hierarchy));
  if (request.source == nullptr) return false;
  CLOISTER_TRY(request.target, find_key(parts, call, request.destination, hierarchy));
  if (request.target == nullptr) return false;
  CLOISTER_RETURN_IF_ERROR(expect_use(call, *request.target, KeyUse::kSeal));
  call.target.dataset = request.source->name.dataset;
  const policy::Decision decision =
      policy::decide(call.snapshot->policy, {call.caller, *call.route->operation, call.target.tenant,
                                             call.target.environment, call.target.dataset, call.purpose, 1, call.now});
  if (!decision.allowed) {
    call.fault = "AccessDeniedException";
    return Error(Code::kDenied, decision.reason);
  }
  CLOISTER_RETURN_IF_ERROR(guard_source(request, call));
  call.target.dataset = request.target->name.dataset;
  return true;
}

Result<Reply> reencrypt(const AwsDialectParts& parts, const ReEncryptRequest& request, Call& call,
                        keys::Hierarchy* hierarchy) {
  const KnownKey& source = *request.source;
  CLOISTER_TRY(const auto keyring, unlock(parts, call, source, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  Reply reply;
  const std::uint32_t version = request.ciphertext->outline.key_version;
  const auto text = open(*keyring, source, *request.ciphertext, request.source_context, reply);
  if (text) {
    CLOISTER_TRY(reply, seal_with(parts, call, *request.target, hierarchy, *text, request.destination_context,
                                  [&](JsonWriter& json, std::uint32_t sealed_version) {
                                    json.member("SourceKeyId", arn_of(parts, source.name, source.id));
                                    json.member("SourceEncryptionAlgorithm", kSymmetric);
                                    json.member("DestinationEncryptionAlgorithm", kSymmetric);
                                    json.member("SourceKeyMaterialId", material_id(source.id, version));
                                    json.member("DestinationKeyMaterialId",
                                                material_id(request.target->id, sealed_version));
                                  }));
    if (reply.needs_worker) return reply;
    reply.detail = "from " + source.name.text() + (reply.detail.empty() ? "" : "; " + reply.detail);
  }
  reply.seen.insert(reply.seen.end(), keyring->seen.begin(), keyring->seen.end());
  reply.outdated = [both = std::array{reply.outdated, parts.keyrings->outdated(source.name, keyring)}] {
    for (const std::function<void()>& outdated : both) {
      if (outdated) outdated();
    }
  };
  return reply;
}

Route reencrypt_route(const Parts& parts) {
  Route route{"POST",        "ReEncrypt", Access::kPolicy,     policy::Operation::kRewrap, Recording::kService,
              Work::kInline, {},          Malformed::kRecorded};
  route.parse = [parts](Call& call) -> Result<Parsed> {
    CLOISTER_TRY(const Body body,
                 Body::parse(call, {"CiphertextBlob", "SourceEncryptionContext", "SourceKeyId", "DestinationKeyId",
                                    "DestinationEncryptionContext", "SourceEncryptionAlgorithm",
                                    "DestinationEncryptionAlgorithm", "GrantTokens", "DryRun"}));
    CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
    CLOISTER_RETURN_IF_ERROR(expect_symmetric(body, "SourceEncryptionAlgorithm"));
    CLOISTER_RETURN_IF_ERROR(expect_symmetric(body, "DestinationEncryptionAlgorithm"));
    const auto request = std::make_shared<ReEncryptRequest>();
    CLOISTER_TRY(request->named_source, optional_reference(*parts, call, body, "SourceKeyId"));
    CLOISTER_TRY(request->destination, key_reference(*parts, call, body, "DestinationKeyId"));
    CLOISTER_TRY(request->source_context, read_context(body, "SourceEncryptionContext"));
    CLOISTER_TRY(request->destination_context, read_context(body, "DestinationEncryptionContext"));
    bind(call, request->source_context);
    CLOISTER_TRY(request->ciphertext, read_ciphertext(call, body));
    Parsed parsed;
    parsed.target = {call.scope.tenant, call.scope.environment, "", 1};
    parsed.resolve = [parts, request](Call& same, keys::Hierarchy* hierarchy) {
      return resolve_reencrypt(*parts, *request, same, hierarchy);
    };
    parsed.act = [parts, request](Call& same, keys::Hierarchy* hierarchy) {
      return reencrypt(*parts, *request, same, hierarchy);
    };
    return parsed;
  };
  return route;
}

Result<TenantAct> prepare_random(const AwsDialectParts& parts, Call& call, Target& target) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"NumberOfBytes", "CustomKeyStoreId", "Recipient"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  CLOISTER_TRY(const auto size, body.number("NumberOfBytes", 1, kDataKeyMax));
  if (!size) return Error(Code::kInvalid, "the member NumberOfBytes is missing");
  if (body.has("CustomKeyStoreId")) return Error(Code::kInvalid, "there are no custom key stores here");
  target = {};  // an operation on the service
  return TenantAct([&parts, size = *size](Call&, keys::Hierarchy*) -> Result<Reply> {
    net::Buffer bytes(size);
    parts.keyrings->random().fill(bytes);
    return answer_of([&](JsonWriter& json) { json.name("Plaintext").bytes(bytes); });
  });
}

}  // namespace

std::vector<Route> seal_operations(const Parts& parts) {
  using policy::Operation;
  std::vector<Route> routes;
  routes.push_back(
      key_route(parts, {"Encrypt", Operation::kWrap}, [parts](Call& call) { return prepare_encrypt(*parts, call); }));
  routes.push_back(key_route(parts, {"GenerateDataKey", Operation::kGenerate},
                             [parts](Call& call) { return prepare_data_key(*parts, Plaintext::kShown, call); }));
  routes.push_back(key_route(parts, {"GenerateDataKeyWithoutPlaintext", Operation::kGenerate},
                             [parts](Call& call) { return prepare_data_key(*parts, Plaintext::kKept, call); }));
  routes.push_back(decrypt_route(parts));
  routes.push_back(reencrypt_route(parts));
  routes.push_back(plain_route({"GenerateRandom", Operation::kRandom},
                               [parts](Call& call, Target& target) { return prepare_random(*parts, call, target); }));
  return routes;
}

}  // namespace cloister::service::aws
