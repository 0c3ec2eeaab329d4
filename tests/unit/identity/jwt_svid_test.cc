#include "identity/jwt_svid.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "crypto/jws.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

// Signs whatever it is told, with the key "k1" of example.org.
class Issuer {
 public:
  Issuer() { trust({{"k1", signer.public_key()}}); }
  void trust(std::vector<JwtAuthority> keys) {
    bundles =
        BundleSet().with(value_of(Bundle::create(domain_of(), {{}, std::move(keys), {}, {}}, Conformance::kStrict)));
  }
  std::string token(std::string_view claims, std::optional<std::string> type = "JWT",
                    std::optional<std::string> key_id = "k1") {
    return value_of(
        crypto::sign_jws({crypto::JwsAlgorithm::kEs256, std::move(key_id), std::move(type)}, as_bytes(claims), signer));
  }
  crypto::MemorySigner signer{key_of_seed(5)};
  BundleSet bundles;
};

constexpr std::int64_t kSeconds = kNow.unix_ms / 1000;

std::string claims_of(const std::string& audience = "[\"reports\"]", std::int64_t expires = kSeconds + 300,
                      const std::string& more = "", const std::string& subject = "spiffe://example.org/worker") {
  return "{\"sub\":\"" + subject + "\",\"aud\":" + audience + ",\"exp\":" + std::to_string(expires) + more + "}";
}

class JwtSvidTest : public ::testing::Test {
 protected:
  Result<JwtSvid> verify(std::string_view token, Time now = kNow, Duration leeway = {},
                         const std::string& audience = "reports") {
    return verify_jwt_svid(token, issuer_.bundles, {audience, now, leeway});
  }
  Result<JwtSvid> verify_claims(const std::string& claims) { return verify(issuer_.token(claims)); }
  Issuer issuer_;
};

TEST_F(JwtSvidTest, SaysWhoTheCallerIs) {
  const JwtSvid svid =
      value_of(verify_claims(claims_of("[\"a\",\"reports\"]", kSeconds + 300, ",\"iat\":1,\"x\":{\"y\":2}")));
  EXPECT_EQ(svid.id, id_of());
  EXPECT_EQ(svid.audience, (std::vector<std::string>{"a", "reports"}));
  EXPECT_EQ(svid.expires, kNow + seconds(300));
  EXPECT_EQ(svid.claims.find("x")->find("y")->unsigned_integer(), 2U);
  EXPECT_TRUE(verify_claims(claims_of("\"reports\"")).ok());
}

TEST_F(JwtSvidTest, TypeOfTheToken) {
  EXPECT_TRUE(verify(issuer_.token(claims_of(), "JWT")).ok());
  EXPECT_TRUE(verify(issuer_.token(claims_of(), "JOSE")).ok());
  EXPECT_TRUE(verify(issuer_.token(claims_of(), std::nullopt)).ok());
  for (const char* type : {"wit+jwt", "jwt", "at+jwt", ""}) {
    expect_refused(verify(issuer_.token(claims_of(), type)), Code::kInvalid, "type");
  }
}

TEST_F(JwtSvidTest, MeantForSomebodyElse) {
  expect_refused(verify_claims(claims_of("[\"a\",\"b\"]")), Code::kDenied, "somebody else");
  expect_refused(verify_claims(claims_of("\"Reports\"")), Code::kDenied, "somebody else");
  expect_refused(verify_claims(claims_of("\"\"")), Code::kDenied, "somebody else");
}

TEST_F(JwtSvidTest, NoAudienceOrMalformed) {
  for (const char* audience : {"[]", "null", "1", "{}"})
    expect_refused(verify_claims(claims_of(audience)), Code::kInvalid, "audience");
  expect_refused(verify_claims(claims_of("[\"reports\",1]")), Code::kInvalid, "audience");
  expect_refused(verify_claims("{\"sub\":\"spiffe://example.org/a\",\"exp\":9999999999}"), Code::kInvalid, "audience");
}

TEST_F(JwtSvidTest, NeverExpires) {
  expect_refused(verify_claims("{\"sub\":\"spiffe://example.org/a\",\"aud\":\"reports\"}"), Code::kInvalid,
                 "never expires");
  for (const char* date : {"null", "\"9999999999\"", "-1", "1e300", "[]"}) {
    expect_refused(
        verify_claims(std::string("{\"sub\":\"spiffe://example.org/a\",\"aud\":\"reports\",\"exp\":") + date + "}"),
        Code::kInvalid, "exp");
  }
}

TEST_F(JwtSvidTest, ExpiredOrTooEarly) {
  const std::string token = issuer_.token(claims_of("\"reports\"", kSeconds));
  EXPECT_TRUE(verify(token, kNow + Duration{-1}).ok());
  expect_refused(verify(token, kNow), Code::kExpired, "expired");
  EXPECT_TRUE(verify(token, kNow + seconds(9), seconds(10)).ok());
  expect_refused(verify(token, kNow + seconds(10), seconds(10)), Code::kExpired, "expired");
  const std::string later =
      issuer_.token(claims_of("\"reports\"", kSeconds + 300, ",\"nbf\":" + std::to_string(kSeconds + 10)));
  expect_refused(verify(later), Code::kExpired, "before");
  EXPECT_TRUE(verify(later, kNow, seconds(10)).ok());
  EXPECT_TRUE(verify(later, kNow + seconds(10)).ok());
  EXPECT_TRUE(verify_claims("{\"sub\":\"spiffe://example.org/a\",\"aud\":\"reports\",\"exp\":1795526589.5}").ok());
}

