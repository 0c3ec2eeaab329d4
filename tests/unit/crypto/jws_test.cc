#include "crypto/jws.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "crypto/jwk.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"

namespace cloister::crypto {
namespace {

using namespace cloister::testing;

std::string url(std::string_view text) { return to_base64(as_bytes(text), Base64::kUrl); }

std::string signed_token(std::string_view payload = "payload") {
  MemorySigner signer(key_of_seed(1));
  return value_of(sign_jws({JwsAlgorithm::kEs256, "key-1", "JWT"}, as_bytes(payload), signer));
}

// RFC 7515 A.3: ES256.
constexpr std::string_view kEs256 =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
constexpr std::string_view kEs256Key = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                                       R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";
// RFC 7515 A.2: RS256.
constexpr std::string_view kRs256 =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr"
    "7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12"
    "jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw";
constexpr std::string_view kRs256Key =
    R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4)"
    R"(d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQ)"
    R"(OS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM)"
    R"(Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})";

PublicKey jwk(std::string_view text) { return value_of(parse_jwk(value_of(parse_json(text)))); }

TEST(Jws, VerifiesWhatTheStandardShows) {
  const std::string payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
  EXPECT_EQ(as_text(value_of(value_of(Jws::parse(kEs256)).verified_payload(jwk(kEs256Key)))), payload);
  EXPECT_EQ(as_text(value_of(value_of(Jws::parse(kRs256)).verified_payload(jwk(kRs256Key)))), payload);
}

TEST(Jws, ReadsWhatItWrites) {
  const Jws jws = value_of(Jws::parse(signed_token()));
  EXPECT_EQ(jws.header().algorithm, JwsAlgorithm::kEs256);
  EXPECT_EQ(jws.header().key_id, "key-1");
  EXPECT_EQ(jws.header().type, "JWT");
  EXPECT_EQ(as_text(jws.unverified_payload()), "payload");
  EXPECT_EQ(as_text(value_of(jws.verified_payload(key_of_seed(1).public_key()))), "payload");
  EXPECT_EQ(signed_token(), signed_token());
  MemorySigner signer(key_of_seed(1));
  const Jws bare = value_of(Jws::parse(value_of(sign_jws({}, {}, signer))));
  EXPECT_FALSE(bare.header().key_id || bare.header().type);
}

TEST(Jws, AnotherKeyOrAnotherKindOfKey) {
  const Jws jws = value_of(Jws::parse(signed_token()));
  expect_refused(jws.verified_payload(key_of_seed(2).public_key()), Code::kCorrupt, "signature");
  expect_refused(jws.verified_payload(key_of_seed(1, KeyType::kEcP384).public_key()), Code::kInvalid, "P-384");
  expect_refused(jws.verified_payload(key_of_seed(1, KeyType::kEd25519).public_key()), Code::kInvalid, "Ed25519");
  expect_refused(jws.verified_payload(jwk(kRs256Key)), Code::kInvalid, "RSA");
  expect_refused(value_of(Jws::parse(kRs256)).verified_payload(jwk(kEs256Key)), Code::kInvalid, "P-256");
}

TEST(Jws, EveryChangedCharacter) {
  const std::string token = signed_token();
  const PublicKey key = key_of_seed(1).public_key();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto jws = Jws::parse(changed);
    ASSERT_FALSE(jws.ok() && jws->verified_payload(key).ok()) << i;
  }
}

TEST(Jws, SignatureOfTheWrongLength) {
  const std::string token = signed_token();
  const std::string start = token.substr(0, token.rfind('.') + 1);
  const PublicKey key = key_of_seed(1).public_key();
  for (const std::size_t size : {1, 63, 65, 70, 72}) {
    const Jws jws = value_of(Jws::parse(start + to_base64(Bytes(size, 1), Base64::kUrl)));
    expect_refused(jws.verified_payload(key), Code::kCorrupt, "length");
  }
  // r = s = 0 is the signature that broken verifiers take.
  expect_refused(value_of(Jws::parse(start + to_base64(Bytes(64), Base64::kUrl))).verified_payload(key), Code::kCorrupt,
                 "signature");
}

