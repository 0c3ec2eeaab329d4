#include "model/bundle.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/x509.h"

namespace cloister::model {
namespace {

constexpr JsonLimits kLimits{.size = kBundleSizeMax, .depth = 12, .values = 4096};
constexpr std::size_t kSignatureSizeMax = 1024;
constexpr std::size_t kHintSizeMax = 256;

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Status expect_only(const JsonValue& value, std::initializer_list<std::string_view> names, std::string_view what) {
  if (value.object() == nullptr) return corrupt(std::string(what) + " isn't an object");
  for (const JsonValue::Member& member : *value.object()) {
    if (std::ranges::find(names, member.first) == names.end()) {
      return corrupt(std::string(what) + " has a member that it can't have");
    }
  }
  return {};
}

Result<std::string> text_of(const JsonValue& value, std::string_view name) {
  const JsonValue* const found = value.find(name);
  if (found == nullptr || found->string() == nullptr) return corrupt("it has no " + std::string(name));
  return *found->string();
}

Result<Bytes> bytes_of(const JsonValue& value, std::string_view name, std::size_t size_max) {
  CLOISTER_TRY(const std::string text, text_of(value, name));
  auto bytes = from_base64(text);
  if (!bytes.ok()) return corrupt("its " + std::string(name) + " isn't base64");
  if (bytes->empty() || bytes->size() > size_max)
    return corrupt("its " + std::string(name) + " is of no possible size");
  return bytes;
}

// Older bundles hold the key itself, as text that Cloister never looks at: a key is trusted or it isn't.
Status read_key(const JsonValue& material, Bundle& bundle) {
  bundle.method = Method::kKey;
  if (material.object() == nullptr) return corrupt("its public key isn't an object");
  const JsonValue* const hint = material.find("hint");
  if (hint == nullptr || hint->is_null()) return {};
  if (hint->string() == nullptr || hint->string()->size() > kHintSizeMax) return corrupt("its hint isn't a text");
  bundle.hint = *hint->string();
  return {};
}

Status read_chain(const JsonValue& material, Bundle& bundle) {
  bundle.method = Method::kCertificate;
  const JsonValue* const list = material.find("certificates");
  if (list == nullptr || list->array() == nullptr || list->array()->empty()) return corrupt("it has no certificates");
  if (list->array()->size() > kCertificatesMax) return corrupt("it has too many certificates");
  for (const JsonValue& entry : *list->array()) {
    CLOISTER_TRY(Bytes certificate, bytes_of(entry, "rawBytes", crypto::kCertificateSizeMax));
    bundle.certificates.push_back(std::move(certificate));
  }
  return {};
}

Status read_material(const JsonValue& root, Bundle& bundle) {
  const JsonValue* const material = root.find("verificationMaterial");
  if (material == nullptr) return corrupt("it has no verificationMaterial");
  CLOISTER_RETURN_IF_ERROR(expect_only(
      *material, {"publicKey", "x509CertificateChain", "certificate", "tlogEntries", "timestampVerificationData"},
      "its verificationMaterial"));
  const JsonValue* const key = material->find("publicKey");
  const JsonValue* const chain = material->find("x509CertificateChain");
  const JsonValue* const certificate = material->find("certificate");
  if ((key != nullptr) + (chain != nullptr) + (certificate != nullptr) != 1) {
    return corrupt("its verificationMaterial isn't of exactly one kind");
  }
  if (key != nullptr) return read_key(*key, bundle);
  if (chain != nullptr) return read_chain(*chain, bundle);
  bundle.method = Method::kSigstore;
  const JsonValue* const entries = material->find("tlogEntries");
  if (entries == nullptr || entries->array() == nullptr || entries->array()->empty()) {
    return Error(Code::kDenied, "a keyless signature without an entry of a log");
  }
  return {};
}

Status read_envelope(const JsonValue& root, Bundle& bundle) {
  const JsonValue* const envelope = root.find("dsseEnvelope");
  if (envelope == nullptr) return corrupt("it has no dsseEnvelope");
  CLOISTER_RETURN_IF_ERROR(expect_only(*envelope, {"payload", "payloadType", "signatures"}, "its envelope"));
  CLOISTER_TRY(bundle.payload_type, text_of(*envelope, "payloadType"));
  CLOISTER_TRY(bundle.payload, bytes_of(*envelope, "payload", kBundleSizeMax));
  const JsonValue* const signatures = envelope->find("signatures");
  if (signatures == nullptr || signatures->array() == nullptr || signatures->array()->size() != 1) {
    return corrupt("it doesn't have exactly one signature");
  }
  const JsonValue& signature = signatures->array()->front();
  CLOISTER_RETURN_IF_ERROR(expect_only(signature, {"sig", "keyid"}, "its signature"));
  const JsonValue* const key_id = signature.find("keyid");
  if (key_id != nullptr && !key_id->is_null() && key_id->string() == nullptr) return corrupt("its keyid isn't a text");
  CLOISTER_TRY(bundle.signature, bytes_of(signature, "sig", kSignatureSizeMax));
  return {};
}

}  // namespace

std::string_view method_name(Method method) {
  switch (method) {
    case Method::kKey: return "key";
    case Method::kCertificate: return "certificate";
    case Method::kSigstore: break;
  }
  return "sigstore";
}

Result<Bundle> parse_bundle(std::string_view text) {
  const auto root = parse_json(text, kLimits);
  if (!root.ok()) return corrupt("the signature " + root.error().message());
  CLOISTER_RETURN_IF_ERROR(
      expect_only(*root, {"mediaType", "verificationMaterial", "dsseEnvelope"}, "the signature's bundle"));
  CLOISTER_TRY(const std::string type, text_of(*root, "mediaType"));
  if (type != kBundleMediaType) return Error(Code::kUnsupported, "a bundle of another media type");
  Bundle bundle;
  CLOISTER_RETURN_IF_ERROR(read_material(*root, bundle));
  CLOISTER_RETURN_IF_ERROR(read_envelope(*root, bundle));
  return bundle;
}

std::string serialize_bundle(const Bundle& bundle) {
  CLOISTER_CHECK(bundle.method != Method::kSigstore);
  JsonValue::Object material;
  if (bundle.method == Method::kKey) {
    material.emplace_back("publicKey", JsonValue::Object{{"hint", bundle.hint}});
  } else {
    JsonValue::Array chain;
    for (const Bytes& der : bundle.certificates) {
      chain.emplace_back(JsonValue::Object{{"rawBytes", to_base64(der)}});
    }
    material.emplace_back("x509CertificateChain", JsonValue::Object{{"certificates", std::move(chain)}});
  }
  material.emplace_back("tlogEntries", JsonValue::Array{});
  JsonValue::Array signatures;
  signatures.emplace_back(JsonValue::Object{{"sig", to_base64(bundle.signature)}, {"keyid", ""}});
  JsonValue::Object envelope{{"payload", to_base64(bundle.payload)},
                             {"payloadType", bundle.payload_type},
                             {"signatures", std::move(signatures)}};
  return JsonValue(JsonValue::Object{{"mediaType", std::string(kBundleMediaType)},
                                     {"verificationMaterial", std::move(material)},
                                     {"dsseEnvelope", std::move(envelope)}})
      .serialize();
}

Bytes signed_bytes(std::string_view payload_type, ByteView payload) {
  const std::string head = "DSSEv1 " + std::to_string(payload_type.size()) + " " + std::string(payload_type) + " " +
                           std::to_string(payload.size()) + " ";
  Bytes out = to_bytes(as_bytes(head));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

}  // namespace cloister::model
