#include "crypto/jwk.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

JsonValue json(std::string_view text) { return value_of(parse_json(text)); }

// RFC 7517 A.1, the EC key; RFC 8037 A.2.
constexpr std::string_view kEc = R"({"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
                                 R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})";
constexpr std::string_view kOkp = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
// RFC 7638 3.1, with the thumbprint it gives.
constexpr std::string_view kRsa =
    R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECP)"
    R"(ebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ)"
    R"(ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1)"
    R"(jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB"})";

TEST(Jwk, ReadsWhatTheStandardsShow) {
  EXPECT_EQ(value_of(parse_jwk(json(kEc))).type(), KeyType::kEcP256);
  EXPECT_EQ(value_of(parse_jwk(json(kOkp))).type(), KeyType::kEd25519);
  const PublicKey rsa = value_of(parse_jwk(json(kRsa)));
  EXPECT_EQ(rsa.type(), KeyType::kRsa);
  EXPECT_EQ(jwk_thumbprint(rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(jwk_thumbprint(value_of(parse_jwk(json(kOkp)))),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");  // RFC 8037 A.3
}

TEST(Jwk, GoesThereAndBack) {
  std::vector<PublicKey> keys = {value_of(parse_jwk(json(kRsa)))};
  for (const KeyType type : {KeyType::kEcP256, KeyType::kEcP384, KeyType::kEd25519}) {
    keys.push_back(key_of_seed(1, type).public_key());
  }
  for (const PublicKey& key : keys) EXPECT_EQ(value_of(parse_jwk(JsonValue(to_jwk(key)))), key);
}

TEST(Jwk, KindsThatAreNotUsed) {
  for (const std::string_view text :
       {R"({"kty":"oct","k":"AAAA"})", R"({"kty":"ec"})", R"({"kty":"AKP"})",
        R"({"kty":"EC","crv":"secp256k1","x":"","y":""})", R"({"kty":"OKP","crv":"X25519"})"}) {
    expect_refused(parse_jwk(json(text)), Code::kUnsupported, "isn't used");
  }
}

TEST(Jwk, Malformed) {
  for (const std::string_view text :
       {"{}", "[]", "1", R"({"kty":1})", R"({"kty":"EC"})", R"({"kty":"EC","crv":1})", R"({"kty":"EC","crv":"P-256"})",
        R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", R"({"kty":"EC","crv":"P-256","x":"A","y":"AA"})",
        R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", R"({"kty":"OKP","crv":"Ed25519","x":7})",
        R"({"kty":"RSA","n":"AQ","e":"AQAB"})", R"({"kty":"RSA","e":"AQAB"})", R"({"kty":"RSA","n":"=","e":"AQAB"})"}) {
    expect_refused(parse_jwk(json(text)), Code::kInvalid, "");
  }
}

TEST(Jwk, ComesWithItsPrivateHalf) {
  std::string text(kEc);
  text.insert(text.size() - 1, R"(,"d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE")");
  expect_refused(parse_jwk(json(text)), Code::kInvalid, "private half");
}

}  // namespace
}  // namespace cloister::crypto
