#include "crypto/hpke.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hpke.h>

#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::key_of_byte;
using cloister::testing::secret_of;

class EachKem : public ::testing::TestWithParam<HpkeKem> {
 protected:
  Code refusal(const HpkePrivateKey& key, ByteView info, ByteView aad, const HpkeSealed& sealed) {
    const auto opened = hpke_open(key, info, aad, sealed);
    return opened.ok() ? Code::kInternal : opened.error().code();
  }

  DeterministicRandom random_{1};
  HpkePrivateKey key_ = HpkePrivateKey::generate(GetParam(), random_);
  HpkePrivateKey other_ = HpkePrivateKey::generate(GetParam(), random_);
};

TEST_P(EachKem, OpensWhatWasSealedToIt) {
  for (const HpkeAead aead : {HpkeAead::kAes256Gcm, HpkeAead::kChaCha20Poly1305}) {
    const auto sealed =
        hpke_seal(key_.public_key(), random_, as_bytes("info"), as_bytes("aad"), secret_of("secret"), aead);
    ASSERT_TRUE(sealed.ok());
    EXPECT_EQ(sealed->encapsulated.size(), hpke_encapsulated_size(GetParam()));
    EXPECT_EQ(sealed->ciphertext.size(), 6U + 16);
    const auto opened = hpke_open(key_, as_bytes("info"), as_bytes("aad"), *sealed, aead);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(as_text(opened->expose()), "secret");
    const HpkeAead wrong = aead == HpkeAead::kAes256Gcm ? HpkeAead::kChaCha20Poly1305 : HpkeAead::kAes256Gcm;
    EXPECT_FALSE(hpke_open(key_, as_bytes("info"), as_bytes("aad"), *sealed, wrong).ok());
  }
}

TEST_P(EachKem, EmptyPlaintextInfoAndAad) {
  const auto sealed = hpke_seal(key_.public_key(), random_, {}, {}, Secret());
  ASSERT_TRUE(sealed.ok());
  EXPECT_TRUE(hpke_open(key_, {}, {}, *sealed).ok());
  EXPECT_FALSE(hpke_open(key_, as_bytes("x"), {}, *sealed).ok());
}

