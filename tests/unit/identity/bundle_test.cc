#include "identity/bundle.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/json.h"
#include "crypto/jwk.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

Result<Bundle> parse(std::string_view text, Conformance conformance = Conformance::kStrict) {
  return parse_bundle(domain_of(), text, conformance);
}

std::string document(const std::vector<JsonValue::Object>& keys) {
  JsonValue::Array array;
  for (const JsonValue::Object& key : keys) array.emplace_back(key);
  return JsonValue(JsonValue::Object{{"keys", std::move(array)}}).serialize();
}

JsonValue::Object with(JsonValue::Object entry, std::vector<JsonValue::Member> members) {
  for (JsonValue::Member& member : members) entry.push_back(std::move(member));
  return entry;
}

JsonValue x5c(const std::vector<crypto::Certificate>& certificates) {
  JsonValue::Array array;
  for (const auto& certificate : certificates) array.emplace_back(to_base64(certificate.der()));
  return JsonValue(std::move(array));
}

class BundleText : public ::testing::Test {
 protected:
  JsonValue::Object x509_entry() {
    return with(crypto::to_jwk(root_.signer().public_key()),
                {{"use", "x509-svid"}, {"x5c", x5c({root_.certificate()})}});
  }
  static JsonValue::Object jwt_entry(const char* kid = "k1") {
    return with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "jwt-svid"}, {"kid", kid}});
  }
  TestAuthority root_{1};
};

TEST_F(BundleText, ReadsWhatItWrites) {
  const Bundle bundle = value_of(Bundle::create(
      domain_of(),
      {{root_.certificate(), TestAuthority(2).certificate()},
       {{"k1", key_of_seed(5).public_key()}, {"k2", key_of_seed(6, crypto::KeyType::kEcP384).public_key()}},
       18'446'744'073'709'551'615ULL,
       minutes(5)},
      Conformance::kStrict));
  const std::string text = format_bundle(bundle);
  EXPECT_EQ(value_of(parse(text)), bundle);
  EXPECT_NE(text.find("\"spiffe_sequence\":18446744073709551615"), std::string::npos);
  EXPECT_NE(text.find("\"spiffe_refresh_hint\":300"), std::string::npos);
  const JsonValue json = value_of(parse_json(text));
  EXPECT_EQ((*json.find("keys")->array())[0].find("kid"), nullptr);
  ASSERT_NE(bundle.find_jwt_authority("k2"), nullptr);
  EXPECT_EQ(bundle.find_jwt_authority("k3"), nullptr);
}

TEST_F(BundleText, EmptyKeysTrustNobody) {
  const Bundle bundle = value_of(parse("{\"keys\":[]}"));
  EXPECT_TRUE(bundle.x509_authorities().empty());
  EXPECT_TRUE(bundle.jwt_authorities().empty());
  EXPECT_FALSE(bundle.sequence());
  EXPECT_FALSE(bundle.refresh_hint());
  EXPECT_EQ(format_bundle(bundle), "{\"keys\":[]}");
}

TEST_F(BundleText, KeysThatArePassedOver) {
  const JsonValue::Object known = x509_entry();
  const std::vector<JsonValue::Object> others = {
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "wit-svid"}, {"kid", "w"}}),
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "X509-SVID"}}),
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", std::uint64_t{1}}}),
      crypto::to_jwk(key_of_seed(5).public_key()),
      {{"use", "x509-svid"}, {"kty", "AKP"}, {"x5c", "whatever"}},
      {{"use", "jwt-svid"}, {"kty", "oct"}, {"k", "AAAA"}, {"kid", "s"}},
      {{"use", "jwt-svid"}, {"kty", "EC"}, {"crv", "secp256k1"}, {"kid", "s"}},
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "x509-svid"}}),
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "x509-svid"}, {"x5c", JsonValue::Array{}}}),
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "jwt-svid"}}),
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "jwt-svid"}, {"kid", ""}}),
      with(crypto::to_jwk(key_of_seed(5, crypto::KeyType::kEd25519).public_key()), {{"use", "jwt-svid"}, {"kid", "e"}}),
  };
  for (const JsonValue::Object& other : others) {
    const Bundle bundle = value_of(parse(document({other, known})));
    EXPECT_EQ(bundle.x509_authorities().size(), 1U) << JsonValue(other).serialize();
    EXPECT_TRUE(bundle.jwt_authorities().empty()) << JsonValue(other).serialize();
  }
}

TEST_F(BundleText, MembersThatArePassedOver) {
  const JsonValue::Object entry =
      with(x509_entry(), {{"kid", "not for this use"}, {"alg", "ES256"}, {"more", JsonValue::Object{}}});
  std::string text = document({entry, jwt_entry()});
  text.insert(1, "\"other\":[1,{}],");
  const Bundle bundle = value_of(parse(text));
  EXPECT_EQ(bundle.x509_authorities().size(), 1U);
  EXPECT_EQ(bundle.jwt_authorities().size(), 1U);
}

TEST_F(BundleText, OnlyTheFirstCertificateOfAnEntryCounts) {
  const TestAuthority other(2);
  const JsonValue::Object entry =
      with(crypto::to_jwk(root_.signer().public_key()),
           {{"use", "x509-svid"}, {"x5c", x5c({root_.certificate(), other.certificate()})}});
  EXPECT_EQ(value_of(parse(document({entry}))).x509_authorities(), std::vector{root_.certificate()});
}

