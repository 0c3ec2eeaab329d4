#include "kms/aws/aws_answer.h"

#include <gtest/gtest.h>

#include "kms/plain_line.h"
#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

net::Response answer(unsigned status, std::string_view body, net::Headers headers = {}) {
  return {status, std::move(headers), net::to_buffer(body), {}};
}

TEST(AwsAnswer, NamesOfErrors) {
  const auto shape = [](std::string_view type) {
    return parse_aws_error(answer(400, R"({"__type":")" + std::string(type) + R"(","message":"m"})")).shape;
  };
  EXPECT_EQ(shape("NotFoundException"), "NotFoundException");
  EXPECT_EQ(shape("com.amazonaws.kms#NotFoundException"), "NotFoundException");
  EXPECT_EQ(shape("NotFoundException#com.amazonaws.kms"), "NotFoundException");
  EXPECT_EQ(shape("NotFoundException:http://internal.amazon.com/coral/"), "NotFoundException");
  EXPECT_EQ(parse_aws_error(answer(400, R"({"__type":"X","Message":"m\n"})")).message, "m?");
  EXPECT_EQ(parse_aws_error(answer(400, "", {{"x-amzn-errortype", "X:y"}})).shape, "X");
  EXPECT_EQ(parse_aws_error(answer(502, "<html>")).shape, "");
  EXPECT_EQ(parse_aws_error(answer(400, R"({"__type":7})")).shape, "");
}

TEST(AwsAnswer, NamesOfErrorsInXml) {
  const auto error = [](std::string_view body) { return parse_aws_error(answer(404, body)); };
  const std::string named = "<Code>NoSuchBucket</Code><Message>none</Message>";
  EXPECT_EQ(error("<?xml version=\"1.0\"?><Error>" + named + "</Error>").shape, "NoSuchBucket");
  EXPECT_EQ(error("<Response><Errors><Error>" + named + "</Error></Errors></Response>").message, "none");
  EXPECT_EQ(error("<ErrorResponse><Error>" + named + "</Error></ErrorResponse>").shape, "NoSuchBucket");
  EXPECT_EQ(error("<Other>" + named + "</Other>").shape, "");
  EXPECT_EQ(error("<Error>" + named).shape, "");
  EXPECT_EQ(aws_error_code("NoSuchBucket", 404), Code::kNotFound);
  EXPECT_EQ(aws_error_code("SlowDown", 503), Code::kUnavailable);
  EXPECT_TRUE(is_clock_error("RequestTimeTooSkewed"));
}

TEST(AwsAnswer, WhatEachErrorMeans) {
  const auto kind = [](std::string_view shape, unsigned status = 400, net::Headers headers = {}) {
    return judge_aws(answer(status, R"({"__type":")" + std::string(shape) + R"("})", std::move(headers))).kind;
  };
  using Kind = Verdict::Kind;
  for (const char* shape :
       {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"}) {
    EXPECT_EQ(kind(shape), Kind::kRetry) << shape;
    EXPECT_EQ(aws_error_code(shape, 400), Code::kUnavailable) << shape;
  }
  for (const char* shape : {"InvalidCiphertextException", "IncorrectKeyException", "DisabledException",
                            "KMSInvalidStateException", "AccessDeniedException", "AccessDenied"}) {
    EXPECT_EQ(kind(shape), Kind::kFinal) << shape;
    EXPECT_EQ(aws_error_code(shape, 400), Code::kDenied) << shape;
  }
  EXPECT_EQ(kind("NotFoundException"), Kind::kFinal);
  EXPECT_EQ(aws_error_code("NotFoundException", 400), Code::kNotFound);
  EXPECT_EQ(aws_error_code("InvalidKeyUsageException", 400), Code::kInvalid);
  EXPECT_EQ(aws_error_code("UnsupportedOperationException", 400), Code::kUnsupported);
  EXPECT_EQ(kind("ExpiredTokenException"), Kind::kRenew);
  const net::Headers dated{{"date", "Tue, 24 Nov 2026 13:23:09 GMT"}};
  EXPECT_EQ(kind("InvalidSignatureException", 400, dated), Kind::kRenew);
  EXPECT_EQ(kind("RequestExpired", 400, dated), Kind::kRenew);
  // Without a date there is nothing to set the clock by.
  EXPECT_EQ(kind("InvalidSignatureException"), Kind::kFinal);
  EXPECT_EQ(kind("Unheard", 400), Kind::kFinal);
  EXPECT_EQ(kind("Unheard", 500), Kind::kRetry);
  EXPECT_EQ(kind("Unheard", 429), Kind::kRetry);
  EXPECT_EQ(aws_error_code("Unheard", 503), Code::kUnavailable);
  EXPECT_EQ(aws_error_code("Unheard", 403), Code::kDenied);
  EXPECT_EQ(aws_error_code("Unheard", 400), Code::kInvalid);
  EXPECT_EQ(judge_aws(answer(200, "")).kind, Kind::kFinal);
}

TEST(AwsAnswer, Times) {
  const auto read = [](std::string_view json) { return aws_time(value_of(parse_json(json)).find("t")); };
  EXPECT_EQ(read(R"({"t":1.5E9})")->unix_ms, 1'500'000'000'000);
  EXPECT_EQ(read(R"({"t":1500000000.123})")->unix_ms, 1'500'000'000'123);
  for (const char* json : {R"({"t":-1})", R"({"t":1e12})", R"({"t":"1500000000"})", R"({"t":null})", "{}"}) {
    EXPECT_FALSE(read(json).has_value()) << json;
  }
}

TEST(AwsAnswer, WordsOfAProviderInMessages) {
  EXPECT_EQ(plain_line("a\r\nb\x7f\xff"), "a??b??");
  EXPECT_EQ(plain_line(std::string(1000, 'x')).size(), 300U);
}

}  // namespace
}  // namespace cloister::kms
