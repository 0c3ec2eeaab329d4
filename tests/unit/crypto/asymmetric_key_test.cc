#include "crypto/asymmetric_key.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/der.h"
#include "crypto/signer.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::expect_refused;
using cloister::testing::unhex;
using cloister::testing::value_of;

constexpr KeyType kPrivateTypes[] = {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519};

PrivateKey key_of_type(KeyType type, std::uint64_t seed = 1) {
  DeterministicRandom random(seed);
  return value_of(PrivateKey::generate(type, random));
}

// RFC 6979 A.2.5 and A.2.6: private key, public x, message "sample" with the curve's own hash, r, s.
TEST(AsymmetricKey, EcdsaKnownAnswers) {
  struct Answer {
    KeyType type;
    const char *scalar, *x, *r, *s;
  };
  const Answer answers[] = {
      {KeyType::kEcP256, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
       "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
       "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
       "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
      {KeyType::kEcP384,
       "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5",
       "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64DEF8F0EA9055866064A254515480BC13",
       "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36DD1E80FABE46",
       "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82C71A38628AC8"},
  };
  for (const Answer& answer : answers) {
    const PrivateKey key = value_of(PrivateKey::from_scalar(answer.type, Secret::copy_of(unhex(answer.scalar))));
    EXPECT_TRUE(equal(key.public_key().raw().subspan(1, ec_coordinate_size(answer.type)), unhex(answer.x)));
    const Bytes expected =
        der_element(der::kSequence, {der_positive_integer(unhex(answer.r)), der_positive_integer(unhex(answer.s))});
    EXPECT_EQ(to_hex(key.sign(as_bytes("sample"))), to_hex(expected));
  }
}

TEST(AsymmetricKey, Ed25519KnownAnswer) {  // RFC 8032 7.1, test 2
  const Secret seed = Secret::copy_of(unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
  const PrivateKey key = value_of(PrivateKey::from_scalar(KeyType::kEd25519, Secret::copy_of(seed.expose())));
  EXPECT_EQ(to_hex(key.public_key().raw()), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_TRUE(to_hex(key.sign(Bytes{0x72})).starts_with("92a009a9f0d4cab8720e820b5f642540"));
}

TEST(AsymmetricKey, VerifiesItsOwnAndNothingElse) {
  for (const KeyType type : kPrivateTypes) {
    const PrivateKey key = key_of_type(type);
    const SignatureAlgorithm algorithm = signature_algorithm(type);
    const Bytes signature = key.sign(as_bytes("message"));
    EXPECT_EQ(signature, key.duplicate().sign(as_bytes("message")));
    const auto verify = [&](const PublicKey& by, std::string_view message, ByteView over) {
      return by.verify(algorithm, as_bytes(message), over);
    };
    EXPECT_TRUE(verify(key.public_key(), "message", signature).ok());
    expect_refused(verify(key.public_key(), "messagf", signature), Code::kCorrupt, "signature");
    expect_refused(verify(key.public_key(), "", signature), Code::kCorrupt, "signature");
    expect_refused(verify(key.public_key(), "message", {}), Code::kCorrupt, "signature");
    expect_refused(verify(key.public_key(), "message", ByteView(signature).first(signature.size() - 1)), Code::kCorrupt,
                   "signature");
    expect_refused(verify(key_of_type(type, 2).public_key(), "message", signature), Code::kCorrupt, "signature");
    Bytes longer = signature;
    longer.push_back(0);
    expect_refused(verify(key.public_key(), "message", longer), Code::kCorrupt, "signature");
  }
}

TEST(AsymmetricKey, AlgorithmOfAnotherKindOfKey) {
  const PrivateKey ec = key_of_type(KeyType::kEcP256);
  const PrivateKey edwards = key_of_type(KeyType::kEd25519);
  using enum SignatureAlgorithm;
  for (const auto algorithm : {kEd25519, kRsaPkcs1Sha256, kRsaPssSha512}) {
    expect_refused(ec.public_key().verify(algorithm, {}, ec.sign({})), Code::kInvalid, "EC P-256");
  }
  expect_refused(edwards.public_key().verify(kEcdsaSha256, {}, edwards.sign({})), Code::kInvalid, "Ed25519");
  expect_refused(ec.public_key().verify(kEcdsaSha384, {}, ec.sign({})), Code::kCorrupt, "signature");
}

TEST(AsymmetricKey, SpkiGoesThereAndBack) {
  for (const KeyType type : kPrivateTypes) {
    const PrivateKey key = key_of_type(type);
    const PublicKey again = value_of(PublicKey::from_spki(key.public_key().spki()));
    EXPECT_EQ(again, key.public_key());
    EXPECT_EQ(again.type(), type);
    EXPECT_TRUE(again.verify(signature_algorithm(type), as_bytes("a"), key.sign(as_bytes("a"))).ok());
    EXPECT_FALSE(again == key_of_type(type, 2).public_key());
  }
}

TEST(AsymmetricKey, MalformedSpki) {
  const Bytes good = key_of_type(KeyType::kEcP256).public_key().spki();
  for (std::size_t size = 0; size < good.size(); ++size) {
    expect_refused(PublicKey::from_spki(ByteView(good).first(size)), Code::kInvalid, "public key");
  }
  Bytes longer = good;
  longer.push_back(0);
  expect_refused(PublicKey::from_spki(longer), Code::kInvalid, "follow");
  Bytes off_curve = good;
  off_curve.back() ^= 1;
  expect_refused(PublicKey::from_spki(off_curve), Code::kInvalid, "malformed");
  Bytes unused_bits = good;
  unused_bits[25] = 1;
  ASSERT_FALSE(PublicKey::from_spki(unused_bits).ok());
  Bytes other_curve = good;
  other_curve[22] ^= 1;
  expect_refused(PublicKey::from_spki(other_curve), Code::kUnsupported, "kind");
}

TEST(AsymmetricKey, CompressedPoint) {
  const PrivateKey key = key_of_type(KeyType::kEcP256);
  Bytes raw = to_bytes(key.public_key().raw().first(33));
  raw[0] = static_cast<std::uint8_t>(2 + (key.public_key().raw().back() & 1));
  const Bytes spki = der_element(der::kSequence, {key_algorithm_identifier(KeyType::kEcP256), der_bit_string(raw)});
  expect_refused(PublicKey::from_spki(spki), Code::kInvalid, "malformed");
}

// An RSA modulus needs no factors to be a well-formed one.
Bytes odd_modulus(std::size_t bits) {
  DeterministicRandom random(bits);
  Bytes modulus((bits + 7) / 8);
  random.fill(modulus);
  modulus[0] = static_cast<std::uint8_t>((modulus[0] | 0x80) >> (modulus.size() * 8 - bits));
  modulus.back() |= 1;
  return modulus;
}

TEST(AsymmetricKey, RsaBounds) {
  const Bytes e = {1, 0, 1};
  for (const std::size_t bits : {2048, 3072, 4096, 8192}) {
    const PublicKey key = value_of(PublicKey::from_rsa(odd_modulus(bits), e));
    EXPECT_EQ(key.type(), KeyType::kRsa);
    EXPECT_EQ(value_of(PublicKey::from_spki(key.spki())), key);
    expect_refused(key.verify(SignatureAlgorithm::kRsaPkcs1Sha256, {}, Bytes(bits / 8, 1)), Code::kCorrupt,
                   "signature");
    expect_refused(key.verify(SignatureAlgorithm::kRsaPssSha384, {}, {}), Code::kCorrupt, "signature");
    expect_refused(key.verify(SignatureAlgorithm::kEcdsaSha256, {}, {}), Code::kInvalid, "RSA");
  }
  for (const std::size_t bits : {512, 1024, 2047, 8200}) {
    EXPECT_FALSE(PublicKey::from_rsa(odd_modulus(bits), e).ok()) << bits;
  }
  Bytes even = odd_modulus(2048);
  even.back() = 0;
  expect_refused(PublicKey::from_rsa(even, e), Code::kInvalid, "malformed");
  for (const Bytes& exponent : {Bytes{}, Bytes{0}, Bytes{1}, Bytes{2}, Bytes(9, 0xFF)}) {
    expect_refused(PublicKey::from_rsa(odd_modulus(2048), exponent), Code::kInvalid, "malformed");
  }
}

TEST(AsymmetricKey, WrongCoordinates) {
  const PublicKey key = key_of_type(KeyType::kEcP256).public_key();
  const ByteView x = key.raw().subspan(1, 32);
  const ByteView y = key.raw().last(32);
  EXPECT_EQ(value_of(PublicKey::from_ec_point(KeyType::kEcP256, x, y)), key);
  expect_refused(PublicKey::from_ec_point(KeyType::kEcP256, x, y.first(31)), Code::kInvalid, "malformed");
  expect_refused(PublicKey::from_ec_point(KeyType::kEcP256, y, x), Code::kInvalid, "malformed");
  expect_refused(PublicKey::from_ec_point(KeyType::kEcP384, x, y), Code::kInvalid, "malformed");
  expect_refused(PublicKey::from_ec_point(KeyType::kEcP256, Bytes(32), Bytes(32)), Code::kInvalid, "malformed");
  expect_refused(PublicKey::from_ec_point(KeyType::kRsa, x, y), Code::kInvalid, "malformed");
  expect_refused(PublicKey::from_ed25519(Bytes(31)), Code::kInvalid, "malformed");
}

TEST(AsymmetricKey, Pkcs8GoesThereAndBack) {
  for (const KeyType type : kPrivateTypes) {
    const PrivateKey key = key_of_type(type);
    const Secret der = key.to_pkcs8();
    EXPECT_TRUE(check_der(der.expose(), "it").ok());
    for (const PrivateKey& again :
         {value_of(PrivateKey::from_pkcs8(der)), value_of(PrivateKey::from_pkcs8_pem(key.to_pkcs8_pem()))}) {
      EXPECT_EQ(again.public_key(), key.public_key());
      EXPECT_TRUE(equal_constant_time(again.scalar().expose(), key.scalar().expose()));
    }
  }
}

// RFC 8410 10.3: version 1 without, version 2 with attributes and public part.
TEST(AsymmetricKey, Pkcs8OfOthers) {
  const PrivateKey plain = value_of(PrivateKey::from_pkcs8_pem(cloister::testing::secret_of(
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "-----END PRIVATE KEY-----\n")));
  const PrivateKey full = value_of(PrivateKey::from_pkcs8_pem(cloister::testing::secret_of(
      "-----BEGIN PRIVATE KEY-----\nMHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
      "oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\nZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
      "-----END PRIVATE KEY-----\n")));
  EXPECT_EQ(plain.public_key(), full.public_key());
  EXPECT_EQ(to_hex(plain.public_key().raw()), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
}

TEST(AsymmetricKey, MalformedPkcs8) {
  for (const KeyType type : kPrivateTypes) {
    const Secret good = key_of_type(type).to_pkcs8();
    for (std::size_t size = 0; size < good.size(); ++size) {
      ASSERT_FALSE(PrivateKey::from_pkcs8(Secret::copy_of(good.expose().first(size))).ok()) << size;
    }
    Bytes longer = to_bytes(good.expose());
    longer.push_back(0);
    expect_refused(PrivateKey::from_pkcs8(Secret::copy_of(longer)), Code::kInvalid, "follow");
    Bytes version = to_bytes(good.expose());
    version[std::ranges::search(version, Bytes{2, 1, 0}).begin() - version.begin() + 2] = 2;
    expect_refused(PrivateKey::from_pkcs8(Secret::copy_of(version)), Code::kInvalid, "malformed");
  }
}

TEST(AsymmetricKey, Pkcs8WithThePublicPartOfAnother) {
  const PrivateKey key = key_of_type(KeyType::kEcP256);
  const PrivateKey other = key_of_type(KeyType::kEcP256, 2);
  Bytes mixed = to_bytes(key.to_pkcs8().expose());
  std::ranges::copy(other.public_key().raw(), mixed.end() - 65);
  expect_refused(PrivateKey::from_pkcs8(Secret::copy_of(mixed)), Code::kInvalid, "another key's");
}

TEST(AsymmetricKey, NoSuchScalar) {
  const auto refused = [](KeyType type, const Bytes& scalar) {
    expect_refused(PrivateKey::from_scalar(type, Secret::copy_of(scalar)), Code::kInvalid, "malformed");
  };
  refused(KeyType::kEcP256, Bytes(32));
  refused(KeyType::kEcP256, Bytes(31, 1));
  refused(KeyType::kEcP256, Bytes(33, 1));
  refused(KeyType::kEcP256, unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"));  // the order
  refused(KeyType::kEcP384, Bytes(48, 0xFF));
  refused(KeyType::kEd25519, Bytes(33));
  EXPECT_TRUE(
      PrivateKey::from_scalar(
          KeyType::kEcP256, Secret::copy_of(unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550")))
          .ok());
}

TEST(AsymmetricKey, KindsThatAreOnlyPublic) {
  DeterministicRandom random(1);
  for (const KeyType type : {KeyType::kRsa, KeyType::kEcP521}) {
    expect_refused(PrivateKey::generate(type, random), Code::kUnsupported, key_type_name(type));
    expect_refused(PrivateKey::from_scalar(type, Secret(66)), Code::kUnsupported, key_type_name(type));
  }
  const Bytes rsa = der_element(der::kSequence, {der_small_integer(0), key_algorithm_identifier(KeyType::kRsa),
                                                 der_element(der::kOctetString, {})});
  expect_refused(PrivateKey::from_pkcs8(Secret::copy_of(rsa)), Code::kUnsupported, "kind");
}

TEST(AsymmetricKey, BrokenRandomnessIsNoticed) {
  class Zeros final : public Random {
    void fill(MutableByteView out) override { std::ranges::fill(out, std::uint8_t{0}); }
  } zeros;
  expect_refused(PrivateKey::generate(KeyType::kEcP256, zeros), Code::kInternal, "randomness");
}

TEST(Signer, SignsAsItsKey) {
  MemorySigner signer(key_of_type(KeyType::kEcP384));
  const Bytes signature = value_of(signer.sign(as_bytes("message")));
  EXPECT_TRUE(signer.public_key().verify(SignatureAlgorithm::kEcdsaSha384, as_bytes("message"), signature).ok());
}

}  // namespace
}  // namespace cloister::crypto
