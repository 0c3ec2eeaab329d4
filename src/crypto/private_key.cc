// The private half of asymmetric_key.h: making, reading, writing and signing without a copy outside of Secret that
// isn't wiped.
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/params.h>

#include <algorithm>

#include "crypto/asymmetric_key.h"
#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/pem.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kPemLabel = "PRIVATE KEY";
constexpr std::size_t kEd25519SeedSize = 32;
constexpr std::size_t kCurveOffset = 11;   // of the curve's OID in an EC key's algorithm identifier
constexpr unsigned kNonceFromMessage = 1;  // OSSL_SIGNATURE_PARAM_NONCE_TYPE: RFC 6979

bool is_private_type(KeyType type) {
  return type == KeyType::kEcP256 || type == KeyType::kEcP384 || type == KeyType::kEd25519;
}

Error unsupported(KeyType type) {
  return Error(Code::kUnsupported, "private keys of type " + std::string(key_type_name(type)) + " aren't used here");
}

Error malformed() { return Error(Code::kInvalid, "the private key is malformed"); }

std::size_t scalar_size(KeyType type) {
  return type == KeyType::kEd25519 ? kEd25519SeedSize : ec_coordinate_size(type);
}

Result<PublicKey> ed25519_public(const Secret& seed) {
  const ByteView raw = seed.expose();
  const PkeyHandle key(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, raw.data(), raw.size()));
  CLOISTER_CHECK(key != nullptr);
  std::uint8_t public_key[32];
  std::size_t size = sizeof public_key;
  CLOISTER_CHECK(EVP_PKEY_get_raw_public_key(key.get(), public_key, &size) == 1 && size == sizeof public_key);
  return PublicKey::from_ed25519(public_key);
}

// kInvalid unless 0 < scalar < order.
Result<PublicKey> ec_public(KeyType type, const Secret& scalar) {
  const int curve = type == KeyType::kEcP256 ? NID_X9_62_prime256v1 : NID_secp384r1;
  const GroupHandle group(EC_GROUP_new_by_curve_name_ex(nullptr, nullptr, curve));
  const PointHandle point(EC_POINT_new(group.get()));
  const NumberContext numbers(BN_CTX_secure_new());
  const SecretNumber number(BN_secure_new());
  CLOISTER_CHECK(group != nullptr && point != nullptr && numbers != nullptr && number != nullptr);
  const ByteView raw = scalar.expose();
  CLOISTER_CHECK(BN_bin2bn(raw.data(), static_cast<int>(raw.size()), number.get()) != nullptr);
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return malformed();
  Bytes encoded(1 + 2 * ec_coordinate_size(type));
  CLOISTER_CHECK(EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, numbers.get()) == 1);
  CLOISTER_CHECK(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                                    encoded.size(), numbers.get()) == encoded.size());
  const std::size_t size = ec_coordinate_size(type);
  return PublicKey::from_ec_point(type, ByteView(encoded).subspan(1, size), ByteView(encoded).last(size));
}

PkeyHandle ec_pair(KeyType type, const Secret& scalar, ByteView point) {
  Secret native = Secret::copy_of(scalar.expose());  // OSSL_PARAM has integers in the machine's order
  if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(native.expose_mutable());
  char p256[] = "P-256";
  char p384[] = "P-384";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, type == KeyType::kEcP256 ? p256 : p384, 0),
      OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native.expose_mutable().data(), native.size()),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(point.data()), point.size()),
      OSSL_PARAM_construct_end(),
  };
  const PkeyContextHandle context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  CLOISTER_CHECK(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1);
  CLOISTER_CHECK(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, parameters) == 1);
  return PkeyHandle(key);
}

Secret joined(ByteView before, ByteView secret, ByteView after) {
  Secret out(before.size() + secret.size() + after.size());
  auto to = std::ranges::copy(before, out.expose_mutable().begin()).out;
  to = std::ranges::copy(secret, to).out;
  std::ranges::copy(after, to);
  return out;
}

// ECPrivateKey, RFC 5915. The scalar; `point` is set when the public part is there.
Result<Secret> parse_ec_private(KeyType type, ByteView der, Bytes& point) {
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, "an EC private key"));
  DerReader reader(content);
  CLOISTER_TRY(const ByteView version, reader.expect(der::kInteger, "an EC private key's version"));
  CLOISTER_TRY(const ByteView scalar, reader.expect(der::kOctetString, "an EC private key's scalar"));
  CLOISTER_TRY(const auto curve, reader.maybe(der::constructed(0), "an EC private key's curve"));
  CLOISTER_TRY(const auto public_part, reader.maybe(der::constructed(1), "an EC private key's public part"));
  if (!outer.at_end() || !reader.at_end() || version.size() != 1 || version[0] != 1) return malformed();
  if (curve && !equal(*curve, key_algorithm_identifier(type).subspan(kCurveOffset))) return malformed();
  if (public_part) {
    DerReader inner(*public_part);
    CLOISTER_TRY(const ByteView bits, inner.expect(der::kBitString, "an EC private key's public part"));
    if (!inner.at_end() || bits.empty() || bits[0] != 0) return malformed();
    point = to_bytes(bits.subspan(1));
  }
  return Secret::copy_of(scalar);
}

struct Pkcs8 {
  KeyType type;
  ByteView key;
  std::optional<ByteView> public_part;  // version 2's
};

