#include "crypto/asymmetric_key.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "crypto/der.h"
#include "crypto/openssl_handles.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kRsaBytesMin = 2048 / 8;
constexpr std::size_t kRsaBytesMax = 8192 / 8;
constexpr std::size_t kExponentBytesMax = 8;

// The AlgorithmIdentifier of each kind, whole: there is one spelling of each.
constexpr std::uint8_t kP256[] = {0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01,
                                  0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kP384[] = {0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                  0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
constexpr std::uint8_t kP521[] = {0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D,
                                  0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x23};
constexpr std::uint8_t kEd25519[] = {0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70};
constexpr std::uint8_t kRsa[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};

// And those of signatures.
constexpr std::uint8_t kEcdsaSha256[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02};
constexpr std::uint8_t kEcdsaSha384[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03};
constexpr std::uint8_t kEcdsaSha512[] = {0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04};
constexpr std::uint8_t kRsaSha256[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                       0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00};
constexpr std::uint8_t kRsaSha384[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                       0xF7, 0x0D, 0x01, 0x01, 0x0C, 0x05, 0x00};
constexpr std::uint8_t kRsaSha512[] = {0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                       0xF7, 0x0D, 0x01, 0x01, 0x0D, 0x05, 0x00};

constexpr SignatureAlgorithm kCertificateAlgorithms[] = {
    SignatureAlgorithm::kEcdsaSha256,    SignatureAlgorithm::kEcdsaSha384,    SignatureAlgorithm::kEcdsaSha512,
    SignatureAlgorithm::kEd25519,        SignatureAlgorithm::kRsaPkcs1Sha256, SignatureAlgorithm::kRsaPkcs1Sha384,
    SignatureAlgorithm::kRsaPkcs1Sha512,
};

constexpr KeyType kAllTypes[] = {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEcP521, KeyType::kEd25519,
                                 KeyType::kRsa};

bool is_ec(KeyType type) { return type == KeyType::kEcP256 || type == KeyType::kEcP384 || type == KeyType::kEcP521; }

Error malformed() { return Error(Code::kInvalid, "the public key is malformed"); }

Status check_rsa(ByteView raw) {
  DerReader outer(raw);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, "an RSA public key"));
  DerReader reader(content);
  CLOISTER_TRY(ByteView modulus, reader.expect(der::kInteger, "an RSA modulus"));
  CLOISTER_TRY(const ByteView exponent, reader.expect(der::kInteger, "an RSA exponent"));
  if (!outer.at_end() || !reader.at_end() || modulus.empty() || exponent.empty()) return malformed();
  if (modulus[0] == 0) modulus = modulus.subspan(1);
  // The top bit counts: a modulus of 2047 bits isn't one of 2048.
  if (modulus.size() < kRsaBytesMin || modulus.size() > kRsaBytesMax ||
      (modulus.size() == kRsaBytesMin && modulus[0] < 0x80)) {
    return Error(Code::kInvalid, "an RSA key has 2048 to 8192 bits here");
  }
  const bool odd = (modulus.back() & 1) == 1 && (exponent.back() & 1) == 1;
  const bool one = exponent.size() == 1 && exponent[0] == 1;
  if (!odd || one || exponent[0] >= 0x80 || exponent.size() > kExponentBytesMax) return malformed();
  return {};
}

// What OpenSSL would take although it has another spelling, or although it is too weak.
Status check_raw(KeyType type, ByteView raw) {
  if (type == KeyType::kRsa) return check_rsa(raw);
  if (type == KeyType::kEd25519) return raw.size() == 32 ? Status() : malformed();
  if (raw.size() != 1 + 2 * ec_coordinate_size(type) || raw[0] != 4) return malformed();
  return {};
}

Bytes spki_of(KeyType type, ByteView raw) {
  return der_element(der::kSequence, {key_algorithm_identifier(type), der_bit_string(raw)});
}

