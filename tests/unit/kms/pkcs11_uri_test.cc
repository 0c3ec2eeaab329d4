#include "kms/pkcs11/pkcs11_uri.h"

#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;

TEST(Pkcs11UriText, ExampleOfTheRfc) {
  const auto uri = parse_pkcs11_uri(
      "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;"
      "object=my-certificate;type=private;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin");
  ASSERT_TRUE(uri.ok()) << uri.error().message();
  EXPECT_EQ(uri->token, "The Software PKCS#11 Softtoken");
  EXPECT_EQ(uri->manufacturer, "Snake Oil, Inc.");
  EXPECT_EQ(uri->model, "1.0");
  EXPECT_EQ(uri->serial, "");
  EXPECT_EQ(uri->object, "my-certificate");
  EXPECT_EQ(uri->type, Pkcs11Uri::Type::kPrivateKey);
  EXPECT_EQ(to_hex(*uri->id), "69953e5cf4bdec91");
  EXPECT_EQ(uri->pin_source, "file:/etc/token_pin");
}

TEST(Pkcs11UriText, OneSpelling) {
  EXPECT_EQ(to_string(parse_pkcs11_uri("pkcs11:type=secret-key;id=%0a;object=a%62%20c;token=t?module-path=/x").value()),
            "pkcs11:token=t;object=ab%20c;id=%0A;type=secret-key?module-path=%2Fx");
  EXPECT_EQ(to_string(parse_pkcs11_uri("pkcs11:").value()), "pkcs11:");
  EXPECT_EQ(parse_pkcs11_uri("pkcs11:object=a:b@c!$'()*+,=&").value().object, "a:b@c!$'()*+,=&");
}

TEST(Pkcs11UriText, Malformed) {
  for (const char* text : {"",
                           "pkcs11",
                           "PKCS11:token=a",
                           "http:token=a",
                           "pkcs11:token",
                           "pkcs11:=a",
                           "pkcs11:token=a;",
                           "pkcs11:;token=a",
                           "pkcs11:token=a;;serial=b",
                           "pkcs11:token=%",
                           "pkcs11:token=%4",
                           "pkcs11:token=%4g",
                           "pkcs11:token=a b",
                           "pkcs11:token=a/b",
                           "pkcs11:token=a?module-path=b&",
                           "pkcs11:token=%00",
                           "pkcs11:token=%ff",
                           "pkcs11:token=%0a",
                           "pkcs11:token=a;token=a",
                           "pkcs11:id=%01;id=%01",
                           "pkcs11:type=public;type=public",
                           "pkcs11:?module-path=a&module-path=a",
                           "pkcs11:token=a#b"}) {
    expect_refused(parse_pkcs11_uri(text), Code::kInvalid, "read PKCS#11 URI");
  }
  expect_refused(parse_pkcs11_uri("pkcs11:object=" + std::string(kPkcs11UriMax, 'a')), Code::kInvalid, "2048");
}

TEST(Pkcs11UriText, NotUnderstood) {
  for (const char* text : {"pkcs11:slot-id=0", "pkcs11:slot-description=a", "pkcs11:library-version=3",
                           "pkcs11:x-own=a", "pkcs11:type=cert", "pkcs11:type=data",
                           "pkcs11:type=", "pkcs11:?module-name=a", "pkcs11:module-path=a", "pkcs11:?token=a"}) {
    expect_refused(parse_pkcs11_uri(text), Code::kUnsupported, "read PKCS#11 URI");
  }
}

TEST(Pkcs11UriText, PinInTheName) {
  const auto uri = parse_pkcs11_uri("pkcs11:token=a?pin-value=correct-1234");
  expect_refused(uri, Code::kInvalid, "pin-source");
  EXPECT_EQ(uri.error().message().find("correct-1234"), std::string::npos);
}

}  // namespace
}  // namespace cloister::kms
