// Key pairs for the caller: made here, the private half sealed under the named key.
#include <algorithm>
#include <array>

#include "crypto/hash.h"
#include "crypto/key_pair.h"
#include "service/aws/operations.h"

namespace cloister::service::aws {
namespace {

struct PairName {
  std::string_view name;
  crypto::PairKind kind;
};
constexpr std::array<PairName, 6> kPairs{{{"RSA_2048", crypto::PairKind::kRsa2048},
                                          {"RSA_3072", crypto::PairKind::kRsa3072},
                                          {"RSA_4096", crypto::PairKind::kRsa4096},
                                          {"ECC_NIST_P256", crypto::PairKind::kP256},
                                          {"ECC_NIST_P384", crypto::PairKind::kP384},
                                          {"ECC_NIST_EDWARDS25519", crypto::PairKind::kEd25519}}};

enum class Private { kShown, kKept };

struct PairRequest {
  PairName pair;
  Private shown;
  Context context;
};

Result<Reply> make_pair(const AwsDialectParts& parts, const PairRequest& request, Call& call, const KnownKey& key,
                        keys::Hierarchy* hierarchy) {
  CLOISTER_TRY(const auto keyring, unlock(parts, call, key, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  CLOISTER_TRY(const crypto::MadePair pair, crypto::generate_key_pair(request.pair.kind));
  CLOISTER_TRY(const Bytes sealed, seal_message(*keyring, key.name, pair.private_key.expose(),
                                                request.context.canonical, parts.keyrings->random()));
  CLOISTER_TRY(const MessageOutline outline, parse_message(sealed));
  Reply reply = answer_of([&](JsonWriter& json) {
    json.name("PrivateKeyCiphertextBlob").bytes(sealed);
    if (request.shown == Private::kShown) json.name("PrivateKeyPlaintext").bytes(pair.private_key.expose());
    json.name("PublicKey").bytes(pair.public_key).member("KeyId", arn_of(parts, key.name, key.id));
    json.member("KeyPairSpec", request.pair.name).member("KeyMaterialId", material_id(key.id, outline.key_version));
  });
  reply.key_version = outline.key_version;
  reply.detail = "key pair " + std::string(request.pair.name);
  if (!request.context.note.empty()) reply.detail += "; " + request.context.note;
  reply.seen = keyring->seen;
  reply.outdated = parts.keyrings->outdated(key.name, keyring);
  return reply;
}

Result<KeyOperation> prepare_pair(const AwsDialectParts& parts, Private shown, Call& call) {
  CLOISTER_TRY(const Body body,
               Body::parse(call, {"KeyId", "KeyPairSpec", "EncryptionContext", "GrantTokens", "Recipient", "DryRun"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const std::string spec, body.text("KeyPairSpec", 64));
  const auto found = std::ranges::find(kPairs, spec, &PairName::name);
  if (found == kPairs.end()) {
    call.fault = "UnsupportedOperationException";
    return Error(Code::kInvalid, "pairs of that KeyPairSpec aren't made here");
  }
  CLOISTER_TRY(Context context, read_context(body, "EncryptionContext"));
  call.context_digest = crypto::sha256(context.canonical);
  operation.use = KeyUse::kSeal;
  operation.act = [&parts, request = PairRequest{*found, shown, std::move(context)}](Call& same, const KnownKey& key,
                                                                                     keys::Hierarchy* hierarchy) {
    return make_pair(parts, request, same, key, hierarchy);
  };
  return operation;
}

}  // namespace

std::vector<Route> pair_operations(const Parts& parts) {
  const auto kind = [](std::string_view name) {
    return OperationKind{name, policy::Operation::kGenerate, Recording::kService, Work::kWorker};
  };
  std::vector<Route> routes;
  routes.push_back(key_route(parts, kind("GenerateDataKeyPair"),
                             [parts](Call& call) { return prepare_pair(*parts, Private::kShown, call); }));
  routes.push_back(key_route(parts, kind("GenerateDataKeyPairWithoutPlaintext"),
                             [parts](Call& call) { return prepare_pair(*parts, Private::kKept, call); }));
  return routes;
}

}  // namespace cloister::service::aws