TEST_P(EachKem, RefusesWhatDoesNotFit) {
  const auto sealed = hpke_seal(key_.public_key(), random_, as_bytes("info"), as_bytes("aad"), secret_of("secret"));
  ASSERT_TRUE(sealed.ok());
  EXPECT_EQ(refusal(other_, as_bytes("info"), as_bytes("aad"), *sealed), Code::kDenied);
  EXPECT_EQ(refusal(key_, as_bytes("infp"), as_bytes("aad"), *sealed), Code::kDenied);
  EXPECT_EQ(refusal(key_, as_bytes("info"), as_bytes("aae"), *sealed), Code::kDenied);
  EXPECT_EQ(refusal(key_, as_bytes("info"), {}, *sealed), Code::kDenied);
  for (std::size_t bit = 0; bit < sealed->ciphertext.size() * 8; ++bit) {
    HpkeSealed changed = *sealed;
    changed.ciphertext[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    ASSERT_EQ(refusal(key_, as_bytes("info"), as_bytes("aad"), changed), Code::kDenied) << bit;
  }
  for (std::size_t size = 0; size < sealed->ciphertext.size(); ++size) {
    HpkeSealed changed = *sealed;
    changed.ciphertext.resize(size);
    ASSERT_EQ(refusal(key_, as_bytes("info"), as_bytes("aad"), changed), Code::kDenied) << size;
  }
  HpkeSealed changed = *sealed;
  changed.encapsulated[0] ^= 1;
  EXPECT_EQ(refusal(key_, as_bytes("info"), as_bytes("aad"), changed), Code::kDenied);
  changed.encapsulated.clear();
  EXPECT_EQ(refusal(key_, as_bytes("info"), as_bytes("aad"), changed), Code::kDenied);
}

TEST_P(EachKem, KeysComeBackFromSeedAndText) {
  const auto again = HpkePrivateKey::from_seed(GetParam(), key_.seed().duplicate());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(equal(again->public_key().bytes(), key_.public_key().bytes()));
  EXPECT_TRUE(equal(key_.duplicate().public_key().bytes(), key_.public_key().bytes()));
  const std::string text = key_.public_key().text();
  const auto parsed = HpkePublicKey::parse_text(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->kem(), GetParam());
  EXPECT_TRUE(equal(parsed->bytes(), key_.public_key().bytes()));
  EXPECT_EQ(parsed->key_id(), key_.public_key().key_id());
  EXPECT_NE(parsed->key_id(), other_.public_key().key_id());
  EXPECT_EQ(parsed->key_id().size(), parsed->key_id().find(':') + 17);
}

TEST_P(EachKem, RefusesMalformedText) {
  const std::string text = key_.public_key().text();
  const std::size_t colon = text.find(':');
  for (const std::string& wrong :
       {std::string(), text.substr(0, colon), text.substr(0, colon + 1), text.substr(0, text.size() - 1),
        text.substr(0, text.size() - 4), text + "A", text + "=", " " + text, text + "\n",
        text.substr(0, colon + 1) + "+" + text.substr(colon + 2), "cloister-recipient-p256:" + text.substr(colon + 1),
        text.substr(0, colon + 1) + std::string(1'000'000, 'A')}) {
    const auto parsed = HpkePublicKey::parse_text(wrong);
    ASSERT_FALSE(parsed.ok()) << wrong.substr(0, 100);
    EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  }
}

TEST_P(EachKem, TextHasOneSpelling) {
  // 1216 and 32 bytes leave spare bits in the last character; only zero is canonical.
  std::string text = key_.public_key().text();
  const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::size_t last = alphabet.find(text.back());
  text.back() = alphabet[last ^ 1];
  EXPECT_FALSE(HpkePublicKey::parse_text(text).ok());
}

TEST_P(EachKem, WrapsForItsRecipientAlone) {
  const WrapContext context{"acme", "corpus", Bytes(16, 1), "dek", {}};
  HpkeSealer sealer(key_.public_key(), random_);
  HpkeOpener opener(key_.duplicate(), random_);
  HpkeOpener stranger(other_.duplicate(), random_);
  const auto wrapped = sealer.wrap(key_of_byte(6), context);
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ(wrapped->type, GetParam() == HpkeKem::kX25519 ? WrapType::kHpkeX25519 : WrapType::kHpkeX25519MlKem768);
  EXPECT_EQ(wrapped->key_id, key_.public_key().key_id());
  EXPECT_EQ(wrapped->key_version, 0U);
  EXPECT_EQ(wrapped->parameters.size(), hpke_encapsulated_size(GetParam()));
  EXPECT_EQ(wrapped->ciphertext.size(), 48U);

  const auto key = opener.unwrap(*wrapped, context);
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(equal_constant_time(key->secret().expose(), key_of_byte(6).secret().expose()));
  EXPECT_TRUE(opener.unwrap(opener.rewrap(*wrapped, context).value(), context).ok());
  EXPECT_EQ(sealer.unwrap(*wrapped, context).error().code(), Code::kDenied) << "write-only";
  EXPECT_EQ(sealer.rewrap(*wrapped, context).error().code(), Code::kDenied);
  EXPECT_EQ(stranger.unwrap(*wrapped, context).error().code(), Code::kNotFound);

  WrapContext elsewhere = context;
  elsewhere.tenant = "other";
  EXPECT_EQ(opener.unwrap(*wrapped, elsewhere).error().code(), Code::kDenied);
}

TEST_P(EachKem, UnwrapRefusesChangedWraps) {
  const WrapContext context{"acme", "", Bytes(16, 1), "dek", {}};
  HpkeOpener opener(key_.duplicate(), random_);
  const WrappedKey wrapped = opener.wrap(key_of_byte(6), context).value();
  WrappedKey changed = wrapped;
  changed.key_version = 1;
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kNotFound);
  changed = wrapped;
  changed.key_id.back() ^= 1;
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kNotFound);
  changed = wrapped;
  changed.type = WrapType::kDatasetKey;
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kNotFound);
  changed = wrapped;
  changed.ciphertext[47] ^= 1;
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kDenied);
  changed = wrapped;
  changed.ciphertext.pop_back();
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kDenied);
  changed = wrapped;
  changed.parameters.pop_back();
  EXPECT_EQ(opener.unwrap(changed, context).error().code(), Code::kDenied);
}

