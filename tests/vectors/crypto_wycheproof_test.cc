// Project Wycheproof's vectors through our own interface. Each test counts what it ran: a filter can't skip everything.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <functional>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto/kem.h"
#include "crypto/signature.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::crypto {
namespace {

using cloister::testing::key_of;
using cloister::testing::key_of_byte;
using cloister::testing::load_json;
using cloister::testing::ScriptedRandom;
using cloister::testing::unhex;
using Json = nlohmann::json;

Bytes field(const Json& test, const char* name) { return unhex(test.at(name).get<std::string>()); }
bool valid(const Json& test) { return test.at("result") == "valid"; }

void each_test(const Path& path, const std::function<void(const Json& group, const Json& test)>& run) {
  const Json file = load_json(path);
  std::size_t count = 0;
  for (const Json& group : file.at("testGroups")) {
    for (const Json& test : group.at("tests")) {
      SCOPED_TRACE(path.filename().string() + " tcId " + test.at("tcId").dump());
      run(group, test);
      ++count;
    }
  }
  EXPECT_EQ(count, file.at("numberOfTests").get<std::size_t>());
}

TEST(Wycheproof, Aes256Gcm) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/aes_gcm_test.json");
  int opened = 0;
  int refused = 0;
  each_test(path, [&](const Json& group, const Json& test) {
    // Other sizes can't be asked for: Nonce and Tag are types, and a key of another length stops the process.
    if (group.at("keySize") != 256 || group.at("ivSize") != 96 || group.at("tagSize") != 128) return;
    Aead cipher(AeadAlgorithm::kAes256Gcm, key_of(field(test, "key")).secret());
    Nonce nonce;
    std::ranges::copy(field(test, "iv"), nonce.begin());
    const Bytes aad = field(test, "aad");
    const Bytes ciphertext = field(test, "ct");
    Bytes out(ciphertext.size());
    const Status status = cipher.open(nonce, aad, ciphertext, field(test, "tag"), out);
    ASSERT_EQ(status.ok(), valid(test));
    ++(status.ok() ? opened : refused);
    if (!status.ok()) return;
    EXPECT_EQ(out, field(test, "msg"));
    Tag tag;
    cipher.seal(nonce, aad, field(test, "msg"), out, tag);
    EXPECT_EQ(out, ciphertext);
    EXPECT_EQ(to_hex(tag), test.at("tag").get<std::string>());
  });
  EXPECT_GE(opened, 35);
  EXPECT_GE(refused, 25);
}

TEST(Wycheproof, HkdfSha512) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/hkdf_sha512_test.json");
  int expanded = 0;
  each_test(path, [&](const Json&, const Json& test) {
    const auto size = test.at("size").get<std::size_t>();
    EXPECT_EQ(valid(test), size <= 255 * 64);
    if (!valid(test)) return;
    // The extract step, which Cloister never needs: its input keys are uniform.
    const Bytes salt = field(test, "salt");
    const Bytes input = field(test, "ikm");
    Secret extracted(64);
    const std::uint8_t none = 0;
    ASSERT_NE(HMAC(EVP_sha512(), salt.empty() ? &none : salt.data(), static_cast<int>(salt.size()),
                   input.empty() ? &none : input.data(), input.size(), extracted.expose_mutable().data(), nullptr),
              nullptr);
    EXPECT_EQ(to_hex(hkdf_expand_sha512(extracted, field(test, "info"), size).expose()), test.at("okm"));
    ++expanded;
  });
  EXPECT_EQ(expanded, 80);
}

TEST(Wycheproof, HmacSha256) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/hmac_sha256_test.json");
  int matched = 0;
  each_test(path, [&](const Json& group, const Json& test) {
    const Sha256Digest mac = hmac_sha256(Secret::copy_of(field(test, "key")), field(test, "msg"));
    const ByteView wanted = ByteView(mac).first(group.at("tagSize").get<std::size_t>() / 8);
    EXPECT_EQ(equal_constant_time(wanted, field(test, "tag")), valid(test));
    matched += valid(test);
  });
  EXPECT_EQ(matched, 66);
}

