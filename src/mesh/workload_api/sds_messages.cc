#include "mesh/workload_api/sds_messages.h"

#include <algorithm>

#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using identity::Bundle;
using net::Buffer;
using net::ProtobufField;
using net::ProtobufReader;
using net::ProtobufWriter;

constexpr std::size_t kTextMax = 2048;
constexpr std::size_t kReasonMax = 8192;
constexpr std::string_view kDisabled = "disable_spiffe_cert_validation";
constexpr std::string_view kDefaultSvid = "default";
constexpr std::string_view kOwnBundle = "ROOTCA";
constexpr std::string_view kAllBundles = "ALL";
constexpr std::string_view kValidatorName = "envoy.tls.cert_validator.spiffe";
constexpr std::string_view kValidatorType =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig";

// The first version of Envoy with a SPIFFE validator that is more than an experiment.
constexpr std::uint64_t kMajor = 1, kMinor = 18;

// The bytes of the last field of that number, empty when there is none: a message's submessage.
Result<ByteView> submessage(ByteView message, std::uint32_t number) {
  ProtobufReader reader(message);
  ByteView found;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return found;
    if (field->number != number) continue;
    CLOISTER_TRY(found, field->as_message("a part of the node"));
  }
}

// Whether a google.protobuf.Value says yes: as a bool, or as the text "true".
Result<bool> is_true(ByteView value) {
  ProtobufReader reader(value);
  bool yes = false;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return yes;
    if (field->number == 3) yes = as_text(field->bytes) == "true";
    if (field->number == 4) yes = field->value != 0;
  }
}

Result<bool> is_disabled(ByteView metadata) {
  ProtobufReader reader(metadata);
  bool disabled = false;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return disabled;
    if (field->number != 1) continue;
    CLOISTER_TRY(const ByteView bytes, field->as_message("metadata"));
    CLOISTER_TRY(const auto entry, net::read_entry(bytes, kTextMax));
    if (entry.key != kDisabled) continue;
    CLOISTER_TRY(disabled, is_true(entry.value));
  }
}

Result<bool> has_validator(ByteView build_version) {
  CLOISTER_TRY(const ByteView semantic, submessage(build_version, 1));
  ProtobufReader reader(semantic);
  std::uint64_t major = 0, minor = 0;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return major > kMajor || (major == kMajor && minor >= kMinor);
    if (field->number == 1) major = field->value;
    if (field->number == 2) minor = field->value;
  }
}

Result<Validation> validation_of(ByteView node) {
  CLOISTER_TRY(const ByteView metadata, submessage(node, 3));
  CLOISTER_TRY(const ByteView build_version, submessage(node, 8));
  CLOISTER_TRY(const bool disabled, is_disabled(metadata));
  CLOISTER_TRY(const bool able, has_validator(build_version));
  return able && !disabled ? Validation::kSpiffe : Validation::kPlain;
}

// google.rpc.Status. What Envoy complains of goes into our log, whatever is in it.
Result<std::string> reason_of(ByteView status) {
  CLOISTER_TRY(const ByteView text, submessage(status, 2));
  std::string plain(as_text(text.first(std::min(text.size(), kReasonMax))));
  std::ranges::replace_if(plain, [](char c) { return c < 0x20 || c > 0x7E; }, ' ');
  return plain;
}

Status add_field(SecretRequest& request, const ProtobufField& field) {
  switch (field.number) {
    case 1: {
      CLOISTER_TRY(request.version, field.as_string("version_info", kTextMax));
      break;
    }
    case 2: {
      CLOISTER_TRY(const ByteView node, field.as_message("node"));
      CLOISTER_TRY(request.validation, validation_of(node));
      break;
    }
    case 3: {
      if (request.names.size() >= kSecretNamesMax) return Error(Code::kInvalid, "there are too many resource_names");
      CLOISTER_TRY(const auto name, field.as_string("a resource name", kTextMax));
      request.names.emplace_back(name);
      break;
    }
    case 4: {
      CLOISTER_TRY(request.type, field.as_string("type_url", kTextMax));
      break;
    }
    case 5: {
      CLOISTER_TRY(request.nonce, field.as_string("response_nonce", kTextMax));
      break;
    }
    case 6: {
      CLOISTER_TRY(const ByteView status, field.as_message("error_detail"));
      CLOISTER_TRY(request.rejected, reason_of(status));
      break;
    }
    default: break;
  }
  return {};
}

Buffer any(std::string_view type, ByteView message) {
  Buffer out;
  ProtobufWriter(out).text(1, type).present(2, message);
  return out;
}
Buffer inline_bytes(ByteView bytes) {
  Buffer out;
  ProtobufWriter(out).present(2, bytes);
  return out;
}

std::string pem_of(const std::vector<crypto::Certificate>& certificates) {
  std::string pem;
  for (const crypto::Certificate& one : certificates) pem += one.to_pem();
  return pem;
}