INSTANTIATE_TEST_SUITE_P(Hpke, EachKem, ::testing::Values(HpkeKem::kX25519, HpkeKem::kXWing));

TEST(Hpke, AKeyOfOneKemIsNoKeyOfTheOther) {
  DeterministicRandom random(2);
  const auto x25519 = HpkePrivateKey::generate(HpkeKem::kX25519, random);
  EXPECT_FALSE(HpkePublicKey::parse(HpkeKem::kXWing, x25519.public_key().bytes()).ok());
}

constexpr OSSL_HPKE_SUITE kSuite = {OSSL_HPKE_KEM_ID_X25519, OSSL_HPKE_KDF_ID_HKDF_SHA256,
                                    OSSL_HPKE_AEAD_ID_AES_GCM_256};
constexpr std::string_view kInfo = "info of both";
constexpr std::string_view kAad = "aad of both";

TEST(Hpke, OpenSslOpensWhatWeSeal) {
  DeterministicRandom random(5);
  const auto key = HpkePrivateKey::generate(HpkeKem::kX25519, random);
  const auto sealed = hpke_seal(key.public_key(), random, as_bytes(kInfo), as_bytes(kAad), secret_of("hello"));
  ASSERT_TRUE(sealed.ok());
  const ByteView seed = key.seed().secret().expose();
  EVP_PKEY* pkey = EVP_PKEY_new_raw_private_key_ex(nullptr, "X25519", nullptr, seed.data(), seed.size());
  OSSL_HPKE_CTX* context = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, kSuite, OSSL_HPKE_ROLE_RECEIVER, nullptr, nullptr);
  EXPECT_EQ(OSSL_HPKE_decap(context, sealed->encapsulated.data(), sealed->encapsulated.size(), pkey,
                            as_bytes(kInfo).data(), kInfo.size()),
            1);
  Bytes plaintext(64);
  std::size_t size = plaintext.size();
  EXPECT_EQ(OSSL_HPKE_open(context, plaintext.data(), &size, as_bytes(kAad).data(), kAad.size(),
                           sealed->ciphertext.data(), sealed->ciphertext.size()),
            1);
  EXPECT_EQ(as_text(ByteView(plaintext).first(size)), "hello");
  OSSL_HPKE_CTX_free(context);
  EVP_PKEY_free(pkey);
}

TEST(Hpke, WeOpenWhatOpenSslSeals) {
  DeterministicRandom random(6);
  const auto key = HpkePrivateKey::generate(HpkeKem::kX25519, random);
  const ByteView public_key = key.public_key().bytes();
  HpkeSealed sealed{Bytes(32), Bytes(5 + 16)};
  std::size_t encapsulated_size = sealed.encapsulated.size();
  std::size_t ciphertext_size = sealed.ciphertext.size();
  OSSL_HPKE_CTX* context = OSSL_HPKE_CTX_new(OSSL_HPKE_MODE_BASE, kSuite, OSSL_HPKE_ROLE_SENDER, nullptr, nullptr);
  EXPECT_EQ(OSSL_HPKE_encap(context, sealed.encapsulated.data(), &encapsulated_size, public_key.data(),
                            public_key.size(), as_bytes(kInfo).data(), kInfo.size()),
            1);
  EXPECT_EQ(OSSL_HPKE_seal(context, sealed.ciphertext.data(), &ciphertext_size, as_bytes(kAad).data(), kAad.size(),
                           as_bytes("hello").data(), 5),
            1);
  OSSL_HPKE_CTX_free(context);
  const auto opened = hpke_open(key, as_bytes(kInfo), as_bytes(kAad), sealed);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(as_text(opened->expose()), "hello");
}

}  // namespace
}  // namespace cloister::crypto
