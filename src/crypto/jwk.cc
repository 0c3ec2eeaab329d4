#include "crypto/jwk.h"

#include "base/base64.h"
#include "crypto/der.h"
#include "crypto/hash.h"

namespace cloister::crypto {
namespace {

struct Curve {
  std::string_view name;
  KeyType type;
};
constexpr Curve kCurves[] = {{"P-256", KeyType::kEcP256}, {"P-384", KeyType::kEcP384}, {"P-521", KeyType::kEcP521}};

Error malformed(std::string_view member) {
  return Error(Code::kInvalid, "a JWK's " + std::string(member) + " is missing or malformed");
}

Result<std::string_view> text_member(const JsonValue& jwk, std::string_view name) {
  const JsonValue* member = jwk.find(name);
  if (member == nullptr || member->string() == nullptr) return malformed(name);
  return std::string_view(*member->string());
}

Result<Bytes> bytes_member(const JsonValue& jwk, std::string_view name) {
  CLOISTER_TRY(const std::string_view text, text_member(jwk, name));
  auto bytes = from_base64(text, Base64::kUrl);
  if (!bytes.ok()) return malformed(name);
  return bytes;
}

Result<PublicKey> parse_ec(const JsonValue& jwk) {
  CLOISTER_TRY(const std::string_view name, text_member(jwk, "crv"));
  for (const Curve& curve : kCurves) {
    if (name != curve.name) continue;
    CLOISTER_TRY(const Bytes x, bytes_member(jwk, "x"));
    CLOISTER_TRY(const Bytes y, bytes_member(jwk, "y"));
    return PublicKey::from_ec_point(curve.type, x, y);
  }
  return Error(Code::kUnsupported, "a JWK on a curve that isn't used here");
}

Result<PublicKey> parse_okp(const JsonValue& jwk) {
  CLOISTER_TRY(const std::string_view name, text_member(jwk, "crv"));
  if (name != "Ed25519") return Error(Code::kUnsupported, "a JWK on a curve that isn't used here");
  CLOISTER_TRY(const Bytes x, bytes_member(jwk, "x"));
  return PublicKey::from_ed25519(x);
}

std::string url(ByteView bytes) { return to_base64(bytes, Base64::kUrl); }

// Big-endian without the zero that DER puts before a top bit.
ByteView magnitude(ByteView integer) { return integer.size() > 1 && integer[0] == 0 ? integer.subspan(1) : integer; }

JsonValue::Object rsa_members(const PublicKey& key) {
  DerReader outer(key.raw());
  DerReader reader(outer.expect(der::kSequence, "an RSA key").value());
  const ByteView modulus = reader.expect(der::kInteger, "a modulus").value();
  const ByteView exponent = reader.expect(der::kInteger, "an exponent").value();
  return {{"e", url(magnitude(exponent))}, {"kty", "RSA"}, {"n", url(magnitude(modulus))}};
}

}  // namespace

Result<PublicKey> parse_jwk(const JsonValue& jwk) {
  CLOISTER_TRY(const std::string_view type, text_member(jwk, "kty"));
  if (type != "EC" && type != "OKP" && type != "RSA") {
    return Error(Code::kUnsupported, "a JWK of a kind that isn't used here");
  }
  if (jwk.find("d") != nullptr) {
    return Error(Code::kInvalid, "a JWK comes with its private half: that key is no secret any more");
  }
  if (type == "EC") return parse_ec(jwk);
  if (type == "OKP") return parse_okp(jwk);
  CLOISTER_TRY(const Bytes modulus, bytes_member(jwk, "n"));
  CLOISTER_TRY(const Bytes exponent, bytes_member(jwk, "e"));
  return PublicKey::from_rsa(modulus, exponent);
}

JsonValue::Object to_jwk(const PublicKey& key) {
  if (key.type() == KeyType::kRsa) return rsa_members(key);
  if (key.type() == KeyType::kEd25519) return {{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", url(key.raw())}};
  const std::size_t size = ec_coordinate_size(key.type());
  std::string_view name;
  for (const Curve& curve : kCurves) {
    if (curve.type == key.type()) name = curve.name;
  }
  return {{"crv", std::string(name)},
          {"kty", "EC"},
          {"x", url(key.raw().subspan(1, size))},
          {"y", url(key.raw().last(size))}};
}

std::string jwk_thumbprint(const PublicKey& key) { return url(sha256(as_bytes(JsonValue(to_jwk(key)).serialize()))); }

}  // namespace cloister::crypto
