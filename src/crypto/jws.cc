#include "crypto/jws.h"

#include <algorithm>

#include "base/base64.h"
#include "crypto/der.h"

namespace cloister::crypto {
namespace {

constexpr JsonLimits kHeaderLimits{4096, 8, 256};

struct Known {
  std::string_view name;
  JwsAlgorithm algorithm;
  SignatureAlgorithm signature;
  KeyType key;
};
constexpr Known kKnown[] = {
    {"RS256", JwsAlgorithm::kRs256, SignatureAlgorithm::kRsaPkcs1Sha256, KeyType::kRsa},
    {"RS384", JwsAlgorithm::kRs384, SignatureAlgorithm::kRsaPkcs1Sha384, KeyType::kRsa},
    {"RS512", JwsAlgorithm::kRs512, SignatureAlgorithm::kRsaPkcs1Sha512, KeyType::kRsa},
    {"ES256", JwsAlgorithm::kEs256, SignatureAlgorithm::kEcdsaSha256, KeyType::kEcP256},
    {"ES384", JwsAlgorithm::kEs384, SignatureAlgorithm::kEcdsaSha384, KeyType::kEcP384},
    {"ES512", JwsAlgorithm::kEs512, SignatureAlgorithm::kEcdsaSha512, KeyType::kEcP521},
    {"PS256", JwsAlgorithm::kPs256, SignatureAlgorithm::kRsaPssSha256, KeyType::kRsa},
    {"PS384", JwsAlgorithm::kPs384, SignatureAlgorithm::kRsaPssSha384, KeyType::kRsa},
    {"PS512", JwsAlgorithm::kPs512, SignatureAlgorithm::kRsaPssSha512, KeyType::kRsa},
};

const Known& known(JwsAlgorithm algorithm) {
  return *std::ranges::find_if(kKnown, [algorithm](const Known& one) { return one.algorithm == algorithm; });
}

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a token's " + std::string(what) + " is malformed");
}

Result<std::optional<std::string>> text_member(const JsonValue& header, std::string_view name) {
  const JsonValue* member = header.find(name);
  if (member == nullptr) return std::optional<std::string>();
  if (member->string() == nullptr) return malformed(name);
  return std::optional(*member->string());
}

Result<JwsHeader> parse_header(ByteView bytes) {
  auto json = parse_json(as_text(bytes), kHeaderLimits);
  if (!json.ok() || json->object() == nullptr) return malformed("header");
  CLOISTER_TRY(const auto name, text_member(*json, "alg"));
  if (!name) return Error(Code::kInvalid, "a token names no algorithm");
  const auto* const found = std::ranges::find_if(kKnown, [&](const Known& one) { return one.name == *name; });
  if (found == std::end(kKnown)) {
    return Error(Code::kInvalid, "a token's algorithm is none of RS, ES or PS 256, 384, 512");
  }
  if (json->find("crit") != nullptr || json->find("b64") != nullptr) {
    return Error(Code::kInvalid, "a token has extensions that must be understood");
  }
  JwsHeader header;
  header.algorithm = found->algorithm;
  CLOISTER_TRY(header.key_id, text_member(*json, "kid"));
  CLOISTER_TRY(header.type, text_member(*json, "typ"));
  return header;
}

// RFC 7518 3.4: r and s side by side, each as long as a coordinate.
Result<Bytes> ecdsa_der(ByteView raw, std::size_t coordinate) {
  if (raw.size() != 2 * coordinate) return Error(Code::kCorrupt, "a token's signature has the wrong length");
  return ecdsa_signature(raw.first(coordinate), raw.last(coordinate));
}

Result<Bytes> ecdsa_raw(ByteView der, std::size_t coordinate) {
  static constexpr std::string_view kWhat = "an ECDSA signature";
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  Bytes raw(2 * coordinate);
  for (std::size_t i = 0; i < 2; ++i) {
    CLOISTER_TRY(ByteView number, reader.expect(der::kInteger, kWhat));
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    if (number.size() > coordinate)
      return Error(Code::kInternal, std::string(kWhat) + " has a number that is too long");
    std::ranges::copy(number, raw.begin() + static_cast<std::ptrdiff_t>((i + 1) * coordinate - number.size()));
  }
  return raw;
}

}  // namespace

std::string_view jws_algorithm_name(JwsAlgorithm algorithm) { return known(algorithm).name; }

Result<Jws> Jws::parse(std::string_view token, std::size_t size_max) {
  if (token.size() > size_max) {
    return Error(Code::kInvalid, "a token is longer than " + std::to_string(size_max) + " characters");
  }
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Error(Code::kInvalid, "a token has three parts with dots between them");
  }
  const auto header = from_base64(token.substr(0, first), Base64::kUrl);
  auto payload = from_base64(token.substr(first + 1, second - first - 1), Base64::kUrl);
  auto signature = from_base64(token.substr(second + 1), Base64::kUrl);
  if (!header.ok() || !payload.ok() || !signature.ok()) return malformed("encoding");
  Jws jws;
  CLOISTER_TRY(jws.header_, parse_header(*header));
  if (signature->empty()) return Error(Code::kInvalid, "a token isn't signed");
  jws.payload_ = std::move(payload).value();
  jws.signature_ = std::move(signature).value();
  jws.signed_part_ = token.substr(0, second);
  return jws;
}

Result<Bytes> Jws::verified_payload(const PublicKey& key) const {
  const Known& algorithm = known(header_.algorithm);
  if (key.type() != algorithm.key) {
    return Error(Code::kInvalid, "a key of type " + std::string(key_type_name(key.type())) + " doesn't sign with " +
                                     std::string(algorithm.name));
  }
  Bytes signature = signature_;
  if (algorithm.key != KeyType::kRsa) {
    CLOISTER_TRY(signature, ecdsa_der(signature_, ec_coordinate_size(algorithm.key)));
  }
  CLOISTER_RETURN_IF_ERROR(key.verify(algorithm.signature, as_bytes(signed_part_), signature));
  return payload_;
}

Result<std::string> sign_jws(const JwsHeader& header, ByteView payload, Signer& signer, std::size_t size_max) {
  const Known& algorithm = known(header.algorithm);
  const bool offered = header.algorithm == JwsAlgorithm::kEs256 || header.algorithm == JwsAlgorithm::kEs384 ||
                       header.algorithm == JwsAlgorithm::kRs256;
  if (!offered || signer.public_key().type() != algorithm.key) {
    return Error(Code::kInvalid,
                 "tokens are signed with ES256 by a key on P-256, ES384 by one on P-384, RS256 by an RSA key");
  }
  JsonValue::Object members{{"alg", std::string(algorithm.name)}};
  if (header.key_id) members.emplace_back("kid", *header.key_id);
  if (header.type) members.emplace_back("typ", *header.type);
  std::string token = to_base64(as_bytes(JsonValue(std::move(members)).serialize()), Base64::kUrl) + "." +
                      to_base64(payload, Base64::kUrl);
  CLOISTER_TRY(Bytes signature, signer.sign(as_bytes(token)));
  if (!signer.public_key().verify(algorithm.signature, as_bytes(token), signature).ok()) {
    return Error(Code::kInternal, "sign a token: the signature isn't that of the signer's public key");
  }
  if (algorithm.key != KeyType::kRsa) {
    CLOISTER_TRY(signature, ecdsa_raw(signature, ec_coordinate_size(algorithm.key)));
  }
  token += "." + to_base64(signature, Base64::kUrl);
  if (token.size() > size_max) return Error(Code::kInvalid, "the token would be too long to be read");
  return token;
}

}  // namespace cloister::crypto
