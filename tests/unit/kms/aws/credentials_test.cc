#include "kms/aws/credentials.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::secret_of;
using testing::value_of;

std::string text(const crypto::Secret& secret) { return std::string(as_text(secret.expose())); }

// As AWS's guide to instance metadata has it.
constexpr std::string_view kMetadata = R"({
  "Code" : "Success", "LastUpdated" : "2026-11-24T12:00:00Z", "Type" : "AWS-HMAC", "AccessKeyId" : "ASIAIOSFODNN7EXAMPLE",
  "SecretAccessKey" : "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Token" : "token==", "Expiration" : "2026-11-24T18:00:00Z"})";

// As the reference of STS has it.
constexpr std::string_view kSts =
    R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A</SubjectFromWebIdentityToken>
    <Audience>client.5498841531868486423.1548@apps.example.com</Audience>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/FederatedWebIdentityRole/app1</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:app1</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
      <Expiration>2026-11-24T23:00:23Z</Expiration>
      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>
    </Credentials>
    <Provider>www.amazon.com</Provider>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>)";

constexpr std::string_view kStsRefusal =
    R"(<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>)"
    R"(<Code>InvalidIdentityToken</Code><Message>No OpenIDConnect provider found</Message></Error>)"
    R"(<RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>)";

std::string with(std::string_view where, std::string_view from, std::string_view to) {
  std::string changed(where);
  return changed.replace(changed.find(from), from.size(), to);
}

Result<AwsCredentials> metadata(std::string_view json) { return parse_metadata_credentials(as_bytes(json)); }
Result<AwsCredentials> sts(unsigned status, std::string_view xml) {
  return parse_sts_answer({status, {}, net::to_buffer(xml), {}});
}

TEST(AwsCredentials, OfMetadata) {
  const AwsCredentials read = value_of(metadata(kMetadata));
  EXPECT_EQ(read.access_key_id, "ASIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(text(read.secret_access_key), "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  EXPECT_EQ(text(read.session_token), "token==");
  EXPECT_EQ(to_rfc3339(*read.expires), "2026-11-24T18:00:00.000Z");
}

TEST(AwsCredentials, MalformedMetadata) {
  expect_refused(metadata(with(kMetadata, "Success", "AssumeRoleUnauthorizedAccess")), Code::kDenied,
                 "AssumeRoleUnauthorizedAccess");
  for (const std::string& json :
       {std::string(), std::string("[]"), std::string("{}"), with(kMetadata, "Expiration", "Expires"),
        with(kMetadata, "2026-11-24T18", "soon"), with(kMetadata, "\"token==\"", "\"\""),
        with(kMetadata, "\"token==\"", "7"), with(kMetadata, "token==", "to ken"),
        with(kMetadata, "token==", "a\\r\\nb"), with(kMetadata, "\"ASIAIOSFODNN7EXAMPLE\"", "\"\""),
        with(kMetadata, "ASIA", "AS/IA"), with(kMetadata, "wJalr", std::string(300, 'x')),
        with(kMetadata, "token==", std::string(17000, 'x')), std::string(70000, ' ') + std::string(kMetadata)}) {
    expect_refused(metadata(json), Code::kInvalid, "");
  }
}

TEST(AwsCredentials, OfSts) {
  const AwsCredentials read = value_of(sts(200, kSts));
  EXPECT_EQ(read.access_key_id, "ASgeIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(text(read.session_token), "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE");
  EXPECT_EQ(to_rfc3339(*read.expires), "2026-11-24T23:00:23.000Z");
}

TEST(AwsCredentials, RefusalsOfSts) {
  expect_refused(sts(400, kStsRefusal), Code::kDenied,
                 "InvalidIdentityToken: No OpenIDConnect provider found (request c6104cbe");
  expect_refused(sts(400, with(kStsRefusal, "InvalidIdentityToken", "IDPCommunicationError")), Code::kUnavailable,
                 "IDP");
  expect_refused(sts(403, with(kStsRefusal, "InvalidIdentityToken", "AccessDenied")), Code::kDenied, "AccessDenied");
  expect_refused(sts(503, "<html"), Code::kUnavailable, "status 503");
  expect_refused(sts(200, kStsRefusal), Code::kInvalid, "");
  expect_refused(sts(200, "{}"), Code::kInvalid, "XML");
  expect_refused(sts(200, with(kSts, "2026-11-24T23:00:23Z", "")), Code::kInvalid, "");
  expect_refused(
      sts(200, with(kSts, "<SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>", "")),
      Code::kInvalid, "");
  // Elements of that name elsewhere aren't the credentials.
  expect_refused(sts(200, with(with(kSts, "<Credentials>", "<Other>"), "</Credentials>", "</Other>")), Code::kInvalid,
                 "");
}

TEST(AwsCredentials, WhatNoHeaderMayHave) {
  const auto check = [](std::string id, std::string_view secret, std::string_view token) {
    return check_aws_credentials({"test", std::move(id), secret_of(secret), secret_of(token), {}});
  };
  EXPECT_TRUE(check("AKID", "secret", "").ok());
  expect_refused(check("", "secret", ""), Code::kInvalid, "access key id");
  expect_refused(check("AK\nID", "secret", ""), Code::kInvalid, "access key id");
  expect_refused(check("AK,ID", "secret", ""), Code::kInvalid, "access key id");
  expect_refused(check("AKID", "", ""), Code::kInvalid, "secret access key");
  expect_refused(check("AKID", "se cret", ""), Code::kInvalid, "secret access key");
  expect_refused(check("AKID", "secret", "a\nb"), Code::kInvalid, "session token");
}

}  // namespace
}  // namespace cloister::kms