TEST_F(JwtSvidTest, WrongSubject) {
  for (const char* subject :
       {"", "worker", "https://example.org/a", "spiffe://example.org/a/", "spiffe://example.org"}) {
    expect_refused(verify_claims(claims_of("\"reports\"", kSeconds + 300, "", subject)), Code::kInvalid, "no JWT-SVID");
  }
  expect_refused(verify_claims("{\"aud\":\"reports\",\"exp\":9999999999}"), Code::kInvalid, "subject");
  expect_refused(verify_claims("{\"sub\":1,\"aud\":\"reports\",\"exp\":9999999999}"), Code::kInvalid, "subject");
}

TEST_F(JwtSvidTest, ClaimsThatAreNone) {
  for (const char* claims :
       {"", "[]", "x", "{\"sub\":\"spiffe://example.org/a\",\"sub\":\"spiffe://example.org/b\"}"}) {
    expect_refused(verify_claims(claims), Code::kInvalid, "claims");
  }
}

TEST_F(JwtSvidTest, AnotherTrustDomain) {
  const std::string token = issuer_.token(claims_of("\"reports\"", kSeconds + 300, "", "spiffe://example.com/a"));
  expect_refused(verify(token), Code::kDenied, "no bundle");
  // Trusted too, with a key of the same name: it is asked, and no other.
  issuer_.bundles = issuer_.bundles.with(value_of(Bundle::create(
      domain_of("example.com"), {{}, {{"k1", key_of_seed(6).public_key()}}, {}, {}}, Conformance::kStrict)));
  expect_refused(verify(token), Code::kDenied, "signature");
}

TEST_F(JwtSvidTest, UnknownKey) {
  expect_refused(verify(issuer_.token(claims_of(), "JWT", "k2")), Code::kDenied, "no such key");
  expect_refused(verify(issuer_.token(claims_of(), "JWT", "")), Code::kInvalid, "name is empty");
}

TEST_F(JwtSvidTest, NoKeyNamed) {
  const std::string token = issuer_.token(claims_of(), "JWT", std::nullopt);
  EXPECT_EQ(value_of(verify(token)).id, id_of());

  // Beside the right one: another on its curve, and one of another kind.
  const crypto::PublicKey own = issuer_.signer.public_key(), other = key_of_seed(6).public_key();
  const crypto::PublicKey wider = key_of_seed(7, crypto::KeyType::kEcP384).public_key();
  issuer_.trust({{"k0", wider}, {"k1", other}, {"k2", own}});
  EXPECT_EQ(value_of(verify(token)).id, id_of());
  expect_refused(verify(issuer_.token(claims_of("\"other\""), "JWT", std::nullopt)), Code::kDenied, "somebody else");

  issuer_.trust({{"k0", wider}, {"k1", other}});
  expect_refused(verify(token), Code::kDenied, "no key of its trust domain");
  issuer_.trust({{"k0", wider}});
  expect_refused(verify(token), Code::kDenied, "no key of its trust domain");
  issuer_.trust({});
  expect_refused(verify(token), Code::kDenied, "no key of its trust domain");
  issuer_.trust({{"k1", own}, {"k2", own}});
  expect_refused(verify(token), Code::kDenied, "more than one");
}

TEST_F(JwtSvidTest, NoKeyNamedAndTooManyToTry) {
  const std::string token = issuer_.token(claims_of(), "JWT", std::nullopt);
  std::vector<JwtAuthority> keys{{"own", issuer_.signer.public_key()},
                                 {"wider", key_of_seed(7, crypto::KeyType::kEcP384).public_key()}};
  for (std::uint64_t i = 1; i < kJwtKeysTriedMax; ++i) {
    keys.push_back({"k" + std::to_string(i), key_of_seed(100 + i).public_key()});
  }
  issuer_.trust(keys);
  EXPECT_TRUE(verify(token).ok());
  keys.push_back({"last", key_of_seed(99).public_key()});
  issuer_.trust(keys);
  expect_refused(verify(token), Code::kDenied, "too many");
  EXPECT_TRUE(verify(issuer_.token(claims_of(), "JWT", "own")).ok());
}

TEST_F(JwtSvidTest, ForgedSignature) {
  crypto::MemorySigner thief(key_of_seed(7));
  const std::string token =
      value_of(crypto::sign_jws({crypto::JwsAlgorithm::kEs256, "k1", "JWT"}, as_bytes(claims_of()), thief));
  expect_refused(verify(token), Code::kDenied, "signature");
}

TEST_F(JwtSvidTest, SharedKeyMadeOfThePublicOne) {
  const std::string header = to_base64(as_bytes("{\"alg\":\"HS256\",\"kid\":\"k1\"}"), Base64::kUrl);
  const std::string start = header + "." + to_base64(as_bytes(claims_of()), Base64::kUrl);
  const auto mac = crypto::hmac_sha256(crypto::Secret::copy_of(issuer_.signer.public_key().spki()), as_bytes(start));
  expect_refused(verify(start + "." + to_base64(mac, Base64::kUrl)), Code::kInvalid, "algorithm");
}

TEST_F(JwtSvidTest, ExpectationThatExpectsNothing) {
  const std::string token = issuer_.token(claims_of("\"\""));
  expect_refused(verify(token, kNow, {}, ""), Code::kInvalid, "audience is due");
  expect_refused(verify(token, kNow, minutes(2)), Code::kInvalid, "leeway");
  expect_refused(verify(token, kNow, seconds(-1)), Code::kInvalid, "leeway");
}

}  // namespace
}  // namespace cloister::identity
