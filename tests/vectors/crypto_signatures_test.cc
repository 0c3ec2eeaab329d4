// Project Wycheproof's signatures through the keys that certificates and tokens carry.
#include <gtest/gtest.h>

#include "crypto/asymmetric_key.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::crypto {
namespace {

using cloister::testing::load_json;
using cloister::testing::unhex;
using cloister::testing::value_of;
using Json = nlohmann::json;

struct Count {
  int verified = 0;
  int refused = 0;
};

Count verify_all(const Path& path, SignatureAlgorithm algorithm) {
  Count count;
  const Json file = load_json(path);
  for (const Json& group : file.at("testGroups")) {
    const PublicKey key = value_of(PublicKey::from_spki(unhex(group.at("publicKeyDer").get<std::string>())));
    for (const Json& test : group.at("tests")) {
      const Status status =
          key.verify(algorithm, unhex(test.at("msg").get<std::string>()), unhex(test.at("sig").get<std::string>()));
      EXPECT_EQ(status.ok(), test.at("result") == "valid") << path << " tcId " << test.at("tcId");
      ++(status.ok() ? count.verified : count.refused);
    }
  }
  EXPECT_EQ(count.verified + count.refused, file.at("numberOfTests").get<int>());
  return count;
}

TEST(WycheproofSignatures, EcdsaP256) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/ecdsa_secp256r1_sha256_test.json");
  const Count count = verify_all(path, SignatureAlgorithm::kEcdsaSha256);
  EXPECT_GE(count.verified, 150);
  EXPECT_GE(count.refused, 200);
}

TEST(WycheproofSignatures, EcdsaP384) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/ecdsa_secp384r1_sha384_test.json");
  EXPECT_GE(verify_all(path, SignatureAlgorithm::kEcdsaSha384).refused, 200);
}

TEST(WycheproofSignatures, EcdsaP384WithSha256) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/ecdsa_secp384r1_sha256_test.json");
  EXPECT_GE(verify_all(path, SignatureAlgorithm::kEcdsaSha256).refused, 200);
}

TEST(WycheproofSignatures, Ed25519) {
  CLOISTER_VECTORS_OR_SKIP(path, "wycheproof/ed25519_test.json");
  const Count count = verify_all(path, SignatureAlgorithm::kEd25519);
  EXPECT_EQ(count.verified, 88);
  EXPECT_EQ(count.refused, 63);
}

}  // namespace
}  // namespace cloister::crypto
