// HMACs and signatures of Vault's transit engine, by keys that are made for them.
#include <algorithm>
#include <array>

#include "base/base64.h"
#include "crypto/key_pair.h"
#include "service/vault/transit_body.h"
#include "service/vault/transit_routes.h"
#include "service/vault/vault_answer.h"

namespace cloister::service {
namespace {

using policy::Operation;
using enum crypto::SignatureAlgorithm;

// Keys that sign or authenticate have one version.
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kInputMax = std::size_t{64} << 10;

Error invalid(std::string message) { return Error(Code::kInvalid, std::move(message)); }

enum class Proof { kHmac, kSign, kVerifyHmac, kVerifySignature };

std::string_view work_name(Proof work) {
  switch (work) {
    case Proof::kHmac: return "hmac";
    case Proof::kSign: return "sign";
    case Proof::kVerifyHmac: return "verify hmac";
    case Proof::kVerifySignature: break;
  }
  return "verify";
}

// Bits of a SHA-2. Nothing said: what the key is made for.
Result<std::optional<unsigned>> hash_bits(const TransitItem::Text& algorithm) {
  if (!algorithm || algorithm->empty()) return std::optional<unsigned>();
  constexpr std::array<std::pair<std::string_view, unsigned>, 3> kHashes = {
      {{"sha2-256", 256}, {"sha2-384", 384}, {"sha2-512", 512}}};
  for (const auto& [name, bits] : kHashes) {
    if (*algorithm == name) return std::optional(bits);
  }
  return invalid("hash_algorithm is sha2-256, sha2-384 or sha2-512");
}

// What the options ask for, held against what there is.
Status check_options(const TransitBody& body) {
  const auto is = [](const TransitItem::Text& text, std::initializer_list<std::string_view> known) {
    return !text || text->empty() || std::ranges::find(known, *text) != known.end();
  };
  if (!is(body.signature_algorithm, {"pss", "pkcs1v15"})) return invalid("signature_algorithm is pss or pkcs1v15");
  if (!is(body.marshaling_algorithm, {"asn1"})) return invalid("marshaling_algorithm is asn1");
  if (!is(body.salt_length, {"auto", "hash"})) return invalid("salt_length is auto or hash: as long as the digest");
  return {};
}

Result<crypto::SignatureAlgorithm> algorithm_of(KeySpec spec, const TransitBody& body) {
  CLOISTER_TRY(const auto bits, hash_bits(body.algorithm));
  const auto fixed = [&](unsigned own, crypto::SignatureAlgorithm algorithm) -> Result<crypto::SignatureAlgorithm> {
    if (bits.value_or(own) == own) return algorithm;
    return invalid("this key signs with sha2-" + std::to_string(own) + " only");
  };
  switch (spec) {
    case KeySpec::kEd25519: return kEd25519;
    case KeySpec::kP256: return fixed(256, kEcdsaSha256);
    case KeySpec::kP384: return fixed(384, kEcdsaSha384);
    default: break;
  }
  const bool pkcs1 = body.signature_algorithm == "pkcs1v15";
  switch (bits.value_or(256)) {
    case 256: return pkcs1 ? kRsaPkcs1Sha256 : kRsaPssSha256;
    case 384: return pkcs1 ? kRsaPkcs1Sha384 : kRsaPssSha384;
    default: return pkcs1 ? kRsaPkcs1Sha512 : kRsaPssSha512;
  }
}

// One text of an item, decoded: the input, or a proof behind its prefix.
std::optional<net::Buffer> decoded(std::string_view text) {
  const auto size = base64_decoded_size(text);
  if (!size.ok() || *size > kInputMax) return std::nullopt;
  net::Buffer bytes(*size);
  if (!decode_base64(text, Base64::kStandard, bytes).ok()) return std::nullopt;
  return bytes;
}

class ProofRun {
 public:
  ProofRun(Proof work, const KnownKey& key, const crypto::Secret& material, const TransitBody& body)
      : work_(work), key_(key), material_(material), body_(body) {}

  Result<Reply> run(std::string_view request_id) {
    const bool mac = work_ == Proof::kHmac || work_ == Proof::kVerifyHmac;
    if (mac) {
      CLOISTER_TRY(const auto bits, hash_bits(body_.algorithm));
      bits_ = bits.value_or(256);
    } else {
      CLOISTER_TRY(algorithm_, algorithm_of(key_.spec, body_));
    }
    Reply reply;
    reply.response = vault_data(request_id, [&](JsonWriter& json) {
      json.begin_object();
      if (body_.batch) json.name("batch_results").begin_array();
      for (const TransitItem& item : body_.items) run_item(item, json);
      if (body_.batch) json.end_array();
      json.end_object();
    });
    const std::size_t count = body_.items.size();
    reply.detail = std::string(work_name(work_)) + ", " + std::to_string(count) + (count == 1 ? " item" : " items");
    if (failed_ != 0) reply.detail += ", " + std::to_string(failed_) + " refused: " + first_->message();
    if (wrong_ != 0) reply.detail += ", " + std::to_string(wrong_) + " not valid";
    if (failed_ == count) reply.problem = problem_of(*first_);
    if (failed_ != 0) reply.response.status = 400;
    reply.key_version = kVersion;
    return reply;
  }

 private:
  void run_item(const TransitItem& item, JsonWriter& json) {
    if (body_.batch) json.begin_object();
    const Status status = act(item, json);
    if (!status.ok()) {
      if (body_.batch) json.member("error", status.error().message());
      if (failed_++ == 0) first_ = status.error();
    }
    if (item.reference) json.member("reference", *item.reference);
    if (body_.batch) json.end_object();
  }

