#include "crypto/certificate_writer.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

CertificateFields fields_of(const PublicKey& key) {
  return {{1}, common_name("issuer"), common_name("subject"), kNow, kNow + hours(1), key, {extension_leaf()}};
}

TEST(CertificateWriter, EveryKindOfSigner) {
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519}) {
    MemorySigner signer(key_of_seed(3, type));
    const Certificate one = value_of(sign_certificate(fields_of(signer.public_key()), signer));
    EXPECT_EQ(one, value_of(sign_certificate(fields_of(signer.public_key()), signer)));
    EXPECT_EQ(value_of(one.public_key()), signer.public_key());
  }
}

TEST(CertificateWriter, TimesOnBothSidesOf2050) {
  MemorySigner signer(key_of_seed(3));
  for (const char* end : {"2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"}) {
    CertificateFields fields = fields_of(signer.public_key());
    fields.not_after = value_of(parse_rfc3339(end));
    EXPECT_EQ(value_of(sign_certificate(fields, signer)).facts().not_after, fields.not_after);
  }
  CertificateFields fields = fields_of(signer.public_key());
  fields.not_before = Time{kNow.unix_ms + 999};
  EXPECT_EQ(value_of(sign_certificate(fields, signer)).facts().not_before, kNow);
}

TEST(CertificateWriter, FieldsNoCertificateHas) {
  MemorySigner signer(key_of_seed(3));
  const auto refused = [&](auto change, std::string_view word) {
    CertificateFields fields = fields_of(signer.public_key());
    change(fields);
    expect_refused(sign_certificate(fields, signer), Code::kInvalid, word);
  };
  refused([](auto& f) { f.serial = {}; }, "serial");
  refused([](auto& f) { f.serial = {0, 0}; }, "serial");
  refused([](auto& f) { f.serial = Bytes(21, 1); }, "serial");
  refused([](auto& f) { f.serial = Bytes(20, 0x80); }, "serial");
  refused([](auto& f) { f.not_after = f.not_before; }, "end");
  refused([](auto& f) { f.not_after = f.not_before + seconds(-1); }, "end");
  refused([](auto& f) { f.not_before = Time{-1}; }, "end");
  refused([](auto& f) { f.not_after = Time{253'402'300'800'000}; }, "end");
  refused([](auto& f) { f.extensions = {extension_leaf(), extension_leaf()}; }, "");
}

TEST(CertificateWriter, SignerThatSignsWithAnotherKey) {
  class Wrong final : public Signer {
   public:
    const PublicKey& public_key() const override { return shown_; }
    Result<Bytes> sign(ByteView message) override { return used_.sign(message); }

   private:
    PublicKey shown_ = key_of_seed(1).public_key();
    PrivateKey used_ = key_of_seed(2);
  } signer;
  expect_refused(sign_certificate(fields_of(signer.public_key()), signer), Code::kInternal, "signer's");
}

TEST(CertificateWriter, SignerThatRefuses) {
  class Away final : public Signer {
   public:
    const PublicKey& public_key() const override { return shown_; }
    Result<Bytes> sign(ByteView) override { return Error(Code::kUnavailable, "the token is away"); }

   private:
    PublicKey shown_ = key_of_seed(1).public_key();
  } signer;
  expect_refused(sign_certificate(fields_of(signer.public_key()), signer), Code::kUnavailable, "away");
}

// Byte for byte what RFC 5280 gives these extensions.
TEST(CertificateWriter, ExtensionsAreExact) {
  EXPECT_EQ(to_hex(extension_leaf()), "300c0603551d130101ff04023000");
  EXPECT_EQ(to_hex(extension_authority(0)), "30120603551d130101ff040830060101ff020100");
  EXPECT_EQ(to_hex(extension_leaf_key_usage()), "300e0603551d0f0101ff040403020780");
  EXPECT_EQ(to_hex(extension_authority_key_usage()), "300e0603551d0f0101ff040403020106");
  EXPECT_EQ(to_hex(extension_server_and_client()), "301d0603551d250416301406082b0601050507030106082b06010505070302");
  EXPECT_EQ(to_hex(extension_subject_key_id(Bytes{1, 2})), "300b0603551d0e040404020102");
  EXPECT_EQ(to_hex(extension_authority_key_id(Bytes{1, 2})), "300d0603551d230406300480020102");
  EXPECT_EQ(to_hex(extension_uri("a:b", Critical::kYes)), "30110603551d110101ff040730058603613a62");
  EXPECT_EQ(to_hex(extension_uri("a:b", Critical::kNo)), "300e0603551d11040730058603613a62");
  EXPECT_EQ(to_hex(extension_permitted_uri_host("abc")), "30150603551d1e0101ff040b3009a00730058603616263");
  EXPECT_EQ(to_hex(common_name("ab")), "300d310b300906035504030c026162");
  EXPECT_EQ(to_hex(empty_name()), "3000");
}

}  // namespace
}  // namespace cloister::crypto