Result<Pkcs8> parse_pkcs8(ByteView der) {
  CLOISTER_RETURN_IF_ERROR(check_der(der, "a private key", 6));
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, "a private key"));
  DerReader reader(content);
  CLOISTER_TRY(const ByteView version, reader.expect(der::kInteger, "a private key's version"));
  CLOISTER_TRY(const DerElement algorithm, reader.next("a private key's algorithm"));
  CLOISTER_TRY(const ByteView key, reader.expect(der::kOctetString, "a private key's bytes"));
  CLOISTER_TRY(const auto attributes, reader.maybe(der::constructed(0), "a private key's attributes"));
  CLOISTER_TRY(const auto public_part, reader.maybe(der::primitive(1), "a private key's public part"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a private key"));
  ignore_result(attributes);
  const bool second = version.size() == 1 && version[0] == 1;
  if (version.size() != 1 || version[0] > 1 || (public_part && !second)) return malformed();
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519}) {
    if (equal(algorithm.whole, key_algorithm_identifier(type))) return Pkcs8{type, key, public_part};
  }
  return Error(Code::kUnsupported, "private keys of this kind aren't used here: EC P-256, EC P-384, Ed25519");
}

}  // namespace

Result<PrivateKey> PrivateKey::generate(KeyType type, Random& random) {
  if (!is_private_type(type)) return unsupported(type);
  // A scalar out of range is drawn again (FIPS 186-5 A.2.2): for these curves that has never happened to anyone.
  for (int attempt = 0; attempt < 16; ++attempt) {
    Secret scalar(scalar_size(type));
    random.fill(scalar.expose_mutable());
    auto key = from_scalar(type, std::move(scalar));
    if (key.ok()) return key;
  }
  return Error(Code::kInternal, "make a private key: the randomness is broken");
}

Result<PrivateKey> PrivateKey::from_scalar(KeyType type, Secret scalar) {
  if (!is_private_type(type)) return unsupported(type);
  if (scalar.size() != scalar_size(type)) return malformed();
  CLOISTER_TRY(PublicKey public_key, type == KeyType::kEd25519 ? ed25519_public(scalar) : ec_public(type, scalar));
  return PrivateKey(std::move(scalar), std::move(public_key));
}

Result<PrivateKey> PrivateKey::from_pkcs8(const Secret& der) {
  CLOISTER_TRY(const Pkcs8 outline, parse_pkcs8(der.expose()));
  Secret scalar;
  Bytes point;
  if (outline.type == KeyType::kEd25519) {
    DerReader inner(outline.key);
    CLOISTER_TRY(const ByteView seed, inner.expect(der::kOctetString, "an Ed25519 private key"));
    if (!inner.at_end()) return malformed();
    scalar = Secret::copy_of(seed);
  } else {
    CLOISTER_TRY(scalar, parse_ec_private(outline.type, outline.key, point));
  }
  if (outline.public_part) {
    if (outline.public_part->empty() || (*outline.public_part)[0] != 0) return malformed();
    if (!point.empty() && !equal(point, outline.public_part->subspan(1))) return malformed();
    point = to_bytes(outline.public_part->subspan(1));
  }
  CLOISTER_TRY(PrivateKey key, from_scalar(outline.type, std::move(scalar)));
  if (!point.empty() && !equal(point, key.public_key().raw())) {
    return Error(Code::kInvalid, "the private key's public part is another key's");
  }
  return key;
}

Result<PrivateKey> PrivateKey::from_pkcs8_pem(const Secret& text) {
  CLOISTER_TRY(const Secret der, parse_secret_pem(text, kPemLabel));
  return from_pkcs8(der);
}

Secret PrivateKey::to_pkcs8() const {
  const std::size_t size = scalar_.size();
  Bytes before, after;  // everything but the scalar, from the inside out
  const auto prepend = [&before](ByteView part) { before.insert(before.begin(), part.begin(), part.end()); };
  const auto enclose = [&](std::uint8_t tag) { prepend(der_header(tag, before.size() + size + after.size())); };
  enclose(der::kOctetString);
  if (type() != KeyType::kEd25519) {
    after = der_element(der::constructed(1), {der_bit_string(public_key_.raw())});
    prepend(der_small_integer(1));
    enclose(der::kSequence);
  }
  enclose(der::kOctetString);
  prepend(key_algorithm_identifier(type()));
  prepend(der_small_integer(0));
  enclose(der::kSequence);
  return joined(before, scalar_.expose(), after);
}

Secret PrivateKey::to_pkcs8_pem() const { return to_secret_pem(to_pkcs8(), kPemLabel); }

Bytes PrivateKey::sign(ByteView message) const {
  const bool is_ed25519 = type() == KeyType::kEd25519;
  const ByteView raw = scalar_.expose();
  const PkeyHandle key =
      is_ed25519 ? PkeyHandle(EVP_PKEY_new_raw_private_key_ex(nullptr, "ED25519", nullptr, raw.data(), raw.size()))
                 : ec_pair(type(), scalar_, public_key_.raw());
  const DigestContext context(EVP_MD_CTX_new());
  unsigned nonce_type = kNonceFromMessage;
  const OSSL_PARAM deterministic[] = {OSSL_PARAM_construct_uint(OSSL_SIGNATURE_PARAM_NONCE_TYPE, &nonce_type),
                                      OSSL_PARAM_construct_end()};
  const char* digest = is_ed25519 ? nullptr : type() == KeyType::kEcP256 ? "SHA256" : "SHA384";
  CLOISTER_CHECK(key != nullptr && context != nullptr);
  CLOISTER_CHECK(EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key.get(),
                                       is_ed25519 ? nullptr : deterministic) == 1);
  std::size_t size = 0;
  CLOISTER_CHECK(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  CLOISTER_CHECK(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

}  // namespace cloister::crypto