void add_secret(Buffer& out, std::string_view name, std::uint32_t kind, ByteView message) {
  Buffer secret;
  ProtobufWriter(secret).text(1, name).present(kind, message);
  ProtobufWriter(out).present(2, any(kSecretType, secret));
}

void add_svid(Buffer& out, std::string_view name, const HeldSvid& held) {
  const crypto::Secret key = held.key->to_pkcs8_pem();
  Buffer certificate;
  ProtobufWriter(certificate)
      .present(1, inline_bytes(as_bytes(pem_of(held.svid.chain()))))
      .present(2, inline_bytes(key.expose()));
  add_secret(out, name, 2, certificate);
}

// `bundles`: those that are to be trusted under that name; with kPlain only one.
void add_bundles(Buffer& out, std::string_view name, const std::vector<const Bundle*>& bundles, Validation validation) {
  Buffer context;
  if (validation == Validation::kPlain) {
    ProtobufWriter(context).present(1, inline_bytes(as_bytes(pem_of(bundles.front()->x509_authorities()))));
    return add_secret(out, name, 4, context);
  }
  Buffer config;
  for (const Bundle* bundle : bundles) {
    Buffer trust_domain;
    ProtobufWriter(trust_domain)
        .text(1, bundle->trust_domain().name())
        .present(2, inline_bytes(as_bytes(pem_of(bundle->x509_authorities()))));
    ProtobufWriter(config).present(1, trust_domain);
  }
  Buffer extension;
  ProtobufWriter(extension).text(1, kValidatorName).present(2, any(kValidatorType, config));
  ProtobufWriter(context).present(12, extension);
  add_secret(out, name, 4, context);
}

// Those that vouch for anybody at all: Envoy refuses an empty one.
std::vector<const Bundle*> usable_bundles(const WorkloadState& state) {
  std::vector<const Bundle*> bundles;
  for (const auto& [trust_domain, bundle] : state.bundles.all()) {
    if (!bundle.x509_authorities().empty()) bundles.push_back(&bundle);
  }
  return bundles;
}

const HeldSvid* find_svid(const WorkloadState& state, std::string_view name) {
  if (name == kDefaultSvid) return state.svids.data();
  const auto found =
      std::ranges::find_if(state.svids, [name](const HeldSvid& one) { return one.svid.id().uri() == name; });
  return found == state.svids.end() ? nullptr : &*found;
}

const Bundle* find_bundle(const WorkloadState& state, const std::vector<const Bundle*>& usable, std::string_view name) {
  const std::string own = state.svids.front().svid.id().trust_domain().uri();
  const std::string_view wanted = name == kOwnBundle ? own : name;
  const auto found =
      std::ranges::find_if(usable, [wanted](const Bundle* one) { return one->trust_domain().uri() == wanted; });
  return found == usable.end() ? nullptr : *found;
}

std::vector<std::string> all_names(const WorkloadState& state, const std::vector<const Bundle*>& usable) {
  std::vector<std::string> names;
  for (const HeldSvid& held : state.svids) {
    std::string name = held.svid.id().uri();
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  for (const Bundle* bundle : usable) names.push_back(bundle->trust_domain().uri());
  return names;
}

}  // namespace

Result<SecretRequest> parse_secret_request(ByteView message) {
  ProtobufReader reader(message);
  SecretRequest request;
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return request;
    CLOISTER_RETURN_IF_ERROR(add_field(request, *field));
  }
}

Result<net::Buffer> write_secrets(const WorkloadState& state, const std::vector<std::string>& names,
                                  Validation validation) {
  CLOISTER_CHECK(!state.svids.empty());
  const std::vector<const Bundle*> usable = usable_bundles(state);
  Buffer out;
  std::string missing;
  for (const std::string& name : names.empty() ? all_names(state, usable) : names) {
    if (const HeldSvid* svid = find_svid(state, name)) {
      add_svid(out, name, *svid);
    } else if (const Bundle* bundle = find_bundle(state, usable, name)) {
      add_bundles(out, name, {bundle}, validation);
    } else if (name == kAllBundles && !usable.empty()) {
      if (validation == Validation::kPlain) {
        return Error(Code::kInvalid, "ALL takes an Envoy with a SPIFFE validator: its own would pool the authorities");
      }
      add_bundles(out, name, usable, validation);
    } else {
      missing += (missing.empty() ? "\"" : " \"") + name + "\"";
    }
  }
  if (missing.empty()) return out;
  return Error(Code::kNotFound, "workload is not authorized for the requested identities [" + missing + "]");
}

net::Buffer write_secret_answer(std::string_view version, ByteView secrets, std::string_view nonce) {
  Buffer out;
  ProtobufWriter(out).text(1, version);
  net::append(out, secrets);
  ProtobufWriter(out).text(4, kSecretType).text(5, nonce);
  return out;
}

}  // namespace cloister::mesh