TEST(Wycheproof, Ed25519) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/ed25519_test.json");
  int verified = 0;
  int refused = 0;
  each_test(path, [&](const Json& group, const Json& test) {
    Ed25519PublicKey key;
    std::ranges::copy(field(group.at("publicKey"), "pk"), key.begin());
    const Status status = verify_ed25519(key, field(test, "msg"), field(test, "sig"));
    EXPECT_EQ(status.ok(), valid(test));
    ++(status.ok() ? verified : refused);
  });
  EXPECT_EQ(verified, 88);
  EXPECT_EQ(refused, 63);
}

// HPKE refuses the points that give an all-zero secret (RFC 9180 7.1.4) and works with every other, also those that
// are on the twist or not in canonical form.
TEST(Wycheproof, X25519PointsOfLowOrder) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/x25519_test.json");
  int refused = 0;
  each_test(path, [&](const Json&, const Json& test) {
    const Bytes point = field(test, "public");
    const KeyMaterial scalar = key_of(field(test, "private"));
    const bool low_order = all_zero(field(test, "shared"));
    EXPECT_EQ(kem_check_public_key(HpkeKem::kX25519, point).ok(), !low_order);
    const Bytes own = kem_public_key(HpkeKem::kX25519, scalar).value();
    EXPECT_EQ(kem_decapsulate(HpkeKem::kX25519, scalar, own, point).ok(), !low_order);
    ScriptedRandom random(field(test, "private"));
    EXPECT_EQ(kem_encapsulate(HpkeKem::kX25519, point, random).ok(), !low_order);
    refused += low_order;
  });
  EXPECT_EQ(refused, 31);
}

Bytes raw_x25519(ByteView scalar, ByteView point) {
  EVP_PKEY* own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, scalar.data(), scalar.size());
  EVP_PKEY* peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, point.data(), point.size());
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(own, nullptr);
  Bytes shared(32);
  std::size_t size = shared.size();
  CLOISTER_CHECK(EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1);
  CLOISTER_CHECK(EVP_PKEY_derive(context, shared.data(), &size) == 1);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(peer);
  EVP_PKEY_free(own);
  return shared;
}

// The ML-KEM half inside X-Wing: the ciphertext shows as the first 1088 bytes, the secret through the combiner.
TEST(Wycheproof, MlKem768InsideXWing) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/mlkem_768_encaps_test.json");
  const Bytes peer_scalar(32, 0x41);
  const Bytes peer = kem_public_key(HpkeKem::kX25519, key_of(peer_scalar)).value();
  const Bytes ephemeral_scalar(32, 0x42);
  const Bytes ephemeral = kem_public_key(HpkeKem::kX25519, key_of(ephemeral_scalar)).value();
  const Bytes shared = raw_x25519(ephemeral_scalar, peer);
  int encapsulated = 0;
  int refused = 0;
  each_test(path, [&](const Json&, const Json& test) {
    Bytes public_key = field(test, "ek");
    public_key.insert(public_key.end(), peer.begin(), peer.end());
    const Status checked = kem_check_public_key(HpkeKem::kXWing, public_key);
    ASSERT_EQ(checked.ok(), valid(test));
    ++(checked.ok() ? encapsulated : refused);
    if (!checked.ok()) return;
    Bytes script = field(test, "m");
    script.insert(script.end(), ephemeral_scalar.begin(), ephemeral_scalar.end());
    ScriptedRandom random(script);
    const auto sent = kem_encapsulate(HpkeKem::kXWing, public_key, random);
    ASSERT_TRUE(sent.ok());
    EXPECT_EQ(to_hex(ByteView(sent->encapsulated).first(1088)), test.at("c"));
    Bytes combined = field(test, "K");
    for (const Bytes& part : {shared, ephemeral, peer, unhex("5c2e2f2f5e5c")}) {
      combined.insert(combined.end(), part.begin(), part.end());
    }
    Bytes expected(32);
    ASSERT_EQ(EVP_Digest(combined.data(), combined.size(), expected.data(), nullptr, EVP_sha3_256(), nullptr), 1);
    EXPECT_EQ(to_hex(sent->shared_secret.expose()), to_hex(expected));
  });
  EXPECT_EQ(encapsulated, 133);
  EXPECT_EQ(refused, 132);
}

}  // namespace
}  // namespace cloister::crypto