const char* digest_name(SignatureAlgorithm algorithm) {
  using enum SignatureAlgorithm;
  switch (algorithm) {
    case kEcdsaSha256:
    case kRsaPkcs1Sha256:
    case kRsaPssSha256: return "SHA256";
    case kEcdsaSha384:
    case kRsaPkcs1Sha384:
    case kRsaPssSha384: return "SHA384";
    case kEcdsaSha512:
    case kRsaPkcs1Sha512:
    case kRsaPssSha512: return "SHA512";
    case kEd25519: return nullptr;
  }
  return nullptr;
}

bool is_pss(SignatureAlgorithm algorithm) {
  using enum SignatureAlgorithm;
  return algorithm == kRsaPssSha256 || algorithm == kRsaPssSha384 || algorithm == kRsaPssSha512;
}

bool fits(KeyType type, SignatureAlgorithm algorithm) {
  using enum SignatureAlgorithm;
  if (type == KeyType::kEd25519) return algorithm == kEd25519;
  const bool ecdsa = algorithm == kEcdsaSha256 || algorithm == kEcdsaSha384 || algorithm == kEcdsaSha512;
  return is_ec(type) ? ecdsa : !ecdsa && algorithm != kEd25519;
}

// Which kind of key it is, if it is in the one spelling of that kind and strong enough.
Result<KeyType> check_spki(ByteView der) {
  CLOISTER_RETURN_IF_ERROR(check_der(der, "a public key", 4));
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, "a public key"));
  DerReader reader(content);
  CLOISTER_TRY(const DerElement algorithm, reader.next("a public key's algorithm"));
  CLOISTER_TRY(const ByteView bits, reader.expect(der::kBitString, "a public key's bits"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a public key"));
  const auto* type = std::ranges::find_if(
      kAllTypes, [&](KeyType candidate) { return equal(key_algorithm_identifier(candidate), algorithm.whole); });
  if (type == std::end(kAllTypes)) return Error(Code::kUnsupported, "public keys of this kind aren't used here");
  if (bits.empty() || bits[0] != 0) return malformed();
  CLOISTER_RETURN_IF_ERROR(check_raw(*type, bits.subspan(1)));
  return *type;
}

}  // namespace

std::string_view key_type_name(KeyType type) {
  switch (type) {
    case KeyType::kEcP256: return "EC P-256";
    case KeyType::kEcP384: return "EC P-384";
    case KeyType::kEcP521: return "EC P-521";
    case KeyType::kEd25519: return "Ed25519";
    case KeyType::kRsa: return "RSA";
  }
  return "";
}

SignatureAlgorithm signature_algorithm(KeyType type) {
  switch (type) {
    case KeyType::kEcP256: return SignatureAlgorithm::kEcdsaSha256;
    case KeyType::kEcP384: return SignatureAlgorithm::kEcdsaSha384;
    case KeyType::kEcP521: return SignatureAlgorithm::kEcdsaSha512;
    case KeyType::kEd25519: return SignatureAlgorithm::kEd25519;
    case KeyType::kRsa: break;
  }
  return SignatureAlgorithm::kRsaPkcs1Sha256;
}

Bytes ecdsa_signature(ByteView r, ByteView s) {
  return der_element(der::kSequence, {der_positive_integer(r), der_positive_integer(s)});
}

std::size_t ec_coordinate_size(KeyType curve) {
  return curve == KeyType::kEcP256 ? 32 : curve == KeyType::kEcP384 ? 48 : 66;
}

ByteView key_algorithm_identifier(KeyType type) {
  switch (type) {
    case KeyType::kEcP256: return kP256;
    case KeyType::kEcP384: return kP384;
    case KeyType::kEcP521: return kP521;
    case KeyType::kEd25519: return kEd25519;
    case KeyType::kRsa: break;
  }
  return kRsa;
}

