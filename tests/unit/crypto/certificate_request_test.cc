#include "crypto/certificate_request.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/der.h"
#include "crypto/pem.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

constexpr std::string_view kUri = "spiffe://example.org/a";

Bytes request_of(std::string_view uri = kUri, KeyType type = KeyType::kEcP256) {
  MemorySigner signer(key_of_seed(1, type));
  return value_of(write_certificate_request(uri, signer));
}

// Signed by the key of seed 1 around any body after the version and the subject.
Bytes request_around(std::initializer_list<ByteView> body) {
  const Bytes whole = der_element(der::kSequence, body);
  return der_element(der::kSequence, {whole, signature_algorithm_identifier(SignatureAlgorithm::kEcdsaSha256),
                                      der_bit_string(key_of_seed(1).sign(whole))});
}

TEST(CertificateRequest, ReadsWhatItWrites) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519}) {
    const Bytes der = request_of(kUri, type);
    const CertificateRequest request = value_of(CertificateRequest::parse(der));
    EXPECT_EQ(request.public_key(), key_of_seed(1, type).public_key());
    EXPECT_EQ(request.names().uris, (std::vector<std::string>{std::string(kUri)}));
    EXPECT_TRUE(request.names().dns_names.empty());
    EXPECT_EQ(request.der(), der);
    EXPECT_TRUE(CertificateRequest::parse_pem(to_pem(der, "CERTIFICATE REQUEST")).ok());
  }
  EXPECT_TRUE(value_of(CertificateRequest::parse(request_of(""))).names().uris.empty());
}

TEST(CertificateRequest, DamagedBytes) {
  const Bytes good = request_of();
  for (std::size_t size = 0; size < good.size(); ++size) {
    ASSERT_FALSE(CertificateRequest::parse(ByteView(good).first(size)).ok()) << size;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes changed = good;
    changed[i] ^= 1;
    ASSERT_FALSE(CertificateRequest::parse(changed).ok()) << i;
  }
  Bytes longer = good;
  longer.push_back(0);
  expect_refused(CertificateRequest::parse(longer), Code::kInvalid, "follow");
  expect_refused(CertificateRequest::parse(Bytes(kCertificateRequestSizeMax + 1)), Code::kInvalid, "longer");
  expect_refused(CertificateRequest::parse_pem("nothing"), Code::kInvalid, "no PEM block");
}

TEST(CertificateRequest, KeyOfAnother) {
  // Somebody else's public key, signed by one's own: no proof of possession.
  const Bytes attributes = der_element(der::constructed(0), {});
  EXPECT_TRUE(CertificateRequest::parse(
                  request_around({der_small_integer(0), empty_name(), key_of_seed(1).public_key().spki(), attributes}))
                  .ok());
  expect_refused(CertificateRequest::parse(request_around(
                     {der_small_integer(0), empty_name(), key_of_seed(2).public_key().spki(), attributes})),
                 Code::kCorrupt, "signature");
}

TEST(CertificateRequest, MalformedUnderARightSignature) {
  const Bytes spki = key_of_seed(1).public_key().spki();
  const Bytes oid = der_oid(unhex("2a864886f70d01090e"));
  const auto with_attributes = [&](ByteView attributes) {
    return CertificateRequest::parse(
        request_around({der_small_integer(0), empty_name(), spki, der_element(der::constructed(0), {attributes})}));
  };
  const auto with_extensions = [&](ByteView extensions) {
    return with_attributes(
        der_element(der::kSequence, {oid, der_element(der::kSet, {der_element(der::kSequence, {extensions})})}));
  };
  const Bytes names = names_extension({{6, "a:b"}});
  Bytes twice = names;
  twice.insert(twice.end(), names.begin(), names.end());
  EXPECT_TRUE(with_extensions(names).ok());
  EXPECT_TRUE(with_extensions(usage_extension(0x04)).ok());
  expect_refused(with_extensions(twice), Code::kInvalid, "malformed");
  expect_refused(with_extensions(raw_extension("551d11", Critical::kNo, unhex("3000"))), Code::kInvalid, "malformed");
  expect_refused(with_extensions(unhex("3000")), Code::kInvalid, "request");
  expect_refused(with_attributes(der_element(der::kSequence, {oid, der_element(der::kSet, {})})), Code::kInvalid,
                 "request");
  expect_refused(with_attributes(unhex("3000")), Code::kInvalid, "request");
  expect_refused(CertificateRequest::parse(request_around({der_small_integer(1), empty_name(), spki})), Code::kInvalid,
                 "malformed");
  expect_refused(CertificateRequest::parse(request_around({der_small_integer(0), empty_name(), spki, unhex("0500")})),
                 Code::kInvalid, "follow");
  expect_refused(CertificateRequest::parse(request_around({der_small_integer(0), empty_name(), unhex("3000")})),
                 Code::kInvalid, "public key");
}

TEST(CertificateRequest, SignatureOfAnotherKind) {
  Bytes changed = request_of();
  const auto algorithm = std::ranges::search(changed, unhex("2a8648ce3d040302")).begin();
  *(algorithm + 7) = 1;  // ecdsa-with-SHA224
  expect_refused(CertificateRequest::parse(changed), Code::kUnsupported, "signatures");
}

}  // namespace
}  // namespace cloister::crypto