TEST_F(BundleText, SameCertificateTwice) {
  EXPECT_EQ(value_of(parse(document({x509_entry(), x509_entry()}))).x509_authorities().size(), 1U);
}

TEST_F(BundleText, NotABundle) {
  for (const char* text :
       {"", "[]", "1", "{}", "{\"keys\":{}}", "{\"keys\":null}", "{\"keys\":[1]}", "{\"keys\":[],\"keys\":[]}"}) {
    expect_refused(parse(text), Code::kInvalid, "example.org");
  }
  expect_refused(parse(std::string(kBundleSizeMax + 1, ' ')), Code::kInvalid, "bytes");
}

TEST_F(BundleText, SequenceOrHintOutOfBounds) {
  EXPECT_EQ(value_of(parse(R"({"keys":[],"spiffe_sequence":0,"spiffe_refresh_hint":0})")).sequence(), 0U);
  for (const char* value : {"-1", "1.5", "\"1\"", "18446744073709551616", "null", "[]"}) {
    expect_refused(parse(std::string("{\"keys\":[],\"spiffe_sequence\":") + value + "}"), Code::kInvalid,
                   "spiffe_sequence");
    expect_refused(parse(std::string("{\"keys\":[],\"spiffe_refresh_hint\":") + value + "}"), Code::kInvalid,
                   "spiffe_refresh_hint");
  }
  expect_refused(parse("{\"keys\":[],\"spiffe_refresh_hint\":99999999999}"), Code::kInvalid, "spiffe_refresh_hint");
}

TEST_F(BundleText, MalformedKeys) {
  const auto refused = [&](const JsonValue::Object& entry, std::string_view word) {
    expect_refused(parse(document({x509_entry(), entry})), Code::kInvalid, word);
  };
  const JsonValue::Object root_key = crypto::to_jwk(root_.signer().public_key());
  const JsonValue::Object x509 = with(root_key, {{"use", "x509-svid"}});
  refused(with(x509, {{"x5c", "text"}}), "x5c");
  refused(with(x509, {{"x5c", JsonValue::Array{std::uint64_t{1}}}}), "x5c");
  refused(with(x509, {{"x5c", JsonValue::Array{"AA=A"}}}), "base64");
  refused(with(x509, {{"x5c", JsonValue::Array{"MAA="}}}), "no certificate");
  refused(
      with(crypto::to_jwk(key_of_seed(5).public_key()), {{"use", "x509-svid"}, {"x5c", x5c({root_.certificate()})}}),
      "isn't that of its certificate");
  refused(with(x509, {{"x5c", x5c({root_.certificate()})}, {"d", "AAAA"}}), "private half");
  refused({{"use", "jwt-svid"}, {"kty", "EC"}, {"crv", "P-256"}, {"x", "AA"}, {"y", "AA"}, {"kid", "k"}}, "malformed");
  refused({{"use", "jwt-svid"}, {"kid", "k"}}, "kty");
  expect_refused(parse(document({jwt_entry("k"), jwt_entry("k")})), Code::kInvalid, "twice");
  refused(jwt_entry("k\x01"), "plain text");
  refused(jwt_entry(std::string(513, 'k').c_str()), "too long");
}

TEST_F(BundleText, CertificateThatMayNotSign) {
  TestAuthority weak(7, {.basic = crypto::extension_leaf()});
  const std::string text = document(
      {with(crypto::to_jwk(weak.signer().public_key()), {{"use", "x509-svid"}, {"x5c", x5c({weak.certificate()})}})});
  expect_refused(parse(text), Code::kInvalid, "signing certificate");
  TestAuthority careless(8, {.usage = usage_extension(0x06, crypto::Critical::kNo)});
  const std::string other = document({with(crypto::to_jwk(careless.signer().public_key()),
                                           {{"use", "x509-svid"}, {"x5c", x5c({careless.certificate()})}})});
  expect_refused(parse(other), Code::kInvalid, "critical");
  EXPECT_TRUE(parse(other, Conformance::kGoSpiffe).ok());
}

TEST(BundleSet, OneForEachTrustDomain) {
  const auto bundle = [](std::string_view name, std::uint64_t sequence) {
    return value_of(Bundle::create(domain_of(name), {{}, {}, sequence, {}}, Conformance::kStrict));
  };
  const BundleSet empty;
  const BundleSet one = empty.with(bundle("a", 1));
  const BundleSet two = one.with(bundle("b", 1)).with(bundle("a", 2));
  EXPECT_EQ(empty.find(domain_of("a")), nullptr);
  EXPECT_EQ(one.find(domain_of("a"))->sequence(), 1U);
  EXPECT_EQ(two.find(domain_of("a"))->sequence(), 2U);
  EXPECT_EQ(two.find(domain_of("A"))->sequence(), 2U);
  EXPECT_EQ(two.all().size(), 2U);
  EXPECT_EQ(two.without(domain_of("a")).find(domain_of("a")), nullptr);
  EXPECT_NE(two.find(domain_of("a")), nullptr);
}

}  // namespace
}  // namespace cloister::identity
