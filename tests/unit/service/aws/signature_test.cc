// Who may sign, and what a signature must hold: every way to be refused, in AWS's words and on record.
#include "service/aws/signature.h"

#include "tests/unit/service/aws/aws_harness.h"

namespace cloister::service::aws {
namespace {

class SignatureTest : public ::testing::Test {
 protected:
  // Refused, and on record in the tenant's tree where the access key is somebody's.
  void expect_refused(const AwsAnswer& answer, std::string_view fault, std::string_view tenant = "acme") {
    expect_fault(answer, fault);
    const audit::Event event = aws_.home.last_event();
    EXPECT_EQ(event.outcome, audit::Outcome::kRefused);
    EXPECT_EQ(event.actor, "");
    EXPECT_EQ(event.tenant, tenant);
  }
  AwsAnswer random(const Signing& signing) { return random(aws_.app, signing); }
  AwsAnswer random(const Credentials& credentials, const Signing& signing = {}) {
    return aws_.call("GenerateRandom", {{"NumberOfBytes", 8}}, credentials, signing);
  }

  AwsHarness aws_;
};

TEST_F(SignatureTest, AnyListOfSignedHeaders) {
  EXPECT_EQ(random(Signing{}).status(), 200U);
  Signing few;
  few.headers = {"host", "x-amz-date", "x-amz-target"};
  EXPECT_EQ(random(few).status(), 200U);
  Signing many;
  many.before = [](net::Request& request) {
    request.headers.add("amz-sdk-invocation-id", "7c2d");
    request.headers.add("amz-sdk-request", "attempt=1; max=3");
    request.headers.add("content-length", "19");
    request.headers.add("x-amz-content-sha256", net::sigv4_payload_hash(request.body));
    request.headers.add("x-amz-user-agent", "aws-sdk-js/3.1164.0");
  };
  many.headers = {"amz-sdk-invocation-id", "amz-sdk-request", "content-length", "content-type",    "host",
                  "x-amz-content-sha256",  "x-amz-date",      "x-amz-target",   "x-amz-user-agent"};
  EXPECT_EQ(random(many).status(), 200U);
}

TEST_F(SignatureTest, SkewedClocks) {
  for (const Duration skew : {minutes(5), Duration{-minutes(5).ms}, minutes(4)}) {
    EXPECT_EQ(random(Signing{.skew = skew}).status(), 200U) << skew.ms;
  }
  for (const Duration skew : {seconds(301), seconds(-301), days(1), days(-1)}) {
    expect_refused(random(Signing{.skew = skew}), "InvalidSignatureException");
  }
}

TEST_F(SignatureTest, AlteredSignedHeader) {
  for (const char* name : {"host", "content-type", "x-amz-target"}) {
    Signing signing;
    signing.after = [name](net::Request& request) {
      net::Headers changed;
      for (const net::Header& header : request.headers.all()) {
        std::string value = header.value;
        if (header.name == name) {
          value = std::string(name) == "x-amz-target"   ? "TrentService.ListKeys"
                  : std::string(name) == "content-type" ? "application/x-amz-json-1.1; charset=utf-8"
                                                        : "other.test";
        }
        changed.add(header.name, value);
      }
      request.headers = changed;
    };
    expect_refused(random(signing), "InvalidSignatureException");
  }
}

TEST_F(SignatureTest, AlteredBody) {
  Signing signing;
  signing.after = [](net::Request& request) { request.body = net::to_buffer(R"({"NumberOfBytes":9})"); };
  expect_refused(random(signing), "InvalidSignatureException");
}

TEST_F(SignatureTest, UnsignedPayloadIsNone) {
  Signing signing;
  signing.after = [](net::Request& request) {
    request.headers.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    request.body = net::to_buffer(R"({"NumberOfBytes":9})");
  };
  expect_refused(random(signing), "InvalidSignatureException");
}

TEST_F(SignatureTest, WhatMustBeSigned) {
  for (const std::vector<std::string>& headers :
       {std::vector<std::string>{"host", "x-amz-date"}, {"host", "x-amz-target"}, {"content-type", "host"}}) {
    Signing signing;
    signing.headers = headers;
    expect_refused(random(signing), "IncompleteSignatureException", "");
  }
}

TEST_F(SignatureTest, WrongRegionServiceAndDay) {
  expect_refused(random(Signing{.region = "us-east-1"}), "InvalidSignatureException");
  expect_refused(random(Signing{.service = "s3"}), "InvalidSignatureException");
  Signing yesterday;
  yesterday.after = [](net::Request& request) {
    net::Headers changed;
    for (const net::Header& header : request.headers.all()) {
      std::string value = header.value;
      if (header.name == "authorization") value.replace(value.find("/") + 1, 8, "20200101");
      changed.add(header.name, value);
    }
    request.headers = changed;
  };
  expect_refused(random(yesterday), "InvalidSignatureException");
}

TEST_F(SignatureTest, UnknownExpiredAndRevokedKeys) {
  expect_refused(random(Credentials{"CLAKAAAAAAAAAAAAAAAA", aws_.app.secret}), "UnrecognizedClientException", "");
  expect_refused(random(Credentials{aws_.app.id, aws_.rival.secret}), "InvalidSignatureException");
  const Credentials brief = aws_.make_credentials("acme", kAppUri, "operate", 60);
  EXPECT_EQ(random(brief).status(), 200U);
  aws_.home.now = aws_.home.now.load() + minutes(2);
  expect_refused(random(brief), "UnrecognizedClientException", "");
  const Credentials other = aws_.make_credentials("acme", kAppUri, "operate");
  EXPECT_EQ(random(other).status(), 200U);
  EXPECT_EQ(
      aws_.home.send_unchecked("DELETE", "/v1/tenants/acme/access-keys/" + other.id, {kAdmin, "operate"}).status(),
      200U);
  expect_refused(random(other), "UnrecognizedClientException", "");
}

TEST_F(SignatureTest, SessionTokensAreUnknown) {
  Signing signing;
  signing.before = [](net::Request& request) { request.headers.add("x-amz-security-token", "token"); };
  signing.headers = {"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"};
  expect_refused(random(signing), "UnrecognizedClientException", "");
}

TEST_F(SignatureTest, MissingAndMalformedAuthorization) {
  for (const std::string text : {"", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=a"}) {
    net::Request request = aws_.signed_request(aws_.app, "GenerateRandom", R"({"NumberOfBytes":8})");
    net::Headers changed;
    for (const net::Header& header : request.headers.all()) {
      if (header.name != "authorization") changed.add(header.name, header.value);
    }
    if (!text.empty()) changed.add("authorization", text);
    request.headers = changed;
    expect_refused(aws_.pass(std::move(request)),
                   text.empty() ? "MissingAuthenticationTokenException" : "IncompleteSignatureException", "");
  }
}

TEST_F(SignatureTest, TheSameSignatureChangesNothingTwice) {
  aws_.home.now = aws_.home.now.load() + seconds(1);
  const net::Request first = aws_.signed_request(aws_.app, "CreateKey", "{}");
  net::Request again = first, later = first;
  const auto datasets = [&] { return testing::value_of(aws_.home.keys->store().datasets("acme", "")).size(); };
  net::Request sent = first;
  EXPECT_EQ(aws_.pass(std::move(sent)).status(), 200U);
  EXPECT_EQ(datasets(), 1U);
  expect_fault(aws_.pass(std::move(again)), "ThrottlingException");
  EXPECT_EQ(datasets(), 1U);
  EXPECT_EQ(aws_.home.last_event().outcome, audit::Outcome::kRefused);
  EXPECT_EQ(aws_.home.last_event().actor, kAppUri);
  aws_.home.now = aws_.home.now.load() + seconds(301);
  expect_refused(aws_.pass(std::move(later)), "InvalidSignatureException");
}

TEST_F(SignatureTest, WithoutAPolicyNothingIsAllowed) {
  AwsHarness other;
  other.home.service->reload(Harness::snapshot_of("version = 1\nid = \"none\"\nnot_after = \"never\"\n"));
  expect_fault(other.call("GenerateRandom", {{"NumberOfBytes", 8}}), "AccessDeniedException");
}

TEST_F(SignatureTest, AFloodOfStrangersDoesNotFillTheLog) {
  const std::size_t before = aws_.home.audit_rows().size();
  std::size_t throttled = 0;
  for (int i = 0; i < 300; ++i) {
    net::Request request = aws_.signed_request(aws_.app, "ListKeys", "{}");
    request.body = net::to_buffer("{ }");
    if (aws_.pass(std::move(request)).type() == "ThrottlingException") ++throttled;
  }
  EXPECT_EQ(throttled, 100U);
  EXPECT_EQ(aws_.home.audit_rows().size(), before + 200);
  EXPECT_EQ(aws_.pass(aws_.signed_request(aws_.app, "GenerateRandom", R"({"NumberOfBytes":8})")).status(), 200U);
  EXPECT_EQ(aws_.home.last_event().action, "random");
}

TEST_F(SignatureTest, OtherMethodsPathsAndOperations) {
  const auto changed = [&](const std::function<void(net::Request&)>& change) {
    net::Request request = aws_.signed_request(aws_.app, "GenerateRandom", R"({"NumberOfBytes":8})");
    change(request);
    return aws_.pass(std::move(request));
  };
  expect_fault(changed([](net::Request& request) { request.method = "GET"; }), "UnknownOperationException", 404);
  expect_fault(changed([](net::Request& request) { request.target = "/v1/tenants"; }), "UnknownOperationException",
               404);
  expect_fault(changed([](net::Request& request) {
                 request.headers = {
                     {"host", "x"}, {"content-type", "text/plain"}, {"x-amz-target", "TrentService.GenerateRandom"}};
               }),
               "SerializationException");
  expect_fault(changed([](net::Request& request) { request.body = net::Buffer((128 << 10) + 1); }),
               "ValidationException");
  expect_fault(aws_.call("CreateGrant", Json::object()), "UnsupportedOperationException", 404);
}

}  // namespace
}  // namespace cloister::service::aws
