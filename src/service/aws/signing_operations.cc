// Keys that sign and authenticate: GenerateMac, VerifyMac, Sign, Verify, GetPublicKey.
#include <algorithm>
#include <array>

#include "crypto/key_pair.h"
#include "service/aws/operations.h"

namespace cloister::service::aws {
namespace {

constexpr std::size_t kMessageMax = 4096;
constexpr std::size_t kSignatureMax = 6144;

struct MacName {
  std::string_view name;
  KeySpec spec;
  unsigned bits;
};
constexpr std::array<MacName, 3> kMacs{{{"HMAC_SHA_256", KeySpec::kHmac256, 256},
                                        {"HMAC_SHA_384", KeySpec::kHmac384, 384},
                                        {"HMAC_SHA_512", KeySpec::kHmac512, 512}}};

struct SigningName {
  std::string_view name;
  crypto::SignatureAlgorithm algorithm;
};
using enum crypto::SignatureAlgorithm;
constexpr std::array<SigningName, 9> kSignings{{{"RSASSA_PSS_SHA_256", kRsaPssSha256},
                                                {"RSASSA_PSS_SHA_384", kRsaPssSha384},
                                                {"RSASSA_PSS_SHA_512", kRsaPssSha512},
                                                {"RSASSA_PKCS1_V1_5_SHA_256", kRsaPkcs1Sha256},
                                                {"RSASSA_PKCS1_V1_5_SHA_384", kRsaPkcs1Sha384},
                                                {"RSASSA_PKCS1_V1_5_SHA_512", kRsaPkcs1Sha512},
                                                {"ECDSA_SHA_256", kEcdsaSha256},
                                                {"ECDSA_SHA_384", kEcdsaSha384},
                                                {"ED25519_SHA_512", kEd25519}}};

// One algorithm a key, but for RSA's six.
bool fits(KeySpec spec, crypto::SignatureAlgorithm algorithm) {
  switch (spec) {
    case KeySpec::kEd25519: return algorithm == kEd25519;
    case KeySpec::kP256: return algorithm == kEcdsaSha256;
    case KeySpec::kP384: return algorithm == kEcdsaSha384;
    case KeySpec::kRsa2048:
    case KeySpec::kRsa3072:
    case KeySpec::kRsa4096: return algorithm != kEd25519 && algorithm != kEcdsaSha256 && algorithm != kEcdsaSha384;
    default: return false;
  }
}

Error wrong_usage(Call& call, std::string_view what) {
  call.fault = "InvalidKeyUsageException";
  return Error(Code::kDenied, std::string(what));
}

// A use of a key's private material: unlocked, used, and on record with the rows that it relied on.
template <typename Use>
Result<Reply> with_material(const AwsDialectParts& parts, Call& call, const KnownKey& key, keys::Hierarchy* hierarchy,
                            const Use& use) {
  CLOISTER_TRY(const auto keyring, unlock(parts, call, key, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  CLOISTER_TRY(const crypto::Secret material, parts.keys->open_material(*keyring, key));
  CLOISTER_TRY(Reply reply, use(material));
  reply.seen = keyring->seen;
  reply.outdated = parts.keyrings->outdated(key.name, keyring);
  return reply;
}

struct MacRequest {
  MacName mac;
  net::Buffer message;
  std::optional<net::Buffer> expected;  // of VerifyMac
};

Result<Reply> mac(const AwsDialectParts& parts, const MacRequest& request, Call& call, const KnownKey& key,
                  keys::Hierarchy* hierarchy) {
  if (key.spec != request.mac.spec) return wrong_usage(call, "the key isn't for that MacAlgorithm");
  return with_material(parts, call, key, hierarchy, [&](const crypto::Secret& material) -> Result<Reply> {
    const Bytes computed = crypto::hmac_sha2(request.mac.bits, material, request.message);
    if (request.expected && !crypto::equal_constant_time(computed, *request.expected)) {
      call.fault = "KMSInvalidMacException";
      return Reply::of({ProblemCode::kWrapDoesNotOpen, "the MAC isn't this key's over the message"});
    }
    return answer_of([&](JsonWriter& json) {
      if (!request.expected) json.name("Mac").bytes(computed);
      if (request.expected) json.member("MacValid", true);
      json.member("MacAlgorithm", request.mac.name).member("KeyId", arn_of(parts, key.name, key.id));
    });
  });
}

enum class Proof { kMade, kChecked };

Result<KeyOperation> prepare_mac(const AwsDialectParts& parts, Proof proof, Call& call) {
  CLOISTER_TRY(const Body body,
               Body::parse(call, {"KeyId", "Message", "MacAlgorithm", "Mac", "GrantTokens", "DryRun"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const std::string name, body.text("MacAlgorithm", 64));
  const auto found = std::ranges::find(kMacs, name, &MacName::name);
  if (found == kMacs.end()) return Error(Code::kInvalid, "there is no MacAlgorithm of that name here");
  MacRequest request{*found, {}, {}};
  CLOISTER_TRY(request.message, body.blob("Message", 1, kMessageMax));
  if (proof == Proof::kChecked) {
    CLOISTER_TRY(request.expected, body.blob("Mac", 1, kSignatureMax));
  }
  operation.use = KeyUse::kMac;
  operation.act = [&parts, request = std::move(request)](Call& same, const KnownKey& key, keys::Hierarchy* hierarchy) {
    return mac(parts, request, same, key, hierarchy);
  };
  return operation;
}

struct SigningRequest {
  SigningName signing;
  crypto::Signed what = crypto::Signed::kMessage;
  net::Buffer message;
  net::Buffer signature;  // of Verify
};

Result<Reply> sign(const AwsDialectParts& parts, const SigningRequest& request, Call& call, const KnownKey& key,
                   keys::Hierarchy* hierarchy) {
  if (!fits(key.spec, request.signing.algorithm)) return wrong_usage(call, "the key isn't for that SigningAlgorithm");
  return with_material(parts, call, key, hierarchy, [&](const crypto::Secret& material) -> Result<Reply> {
    CLOISTER_TRY(const Bytes signature,
                 crypto::sign_with(material, request.signing.algorithm, request.what, request.message));
    return answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).name("Signature").bytes(signature);
      json.member("SigningAlgorithm", request.signing.name);
    });
  });
}

// Takes the keyring too, though only the public key is used: a key that is disabled verifies nothing.
Result<Reply> verify(const AwsDialectParts& parts, const SigningRequest& request, Call& call, const KnownKey& key,
                     keys::Hierarchy* hierarchy) {
  if (!fits(key.spec, request.signing.algorithm)) return wrong_usage(call, "the key isn't for that SigningAlgorithm");
  return with_material(parts, call, key, hierarchy, [&](const crypto::Secret&) -> Result<Reply> {
    const Status verified = crypto::verify_with(key.public_key, request.signing.algorithm, request.what,
                                                request.message, request.signature);
    if (!verified.ok() && verified.error().code() != Code::kCorrupt) return verified.error();
    if (!verified.ok()) {
      call.fault = "KMSInvalidSignatureException";
      return Reply::of({ProblemCode::kWrapDoesNotOpen, "the signature isn't this key's over the message"});
    }
    return answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).member("SignatureValid", true);
      json.member("SigningAlgorithm", request.signing.name);
    });
  });
}

