#include "net/sigv4.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::net {
namespace {

using testing::expect_refused;
using testing::secret_of;
using testing::value_of;

constexpr std::string_view kSecretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDate = "20150830T123600Z";
const SigV4Scope kScope{"20150830", "us-east-1", "service"};

// As AWS's published test suite ("aws4_testsuite") has its requests.
Request suite_request(std::string method, std::string target, Headers more = {}, std::string_view body = {}) {
  Request request{std::move(method), std::move(target), {{"host", "example.amazonaws.com"}}, to_buffer(body), nullptr};
  for (const Header& header : more.all()) request.headers.add(header.name, header.value);
  request.headers.add("x-amz-date", std::string(kDate));
  return request;
}

std::vector<std::string> names_of(const Request& request) {
  std::vector<std::string> names;
  for (const Header& header : request.headers.all()) names.push_back(header.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::unique(names);
  names.erase(twice.begin(), twice.end());
  return names;
}

std::string signature_of(const Request& request) {
  const std::string canonical =
      value_of(sigv4_canonical_request(request, names_of(request), sigv4_payload_hash(request.body)));
  const crypto::Secret key = sigv4_signing_key(secret_of(kSecretKey), kScope);
  return to_hex(sigv4_signature(key, sigv4_string_to_sign(kDate, kScope, canonical)));
}

TEST(SigV4, SignsAsAwsExampleOfItsGuide) {
  Request request{"GET",
                  "/?Action=ListUsers&Version=2010-05-08",
                  {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                   {"host", "iam.amazonaws.com"},
                   {"x-amz-date", "20150830T123600Z"}},
                  {},
                  nullptr};
  const std::string canonical =
      value_of(sigv4_canonical_request(request, names_of(request), sigv4_payload_hash(request.body)));
  EXPECT_EQ(canonical,
            "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
            "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
            "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const SigV4Scope scope{"20150830", "us-east-1", "iam"};
  const std::string to_sign = sigv4_string_to_sign(kDate, scope, canonical);
  EXPECT_EQ(to_sign,
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  const crypto::Secret key = sigv4_signing_key(secret_of(kSecretKey), scope);
  EXPECT_EQ(to_hex(key.expose()), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
  EXPECT_EQ(to_hex(sigv4_signature(key, to_sign)), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

TEST(SigV4, SignsAsAwsTestSuite) {
  const struct {
    Request request;
    std::string_view signature;
  } cases[] = {
      {suite_request("GET", "/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {suite_request("POST", "/"), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
      {suite_request("GET", "/?Param2=value2&Param1=value1"),
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {suite_request("GET", "/?ሴ=bar"), "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {suite_request("GET", "/?%E1%88%B4=bar"), "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {suite_request("GET", "/ሴ"), "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {suite_request("GET", "/example space/"), "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {suite_request("GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {suite_request("GET", "//"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {suite_request("GET", "//example//"), "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {suite_request("GET", "/example/.."), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {suite_request("GET", "/example1/example2/../.."),
       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
      {suite_request("GET", "/./example"), "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {suite_request("GET", "/", {{"my-header1", " value1"}, {"my-header2", " \"a   b   c\""}}),
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {suite_request("GET", "/", {{"my-header1", "value2"}, {"my-header1", "value2"}, {"my-header1", "value1"}}),
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {suite_request("POST", "/", {{"content-type", "application/x-www-form-urlencoded"}}, "Param1=value1"),
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
  };
  for (const auto& [request, signature] : cases) EXPECT_EQ(signature_of(request), signature) << request.target;
}

// A path that is already encoded is encoded again: every service but S3.
TEST(SigV4, EncodedPathIsEncodedAgain) {
  const Request request = suite_request("GET", "/a%20b");
  const std::string canonical = value_of(sigv4_canonical_request(request, {"host"}, ""));
  EXPECT_TRUE(canonical.starts_with("GET\n/a%2520b\n\n")) << canonical;
}

// "PUT Object" of "Signature calculations for the authorization header" in S3's reference.
TEST(SigV4, PathToS3IsAsSent) {
  static constexpr std::string_view kS3SecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const std::string date = "20130524T000000Z";
  Request request{"PUT", "/test%24file.text", {}, to_buffer("Welcome to Amazon S3."), nullptr};
  const std::string hash = sigv4_payload_hash(request.body);
  request.headers = {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                     {"host", "examplebucket.s3.amazonaws.com"},
                     {"x-amz-content-sha256", hash},
                     {"x-amz-date", date},
                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  const SigV4Scope scope{"20130524", "us-east-1", "s3"};
  const auto signature = [&](SigV4Path path) {
    const std::string canonical = value_of(sigv4_canonical_request(request, names_of(request), hash, path));
    return to_hex(sigv4_signature(sigv4_signing_key(secret_of(kS3SecretKey), scope),
                                  sigv4_string_to_sign(date, scope, canonical)));
  };
  static constexpr std::string_view kPublished = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd";
  EXPECT_EQ(signature(SigV4Path::kAsSent), kPublished);
  EXPECT_NE(signature(SigV4Path::kEncodedAgain), kPublished);
}

TEST(SigV4, QueryIsSortedByWhatIsSent) {
  const auto query_of = [](std::string target) {
    const std::string text = value_of(sigv4_canonical_request(suite_request("GET", std::move(target)), {"host"}, ""));
    const std::size_t start = text.find('\n', 4) + 1;
    return text.substr(start, text.find('\n', start) - start);
  };
  EXPECT_EQ(query_of("/?b&a=2&a=1&&c=x%2Fy+z"), "a=1&a=2&b=&c=x%2Fy%2Bz");
  EXPECT_EQ(query_of("/?"), "");
  EXPECT_EQ(query_of("/?a=b=c"), "a=b%3Dc");
}

TEST(SigV4, CanonicalRequestOfWhatIsNotThere) {
  expect_refused(sigv4_canonical_request(suite_request("GET", "/"), {"content-type", "host"}, ""), Code::kInvalid,
                 "lacks a header");
  for (const char* target : {"/?a=%", "/?a=%4", "/?%zz=1", "/?a=%4g"}) {
    expect_refused(sigv4_canonical_request(suite_request("GET", target), {"host"}, ""), Code::kInvalid, "escape");
  }
}

std::string authorization_text() {
  return "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
         "SignedHeaders=host;x-amz-date, "
         "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
}

TEST(SigV4, ReadsAnAuthorization) {
  const SigV4Authorization read = value_of(parse_sigv4_authorization(authorization_text()));
  EXPECT_EQ(read.access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(read.scope.text(), "20150830/us-east-1/service/aws4_request");
  EXPECT_EQ(read.signed_headers, (std::vector<std::string>{"host", "x-amz-date"}));
  EXPECT_EQ(read.serialize(), authorization_text());
  // Other spellings of the same: no space behind commas, another order.
  const std::string other =
      "AWS4-HMAC-SHA256 Signature=" + to_hex(read.signature) +
      ",SignedHeaders=host;x-amz-date,Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";
  EXPECT_EQ(value_of(parse_sigv4_authorization(other)).serialize(), authorization_text());
}

TEST(SigV4, ForeignClientsSignOtherHeaders) {
  for (const std::string list :
       {"content-type;host;x-amz-date;x-amz-target", "content-length;content-type;host;x-amz-date;x-amz-target",
        "amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-content-sha256;x-amz-date;"
        "x-amz-target;x-amz-user-agent"}) {
    std::string text = authorization_text();
    text.replace(text.find("host;x-amz-date"), 15, list);
    EXPECT_EQ(value_of(parse_sigv4_authorization(text)).serialize(), text);
  }
}

TEST(SigV4, MalformedAuthorizations) {
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text = authorization_text();
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text : {std::string(),
                                  std::string("Bearer x"),
                                  with("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256"),
                                  with("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
                                  with("Credential=", "Cred="),
                                  with("Credential=", "Signature="),
                                  with(", SignedHeaders=host;x-amz-date", ""),
                                  authorization_text() + ",",
                                  authorization_text() + ", Signature=00",
                                  with("AKIDEXAMPLE", ""),
                                  with("AKIDEXAMPLE", "AK ID"),
                                  with("AKIDEXAMPLE", "AK/ID"),
                                  with("AKIDEXAMPLE", std::string(129, 'A')),
                                  with("20150830", "2015083"),
                                  with("20150830", "2015083x"),
                                  with("us-east-1", ""),
                                  with("us-east-1", std::string(65, 'a')),
                                  with("us-east-1", "us east"),
                                  with("aws4_request", "aws5_request"),
                                  with("/aws4_request", ""),
                                  with("aws4_request", "aws4_request/x"),
                                  with("host;x-amz-date", ""),
                                  with("host;x-amz-date", "host;"),
                                  with("host;x-amz-date", "x-amz-date;host"),
                                  with("host;x-amz-date", "host;host"),
                                  with("host;x-amz-date", "Host;x-amz-date"),
                                  with("host;x-amz-date", "x-amz-date"),
                                  with("host;x-amz-date", "host;x amz"),
                                  with("fbf31", "fbf3"),
                                  with("fbf31", "fbf3g"),
                                  with("fbf31", "fbf3100"),
                                  with("host", std::string(2048, 'h'))}) {
    EXPECT_EQ(parse_sigv4_authorization(text).ok(), false) << text;
  }
}

TEST(SigV4, TooManySignedHeaders) {
  std::string names = "host";
  for (char first = 'i'; first <= 'z'; ++first) {
    for (char second = 'a'; second <= 'd'; ++second) names += std::string(";") + first + second;
  }
  std::string text = authorization_text();
  text.replace(text.find("host;x-amz-date"), 15, names);
  expect_refused(parse_sigv4_authorization(text), Code::kInvalid, "at most 64");
}

TEST(SigV4, Times) {
  const Time time = value_of(parse_sigv4_time(kDate));
  EXPECT_EQ(to_rfc3339(time), "2015-08-30T12:36:00.000Z");
  EXPECT_EQ(sigv4_time(Time{time.unix_ms + 999}), kDate);
  for (const char* text :
       {"", "20150830T123600", "2015-08-30T12:36:00Z", "20150830 123600Z", "20151330T123600Z", "20150830T253600Z",
        "2015083xT123600Z", "20150830T123600z", "00010101T000000Z", "19691231T235959Z"}) {
    expect_refused(parse_sigv4_time(text), Code::kInvalid, "time");
  }
}

TEST(SigV4, AlteredRequests) {
  const SigV4Authorization authorization = value_of(parse_sigv4_authorization(authorization_text()));
  const crypto::Secret key = sigv4_signing_key(secret_of(kSecretKey), kScope);
  const std::string empty = sigv4_payload_hash({});
  const auto verify = [&](const Request& request) {
    return verify_sigv4(request, authorization, kDate, sigv4_payload_hash(request.body), key);
  };
  EXPECT_TRUE(verify(suite_request("GET", "/")).ok());
  // Headers that aren't signed are nobody's concern here.
  EXPECT_TRUE(verify(suite_request("GET", "/", {{"user-agent", "x"}})).ok());

  Request other_host = suite_request("GET", "/");
  other_host.headers = {{"host", "evil.example"}, {"x-amz-date", std::string(kDate)}};
  Request two_hosts = suite_request("GET", "/");
  two_hosts.headers.add("host", "evil.example");
  for (const Request& request : {suite_request("POST", "/"), suite_request("GET", "/x"), suite_request("GET", "/?a=b"),
                                 suite_request("GET", "/", {}, "body"), other_host, two_hosts}) {
    expect_refused(verify(request), Code::kDenied, "signature");
  }
  expect_refused(verify_sigv4(suite_request("GET", "/"), authorization, "20150830T123601Z", empty, key), Code::kDenied,
                 "signature");
  const crypto::Secret other_key = sigv4_signing_key(secret_of("another"), kScope);
  expect_refused(verify_sigv4(suite_request("GET", "/"), authorization, kDate, empty, other_key), Code::kDenied,
                 "signature");
  Request bare = suite_request("GET", "/");
  bare.headers = {{"host", "example.amazonaws.com"}};
  expect_refused(verify(bare), Code::kInvalid, "lacks a header");
}

}  // namespace
}  // namespace cloister::net
