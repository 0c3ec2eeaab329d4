#include "crypto/hash.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

// FIPS 180-4 examples.
TEST(Hash, KnownAnswers) {
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha384(as_bytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
            "454d4423643ce80e2a9ac94fa54ca49f");
}

TEST(Hash, PiecesMakeTheSameDigest) {
  const Bytes bytes(1000, 0x42);
  Sha256 hash;
  for (std::size_t at = 0; at < bytes.size(); at += 77) {
    hash.update(ByteView(bytes).subspan(at, std::min<std::size_t>(77, bytes.size() - at)));
  }
  hash.update({});
  EXPECT_EQ(hash.finish(), sha256(bytes));
  EXPECT_EQ(hash.finish(), sha256({})) << "starts anew";
  hash.update(as_bytes("abc"));
  Sha256 moved = std::move(hash);
  EXPECT_EQ(moved.finish(), sha256(as_bytes("abc")));
}

// RFC 4231, test cases 1 and 2; the third by Python's hmac.
TEST(Hmac, KnownAnswers) {
  EXPECT_EQ(to_hex(hmac_sha256(Secret::copy_of(Bytes(20, 0x0b)), as_bytes("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(testing::secret_of("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(testing::secret_of("key"), as_bytes("The quick brown fox jumps over the lazy dog"))),
            "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

TEST(Hmac, AnEmptyKeyIsAKey) {
  EXPECT_EQ(to_hex(hmac_sha256(Secret(), {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  EXPECT_NE(hmac_sha256(testing::secret_of("a"), {}), hmac_sha256(Secret(), {}));
}

}  // namespace
}  // namespace cloister::crypto