Result<KeyOperation> prepare_signing(const AwsDialectParts& parts, Proof proof, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "Message", "MessageType", "Signature", "SigningAlgorithm",
                                                   "GrantTokens", "DryRun"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  CLOISTER_TRY(const std::string name, body.text("SigningAlgorithm", 64));
  const auto found = std::ranges::find(kSignings, name, &SigningName::name);
  if (found == kSignings.end()) return Error(Code::kInvalid, "there is no SigningAlgorithm of that name here");
  CLOISTER_TRY(const std::string type, body.text_or("MessageType", 32, "RAW"));
  if (type != "RAW" && type != "DIGEST") return Error(Code::kInvalid, "the member MessageType is RAW or DIGEST");
  SigningRequest request{*found, type == "RAW" ? crypto::Signed::kMessage : crypto::Signed::kDigest, {}, {}};
  CLOISTER_TRY(request.message, body.blob("Message", 1, kMessageMax));
  if (proof == Proof::kChecked) {
    CLOISTER_TRY(request.signature, body.blob("Signature", 1, kSignatureMax));
  }
  operation.use = KeyUse::kSign;
  operation.act = [&parts, proof, request = std::move(request)](Call& same, const KnownKey& key,
                                                                keys::Hierarchy* hierarchy) {
    return proof == Proof::kMade ? sign(parts, request, same, key, hierarchy)
                                 : verify(parts, request, same, key, hierarchy);
  };
  return operation;
}

constexpr std::string_view spec_of(KeySpec spec) {
  switch (spec) {
    case KeySpec::kEd25519: return "ECC_NIST_EDWARDS25519";
    case KeySpec::kP256: return "ECC_NIST_P256";
    case KeySpec::kP384: return "ECC_NIST_P384";
    case KeySpec::kRsa2048: return "RSA_2048";
    case KeySpec::kRsa3072: return "RSA_3072";
    default: return "RSA_4096";
  }
}

Result<KeyOperation> prepare_public_key(const AwsDialectParts& parts, Call& call) {
  CLOISTER_TRY(const Body body, Body::parse(call, {"KeyId", "GrantTokens"}));
  CLOISTER_RETURN_IF_ERROR(refuse_unsupported(call, body));
  KeyOperation operation;
  CLOISTER_TRY(operation.key, key_reference(parts, call, body));
  operation.use = KeyUse::kSign;
  operation.act = [&parts](Call&, const KnownKey& key, keys::Hierarchy*) -> Result<Reply> {
    return answer_of([&](JsonWriter& json) {
      json.member("KeyId", arn_of(parts, key.name, key.id)).name("PublicKey").bytes(key.public_key);
      json.member("CustomerMasterKeySpec", spec_of(key.spec)).member("KeySpec", spec_of(key.spec));
      json.member("KeyUsage", "SIGN_VERIFY").name("SigningAlgorithms").begin_array();
      for (const SigningName& signing : kSignings) {
        if (fits(key.spec, signing.algorithm)) json.value(signing.name);
      }
      json.end_array();
    });
  };
  return operation;
}

}  // namespace

std::vector<Route> signing_operations(const Parts& parts) {
  using policy::Operation;
  std::vector<Route> routes;
  const auto add = [&](OperationKind kind, Prepare prepare) { routes.push_back(key_route(parts, kind, prepare)); };
  add({"GenerateMac", Operation::kMacGenerate},
      [parts](Call& call) { return prepare_mac(*parts, Proof::kMade, call); });
  add({"VerifyMac", Operation::kMacVerify}, [parts](Call& call) { return prepare_mac(*parts, Proof::kChecked, call); });
  // An RSA signature takes milliseconds, which an I/O thread hasn't.
  add({"Sign", Operation::kSign, Recording::kService, Work::kWorker},
      [parts](Call& call) { return prepare_signing(*parts, Proof::kMade, call); });
  add({"Verify", Operation::kVerify, Recording::kService, Work::kWorker},
      [parts](Call& call) { return prepare_signing(*parts, Proof::kChecked, call); });
  add({"GetPublicKey", Operation::kDatasetShow}, [parts](Call& call) { return prepare_public_key(*parts, call); });
  return routes;
}

}  // namespace cloister::service::aws