ByteView signature_algorithm_identifier(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEcdsaSha256: return kEcdsaSha256;
    case SignatureAlgorithm::kEcdsaSha384: return kEcdsaSha384;
    case SignatureAlgorithm::kEcdsaSha512: return kEcdsaSha512;
    case SignatureAlgorithm::kEd25519: return kEd25519;
    case SignatureAlgorithm::kRsaPkcs1Sha256: return kRsaSha256;
    case SignatureAlgorithm::kRsaPkcs1Sha384: return kRsaSha384;
    case SignatureAlgorithm::kRsaPkcs1Sha512: return kRsaSha512;
    default: return {};
  }
}

Result<SignatureAlgorithm> signature_algorithm_of(ByteView identifier) {
  for (const auto algorithm : kCertificateAlgorithms) {
    if (equal(identifier, signature_algorithm_identifier(algorithm))) return algorithm;
  }
  return Error(Code::kUnsupported, "signatures of this kind aren't used here");
}

Result<PublicKey> PublicKey::from_spki(ByteView der) {
  CLOISTER_TRY(const KeyType type, check_spki(der));
  const QuietErrors quiet;
  const unsigned char* at = der.data();
  std::shared_ptr<EVP_PKEY> key(d2i_PUBKEY_ex(nullptr, &at, static_cast<long>(der.size()), nullptr, nullptr),
                                EVP_PKEY_free);
  if (key == nullptr || at != der.data() + der.size()) return malformed();
  return PublicKey(type, to_bytes(der), std::move(key));
}

Result<PublicKey> PublicKey::from_decoded(ByteView der, std::shared_ptr<evp_pkey_st> key) {
  CLOISTER_TRY(const KeyType type, check_spki(der));
  if (key == nullptr) return malformed();
  return PublicKey(type, to_bytes(der), std::move(key));
}

Result<PublicKey> PublicKey::from_ec_point(KeyType curve, ByteView x, ByteView y) {
  if (!is_ec(curve) || x.size() != ec_coordinate_size(curve) || y.size() != x.size()) return malformed();
  Bytes raw{4};
  raw.insert(raw.end(), x.begin(), x.end());
  raw.insert(raw.end(), y.begin(), y.end());
  return from_spki(spki_of(curve, raw));
}

Result<PublicKey> PublicKey::from_ed25519(ByteView raw) { return from_spki(spki_of(KeyType::kEd25519, raw)); }

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, ByteView exponent) {
  if (modulus.size() > kRsaBytesMax || exponent.size() > kExponentBytesMax) return malformed();
  return from_spki(spki_of(
      KeyType::kRsa, der_element(der::kSequence, {der_positive_integer(modulus), der_positive_integer(exponent)})));
}

ByteView PublicKey::raw() const {
  DerReader outer(*spki_);
  const auto content = outer.expect(der::kSequence, "a public key");
  CLOISTER_CHECK(content.ok());
  const ByteView bits = content->subspan(key_algorithm_identifier(type_).size());
  DerReader reader(bits);
  const auto raw = reader.expect(der::kBitString, "a public key's bits");
  CLOISTER_CHECK(raw.ok());
  return raw->subspan(1);
}

Status PublicKey::verify(SignatureAlgorithm algorithm, ByteView message, ByteView signature) const {
  if (!fits(type_, algorithm)) {
    return Error(Code::kInvalid, "a key of type " + std::string(key_type_name(type_)) + " doesn't sign like that");
  }
  const QuietErrors quiet;
  const DigestContext context(EVP_MD_CTX_new());
  CLOISTER_CHECK(context != nullptr);
  EVP_PKEY_CTX* parameters = nullptr;
  const bool begun = EVP_DigestVerifyInit_ex(context.get(), &parameters, digest_name(algorithm), nullptr, nullptr,
                                             key_.get(), nullptr) == 1;
  const bool padded =
      begun && (!is_pss(algorithm) || (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                                       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1));
  if (!padded) return Error(Code::kInternal, "verify a signature: OpenSSL doesn't begin");
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1)
    return {};
  return Error(Code::kCorrupt, "the signature isn't this key's over these bytes");
}

}  // namespace cloister::crypto
