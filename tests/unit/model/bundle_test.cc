#include "model/bundle.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/support/expect.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kGood =
    R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"ab"},"tlogEntries":[]},"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AQI=","keyid":""}]}})";

// With the first `from` made `to`.
std::string with(std::string_view from, std::string_view to) {
  std::string text(kGood);
  const std::size_t at = text.find(from);
  CLOISTER_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(ModelBundle, ReadsWhatItWrites) {
  const Bundle bundle = value_of(parse_bundle(kGood));
  EXPECT_EQ(bundle.method, Method::kKey);
  EXPECT_EQ(bundle.hint, "ab");
  EXPECT_EQ(as_text(bundle.payload), "{}");
  EXPECT_EQ(serialize_bundle(bundle), kGood);

  Bundle chain = bundle;
  chain.method = Method::kCertificate;
  chain.certificates = {{1, 2}, {3}};
  const Bundle again = value_of(parse_bundle(serialize_bundle(chain)));
  EXPECT_EQ(again.method, Method::kCertificate);
  EXPECT_EQ(again.certificates, chain.certificates);
}

TEST(ModelBundle, SpellingsOfOtherTools) {
  for (const std::string& text : {with(R"(,"keyid":"")", ""), with(R"("keyid":"")", R"("keyid":null)"),
                                  with(R"(,"tlogEntries":[])", ""), " " + std::string(kGood) + "\n"}) {
    EXPECT_TRUE(parse_bundle(text).ok()) << text;
  }
  // Until 1.0.1 the reference put the key itself there: nobody is trusted for that.
  const Bundle old = value_of(parse_bundle(with(R"({"hint":"ab"})", R"({"rawBytes":"AQID","keyDetails":"PKIX"})")));
  EXPECT_TRUE(old.hint.empty());
}

TEST(ModelBundle, NotOneWholeBundle) {
  expect_refused(parse_bundle(""), Code::kCorrupt, "JSON");
  expect_refused(parse_bundle("[]"), Code::kCorrupt, "object");
  expect_refused(parse_bundle(std::string(kGood) + "{}"), Code::kCorrupt, "JSON");
  expect_refused(parse_bundle(with(R"("mediaType")", R"("media_type")")), Code::kCorrupt, "member");
  expect_refused(parse_bundle(with(R"("mediaType")", R"("mediaType":"a","mediaType")")), Code::kCorrupt, "twice");
  expect_refused(parse_bundle(with(R"({"hint":"ab"})", "7")), Code::kCorrupt, "public key");
  expect_refused(parse_bundle(with(R"("hint":"ab")", R"("hint":7)")), Code::kCorrupt, "hint");
  expect_refused(parse_bundle(with("verificationMaterial", "dsseenvelope")), Code::kCorrupt, "member");
  expect_refused(parse_bundle(with(R"(,"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json",)"
                                   R"("signatures":[{"sig":"AQI=","keyid":""}]})",
                                   "")),
                 Code::kCorrupt, "dsseEnvelope");
  std::string deep = std::string(kGood);
  deep.replace(deep.find("[]"), 2, std::string(40, '[') + std::string(40, ']'));
  expect_refused(parse_bundle(deep), Code::kCorrupt, "deep");
}

TEST(ModelBundle, OtherMediaType) {
  expect_refused(parse_bundle(with(".v0.3+json", "+json;version=0.3")), Code::kUnsupported, "media type");
}

TEST(ModelBundle, MaterialOfTwoKinds) {
  expect_refused(parse_bundle(with(R"("publicKey":)", R"("certificate":{"rawBytes":"AQ=="},"publicKey":)")),
                 Code::kCorrupt, "one kind");
  expect_refused(parse_bundle(with(R"("publicKey":{"hint":"ab"},)", "")), Code::kCorrupt, "one kind");
}

TEST(ModelBundle, KeylessWithoutALog) {
  const std::string keyless = with(R"("publicKey":{"hint":"ab"})", R"("certificate":{"rawBytes":"AQ=="})");
  expect_refused(parse_bundle(keyless), Code::kDenied, "log");
}

TEST(ModelBundle, CertificatesMissingOrTooMany) {
  const auto chain = [](const std::string& list) {
    return with(R"("publicKey":{"hint":"ab"})", R"("x509CertificateChain":{"certificates":[)" + list + "]}");
  };
  EXPECT_TRUE(parse_bundle(chain(R"({"rawBytes":"AQ=="})")).ok());
  expect_refused(parse_bundle(chain("")), Code::kCorrupt, "certificates");
  expect_refused(parse_bundle(chain(R"({"rawBytes":""})")), Code::kCorrupt, "size");
  expect_refused(parse_bundle(chain(R"({"rawBytes":"A"})")), Code::kCorrupt, "base64");
  std::string many = R"({"rawBytes":"AQ=="})";
  for (std::size_t i = 0; i < kCertificatesMax; ++i) many += R"(,{"rawBytes":"AQ=="})";
  expect_refused(parse_bundle(chain(many)), Code::kCorrupt, "too many");
}

TEST(ModelBundle, NotExactlyOneSignature) {
  expect_refused(parse_bundle(with(R"([{"sig":"AQI=","keyid":""}])", "[]")), Code::kCorrupt, "one signature");
  expect_refused(parse_bundle(with(R"([{"sig")", R"([{"sig":"AQI="},{"sig")")), Code::kCorrupt, "one signature");
  expect_refused(parse_bundle(with(R"("sig":"AQI=")", R"("sig":"")")), Code::kCorrupt, "size");
  expect_refused(parse_bundle(with(R"("keyid":"")", R"("keyid":7)")), Code::kCorrupt, "keyid");
}

TEST(ModelBundle, LooseBase64) {
  for (const std::string_view payload : {"e30", "e30=\\n", "e3 0=", "e31=", "e30_", "===="}) {
    expect_refused(parse_bundle(with("e30=", payload)), Code::kCorrupt, "base64");
  }
}

TEST(ModelBundle, LengthsAreSigned) { EXPECT_EQ(as_text(signed_bytes("a b", as_bytes("xyz"))), "DSSEv1 3 a b 3 xyz"); }

}  // namespace
}  // namespace cloister::model