  Status act(const TransitItem& item, JsonWriter& json) {
    if (item.key_version > kVersion) return invalid("key_version: this key has one version");
    if (!item.input) return invalid("missing input");
    const auto input = decoded(*item.input);
    if (!input) return invalid("unable to decode input as base64 of at most 64 KiB");
    switch (work_) {
      case Proof::kHmac: {
        json.member("hmac", vault_text(kVersion, crypto::hmac_sha2(bits_, material_, *input)));
        return {};
      }
      case Proof::kSign: {
        CLOISTER_TRY(const Bytes signature, crypto::sign_with(material_, algorithm_, what(), *input));
        json.member("signature", vault_text(kVersion, signature)).member("key_version", std::uint64_t{kVersion});
        return {};
      }
      default: return verify(item, *input, json);
    }
  }

  Status verify(const TransitItem& item, ByteView input, JsonWriter& json) {
    const bool mac = work_ == Proof::kVerifyHmac;
    const TransitItem::Text& shown = mac ? item.hmac : item.signature;
    if (!shown || (mac ? item.signature : item.hmac)) {
      return invalid("a request verifies HMACs or signatures: each item has one of that kind");
    }
    const auto parts = parse_vault_text(*shown);
    const auto proof = parts ? decoded(parts->base64) : std::nullopt;
    if (!proof) return invalid("what is to be verified has no prefix, or isn't base64");
    bool valid = false;
    if (mac) {
      valid = crypto::equal_constant_time(crypto::hmac_sha2(bits_, material_, input), *proof);
    } else {
      const Status status = crypto::verify_with(key_.public_key, algorithm_, what(), input, *proof);
      if (!status.ok() && status.error().code() != Code::kCorrupt) return status.error();
      valid = status.ok();
    }
    valid = valid && parts->version == kVersion;
    wrong_ += valid ? 0 : 1;
    json.member("valid", valid);
    return {};
  }

  crypto::Signed what() const { return body_.prehashed ? crypto::Signed::kDigest : crypto::Signed::kMessage; }

  const Proof work_;
  const KnownKey& key_;
  const crypto::Secret& material_;
  const TransitBody& body_;
  unsigned bits_ = 256;
  crypto::SignatureAlgorithm algorithm_ = kEd25519;
  std::size_t failed_ = 0, wrong_ = 0;
  std::optional<Error> first_;
};

KeyUse use_for(Proof work) { return work == Proof::kHmac || work == Proof::kVerifyHmac ? KeyUse::kMac : KeyUse::kSign; }

Result<Reply> prove(const VaultKeys& keys, Proof work, const TransitBody& body, Call& call,
                    keys::Hierarchy* hierarchy) {
  // Signatures take long: not on the connection's thread.
  if (hierarchy == nullptr && work != Proof::kHmac && work != Proof::kVerifyHmac) return Reply::to_worker();
  CLOISTER_TRY(const auto key,
               keys.managed->by_name(call.target.dataset_name(), hierarchy == nullptr ? nullptr : &hierarchy->store()));
  if (key == nullptr) return Reply::to_worker();
  if (use_of(key->spec) != use_for(work)) {
    return Reply::of({ProblemCode::kInvalidRequest, "keys of this type don't " + std::string(work_name(work))});
  }
  CLOISTER_TRY(const auto keyring, keys.keyrings->get(call, hierarchy));
  if (keyring == nullptr) return Reply::to_worker();
  CLOISTER_TRY(const crypto::Secret material, keys.managed->open_material(*keyring, *key));
  CLOISTER_TRY(Reply reply, ProofRun(work, *key, material, body).run(call.request_id));
  reply.seen = keyring->seen;
  reply.outdated = keys.keyrings->outdated(call, keyring);
  return reply;
}

Parse parse_proof(const VaultKeys& keys, Proof work, TransitVerb verb) {
  return [keys, work, verb](Call& call) -> Result<Parsed> {
    Parsed parsed;
    CLOISTER_TRY(parsed.target, transit_target(call));
    CLOISTER_TRY(TransitBody body, parse_transit_body(call.request.body, verb));
    // The path's algorithm goes before that of the body.
    if (const std::string_view named = call.path.find("algorithm"); !named.empty()) body.algorithm = named;
    CLOISTER_RETURN_IF_ERROR(check_options(body));
    parsed.target.keys = static_cast<std::uint32_t>(body.items.size());
    parsed.act = [keys, work, body = std::move(body)](Call& same, keys::Hierarchy* hierarchy) {
      return prove(keys, work, body, same, hierarchy);
    };
    return parsed;
  };
}

void add(std::vector<Route>& routes, const VaultKeys& keys, const std::string& path, Operation operation, Proof work,
         TransitVerb verb) {
  for (const char* suffix : {"/{dataset}", "/{dataset}/{algorithm}"}) {
    routes.push_back({"POST", "/v1/transit/" + path + suffix, Access::kPolicy, operation, Recording::kService,
                      Work::kInline, parse_proof(keys, work, verb), Malformed::kRecorded});
  }
}

}  // namespace

std::vector<Route> transit_proof_routes(const VaultKeys& keys) {
  std::vector<Route> routes;
  add(routes, keys, "hmac", Operation::kMacGenerate, Proof::kHmac, TransitVerb::kHmac);
  add(routes, keys, "sign", Operation::kSign, Proof::kSign, TransitVerb::kSign);
  add(routes, keys, "verify", Operation::kVerify, Proof::kVerifySignature, TransitVerb::kVerify);
  return routes;
}

std::vector<Route> transit_mac_verify_routes(const VaultKeys& keys) {
  std::vector<Route> routes;
  add(routes, keys, "verify", Operation::kMacVerify, Proof::kVerifyHmac, TransitVerb::kVerify);
  return routes;
}

}  // namespace cloister::service
