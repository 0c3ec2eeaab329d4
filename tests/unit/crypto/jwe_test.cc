#include "crypto/jwe.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "crypto/jwk.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/jwe_opener.h"
#include "tests/support/value_of.h"

namespace cloister::crypto {
namespace {

using testing::expect_refused;
using testing::secret_of;
using testing::unhex;
using testing::value_of;

constexpr std::string_view kJwk =
    R"({"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"ItbHMuQKF46BQfSmKVtXEqob52tfWOps3H2Rc7tFydQ",)"
    R"("y":"44S4FX8jGG7ZGBmiYuNXE6vIqOmrr1Qur7uUV2ZkX1A"})";

JweRecipient recipient(std::string_view jwk) { return value_of(JweRecipient::parse(value_of(parse_json(jwk)))); }

std::string text(const JsonValue::Object& jwe, std::string_view name) { return *JsonValue(jwe).find(name)->string(); }

// The values were computed by another implementation, from fixed keys, and npm's jose decrypts them.
TEST(Jwe, WorkedExample) {
  Bytes script = unhex("64af94d38821f79dea6b9a0e14ade533ebe2ad3fe4195c1bb3fd983bbce43a39");
  const Bytes scalar = unhex("9c69fbb39eaa19d0670d720432a4fc0faf58111fc8a4ac3029edfce3e07b5a2b");
  script.insert(script.end(), scalar.begin(), scalar.end());
  const Bytes iv = value_of(from_base64("CrMGgjA1Zhu426Ic", Base64::kUrl));
  script.insert(script.end(), iv.begin(), iv.end());
  testing::ScriptedRandom random(std::move(script));
  const auto jwe = value_of(seal_jwe(recipient(kJwk), secret_of("the secret resource"), {}, random));
  EXPECT_EQ(text(jwe, "protected"),
            "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIsIngiOiJs"
            "ZVo0RnpBblg1Q0FENUxnbjR2VGZoME53LVNqOUVTWnFOR0FKdl9YUVEwIiwieSI6Imh3SDBqVHRfOEpVQ0pmVXNCV1FHaTNqZVdoVFBE"
            "c3pNWm5LSmwza29OSmMifX0");
  EXPECT_EQ(text(jwe, "encrypted_key"), "xUksqzxZ3vgA1s31pCSfKo1KOPjY1kDqAj6yPj0EZXE2rU4y_Upcpg");
  EXPECT_EQ(text(jwe, "iv"), "CrMGgjA1Zhu426Ic");
  EXPECT_EQ(text(jwe, "ciphertext"), "uHRtbUp3DgZqs92b59z2GEqyJA");
  EXPECT_EQ(text(jwe, "tag"), "3G-7vRDUeHAvgAsviI7iAQ");
}

TEST(Jwe, OpensWithTheRecipientsKeyOnly) {
  testing::DeterministicRandom random(1);
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    const testing::JweOpener opener(curve), other(curve);
    const auto jwe = value_of(seal_jwe(recipient(opener.jwk()), secret_of("weights"), {}, random));
    EXPECT_EQ(value_of(opener.open(jwe)), "weights") << curve;
    EXPECT_FALSE(other.open(jwe).ok());
  }
  const testing::JweOpener rsa("RSA");
  const auto jwe = value_of(seal_jwe(recipient(rsa.jwk()), secret_of("weights"), {}, random));
  EXPECT_EQ(value_of(rsa.open(jwe)), "weights");
}

TEST(Jwe, FurtherMembersAreInOrderAndAuthenticated) {
  testing::DeterministicRandom random(1);
  const testing::JweOpener opener("P-256");
  auto jwe = value_of(seal_jwe(recipient(opener.jwk()), secret_of("x"), {{"path", "a/b/c"}, {"cty", "z"}}, random));
  const std::string header(as_text(value_of(from_base64(text(jwe, "protected"), Base64::kUrl))));
  EXPECT_TRUE(header.starts_with(R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","cty":"z","epk":{)")) << header;
  EXPECT_TRUE(header.ends_with(R"(},"path":"a/b/c"})")) << header;
  EXPECT_TRUE(opener.open(jwe).ok());
  const std::string changed = header.substr(0, header.size() - 3) + "d\"}";
  jwe[0].second = JsonValue(to_base64(as_bytes(changed), Base64::kUrl));
  EXPECT_FALSE(opener.open(jwe).ok());
}

TEST(Jwe, HeaderMembersOfOurOwnAreRefused) {
  testing::DeterministicRandom random(1);
  for (const char* name : {"alg", "enc", "epk"}) {
    expect_refused(seal_jwe(recipient(kJwk), secret_of("x"), {{name, "y"}}, random), Code::kInvalid, name);
  }
}

TEST(Jwe, RecipientsThatAreRefused) {
  const auto parse = [](std::string_view jwk) { return JweRecipient::parse(value_of(parse_json(jwk))); };
  expect_refused(parse(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), Code::kUnsupported, "neither");
  expect_refused(parse(R"({"kty":"RSA","alg":"RSA1_5","n":"AA","e":"AQAB"})"), Code::kUnsupported, "RSA1_5");
  expect_refused(parse(R"({"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AA","y":"AA"})"), Code::kInvalid, "");
  std::string wrong(kJwk);
  wrong.replace(wrong.find("ECDH-ES+A256KW"), 14, "RSA-OAEP-256");
  expect_refused(parse(wrong), Code::kInvalid, "RSA-OAEP-256");
}

}  // namespace
}  // namespace cloister::crypto