TEST(Jws, AlgorithmsThatAreNeverTaken) {
  for (const char* algorithm :
       {"none", "None", "NONE", "HS256", "HS384", "HS512", "EdDSA", "ES256K", "es256", "RSA-OAEP", ""}) {
    const std::string token = url(std::string("{\"alg\":\"") + algorithm + "\"}") + "." + url("{}") + ".AAAA";
    expect_refused(Jws::parse(token), Code::kInvalid, "algorithm");
  }
  expect_refused(Jws::parse(url("{}") + "." + url("{}") + ".AAAA"), Code::kInvalid, "no algorithm");
  expect_refused(Jws::parse(url("{\"alg\":1}") + "." + url("{}") + ".AAAA"), Code::kInvalid, "alg");
  expect_refused(Jws::parse(url("{\"alg\":\"ES256\",\"alg\":\"RS256\"}") + ".e30.AAAA"), Code::kInvalid, "header");
}

TEST(Jws, WithoutASignature) {
  expect_refused(Jws::parse(url("{\"alg\":\"ES256\"}") + ".e30."), Code::kInvalid, "isn't signed");
}

TEST(Jws, ExtensionsThatMustBeUnderstood) {
  for (const char* extra : {"\"crit\":[\"exp\"],\"exp\":1", "\"crit\":[]", "\"b64\":false"}) {
    const std::string header = std::string("{\"alg\":\"ES256\",") + extra + "}";
    expect_refused(Jws::parse(url(header) + ".e30.AAAA"), Code::kInvalid, "understood");
  }
}

TEST(Jws, KeysOfTheTokenItselfAreNotUsed) {
  MemorySigner signer(key_of_seed(2));
  const std::string header = "{\"alg\":\"ES256\",\"jwk\":" + JsonValue(to_jwk(signer.public_key())).serialize() + "}";
  const std::string start = url(header) + ".e30";
  const Bytes der = value_of(signer.sign(as_bytes(start)));
  const Jws jws = value_of(Jws::parse(start + "." + to_base64(Bytes(64, 7), Base64::kUrl)));
  EXPECT_FALSE(jws.verified_payload(key_of_seed(1).public_key()).ok());
}

TEST(Jws, OtherShapes) {
  const std::string token = signed_token();
  const std::string json =
      R"({"payload":"e30","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AAAA"}]})";
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), token + ".", token + ".AAAA",
        token + " ", " " + token, token + "=", json, std::string("e30.e30.AAAA\n")}) {
    expect_refused(Jws::parse(text), Code::kInvalid, "token");
  }
  expect_refused(Jws::parse(std::string(kJwsSizeMax + 1, 'a')), Code::kInvalid, "longer");
  expect_refused(Jws::parse(url("[]") + ".e30.AAAA"), Code::kInvalid, "header");
  expect_refused(Jws::parse(url("{\"alg\":\"ES256\",\"kid\":1}") + ".e30.AAAA"), Code::kInvalid, "kid");
  expect_refused(Jws::parse(url("{\"alg\":\"ES256\",\"typ\":{}}") + ".e30.AAAA"), Code::kInvalid, "typ");
}

TEST(Jws, NotSignedLikeThat) {
  MemorySigner p384(key_of_seed(1, KeyType::kEcP384));
  MemorySigner edwards(key_of_seed(1, KeyType::kEd25519));
  MemorySigner p256(key_of_seed(1));
  expect_refused(sign_jws({}, {}, p384), Code::kInvalid, "ES256");
  expect_refused(sign_jws({}, {}, edwards), Code::kInvalid, "ES256");
  expect_refused(sign_jws({JwsAlgorithm::kRs256, {}, {}}, {}, p256), Code::kInvalid, "ES256");
  expect_refused(sign_jws({}, Bytes(kJwsSizeMax), p256), Code::kInvalid, "too long");
}

}  // namespace
}  // namespace cloister::crypto
