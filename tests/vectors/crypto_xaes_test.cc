// XAES-256-GCM against c2sp.org's vectors, the accumulated one of 10,000 messages among them.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "crypto/xaes.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::crypto {
namespace {

using cloister::testing::key_of;
using cloister::testing::load_json;
using cloister::testing::unhex;

class Shake128 {
 public:
  Shake128() { CLOISTER_CHECK(EVP_DigestInit_ex(context_, EVP_shake128(), nullptr) == 1); }
  ~Shake128() { EVP_MD_CTX_free(context_); }
  Shake128(const Shake128&) = delete;
  Shake128& operator=(const Shake128&) = delete;

  void absorb(ByteView bytes) { CLOISTER_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1); }
  Bytes squeeze(std::size_t size) {
    Bytes out(size);
    if (size > 0) CLOISTER_CHECK(EVP_DigestSqueeze(context_, out.data(), size) == 1);
    return out;
  }

 private:
  EVP_MD_CTX* context_ = EVP_MD_CTX_new();
};

TEST(XaesVectors, PublishedOnes) {
  CLOISTER_VECTORS_OR_SKIP(path, "c2sp/xaes-256-gcm.json");
  const auto file = load_json(path);
  int count = 0;
  for (const auto& vector : file.at("vectors")) {
    const auto field = [&](const char* name) { return unhex(vector.at(name).get<std::string>()); };
    Xaes key(key_of(field("key")).secret());
    const Secret plaintext = Secret::copy_of(field("plaintext"));
    EXPECT_EQ(to_hex(key.seal(field("nonce"), field("aad"), plaintext)), vector.at("ciphertext"));
    const auto opened = key.open(field("nonce"), field("aad"), field("ciphertext"));
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(to_hex(opened->expose()), vector.at("plaintext"));
    Bytes other_aad = field("aad");
    other_aad.push_back(0);
    EXPECT_EQ(key.open(field("nonce"), other_aad, field("ciphertext")).error().code(), Code::kDenied);
    ++count;
  }
  EXPECT_EQ(count, 2);
}

TEST(XaesVectors, TenThousandAccumulated) {
  CLOISTER_VECTORS_OR_SKIP(path, "c2sp/xaes-256-gcm.json");
  Shake128 source;
  Shake128 sum;
  for (int i = 0; i < 10'000; ++i) {
    const KeyMaterial key = key_of(source.squeeze(32));
    const Bytes nonce = source.squeeze(24);
    const Secret plaintext = Secret::copy_of(source.squeeze(source.squeeze(1)[0]));
    const Bytes aad = source.squeeze(source.squeeze(1)[0]);
    Xaes xaes(key.secret());
    const Bytes sealed = xaes.seal(nonce, aad, plaintext);
    const auto opened = xaes.open(nonce, aad, sealed);
    ASSERT_TRUE(opened.ok() && equal(opened->expose(), plaintext.expose())) << i;
    sum.absorb(sealed);
  }
  EXPECT_EQ(to_hex(sum.squeeze(32)), load_json(path).at("accumulated").at("iterations_10000_hash"));
}

}  // namespace
}  // namespace cloister::crypto
