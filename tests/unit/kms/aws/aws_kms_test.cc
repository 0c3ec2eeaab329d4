// The provider against recorded answers, shaped as AWS's API reference has them.
#include "kms/aws/aws_kms.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "kms/aws/endpoints.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/unit/kms/aws/aws_parts.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::secret_of;
using testing::value_of;

const std::string kKey(kArn);
const ContextMap kContext{{"purpose", "kek"}, {"tenant", "acme"}};
const std::string kDenial = R"({"__type":"AccessDeniedException","Message":"User is not authorized"})";

class AwsKmsRecorded : public ::testing::Test {
 protected:
  std::shared_ptr<AwsKms> provider(AwsKmsOptions options = {}) {
    if (options.region.empty()) options.region = "us-east-1";
    options.environment = environment_of(kKeysInEnvironment);
    options.open_transport = network_.open();
    return value_of(AwsKms::create(std::move(options), evidence_, waiting_.waiting()));
  }
  // The next request, of this operation, is answered so.
  void expect(std::string body_part, unsigned status, std::string body, net::Headers more = {}) {
    more.add("x-amzn-requestid", "request-1");
    network_.recorded.expect("POST", "/", status, std::move(body), std::move(more), std::move(body_part));
  }
  void refuse_all(unsigned times, const std::string& shape, unsigned status = 400) {
    for (unsigned i = 0; i < times; ++i) expect("", status, R"({"__type":")" + shape + R"(","message":"m"})");
  }

  Network network_;
  testing::TestWaiting waiting_;
  std::shared_ptr<testing::KeptEvidence> evidence_ = std::make_shared<testing::KeptEvidence>();
};

std::string encrypted(std::string_view key = kArn,
                      std::string_view more = R"(,"EncryptionAlgorithm":"SYMMETRIC_DEFAULT")") {
  return R"({"CiphertextBlob":"AQIDBA==","KeyId":")" + std::string(key) + R"(")" + std::string(more) + "}";
}

std::string decrypted(std::string_view key = kArn, std::string_view plaintext = R"("c2VjcmV0")",
                      std::string_view more = "") {
  return R"({"KeyId":")" + std::string(key) + R"(","Plaintext":)" + std::string(plaintext) +
         R"(,"EncryptionAlgorithm":"SYMMETRIC_DEFAULT")" + std::string(more) + "}";
}

TEST_F(AwsKmsRecorded, WrapSendsTheKeyAndTheContext) {
  expect("", 200, encrypted());
  const ProviderWrap wrapped = value_of(provider()->wrap(kKey, secret_of("secret"), kContext));
  EXPECT_EQ(wrapped.ciphertext, (Bytes{1, 2, 3, 4}));
  EXPECT_EQ(wrapped.key_version, "");
  const testing::SentRequest sent = network_.recorded.sent().at(0);
  EXPECT_EQ(sent.body, R"({"KeyId":")" + kKey +
                           R"(","EncryptionContext":{"purpose":"kek","tenant":"acme"},"Plaintext":"c2VjcmV0"})");
  EXPECT_EQ(sent.header("host"), "kms.us-east-1.amazonaws.com");
  EXPECT_EQ(sent.header("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(sent.header("x-amz-target"), "TrentService.Encrypt");
  EXPECT_EQ(sent.header("x-amz-date"), "20261124T132309Z");
  // Signed by botocore 1.44.8 from the same parts.
  EXPECT_EQ(sent.header("authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/kms/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
            "Signature=283de1cb2fafd2c8195d94445cd0d2b9494b2be9a2af94c2ceb0c41aabbd7647");
}

TEST_F(AwsKmsRecorded, UnwrapSendsTheKeyAndTheContext) {
  expect("", 200, decrypted());
  const crypto::Secret opened = value_of(provider()->unwrap(kKey, {"", {1, 2, 3, 4}}, kContext));
  EXPECT_EQ(as_text(opened.expose()), "secret");
  const testing::SentRequest sent = network_.recorded.sent().at(0);
  EXPECT_EQ(sent.body, R"({"KeyId":")" + kKey +
                           R"(","EncryptionContext":{"purpose":"kek","tenant":"acme"},"CiphertextBlob":"AQIDBA=="})");
  EXPECT_EQ(sent.header("x-amz-target"), "TrentService.Decrypt");
}

TEST_F(AwsKmsRecorded, KeyMaterialIsTheVersion) {
  const std::string id(64, 'a');
  expect("", 200, encrypted(kArn, R"(,"KeyMaterialId":")" + id + "\""));
  EXPECT_EQ(value_of(provider()->wrap(kKey, secret_of("secret"), kContext)).key_version, id);
  expect("", 200, decrypted(kArn, R"("c2VjcmV0")", R"(,"KeyMaterialId":")" + id + "\""));
  EXPECT_TRUE(provider()->unwrap(kKey, {id, {1}}, kContext).ok());
  expect("", 200, decrypted(kArn, R"("c2VjcmV0")", R"(,"KeyMaterialId":"another")"));
  expect_refused(provider()->unwrap(kKey, {id, {1}}, kContext), Code::kCorrupt, "another key material");
}

TEST_F(AwsKmsRecorded, AnswersThatContradictTheRequest) {
  for (const std::string& answer :
       {encrypted(kOtherArn), encrypted(""), encrypted(kArn, R"(,"EncryptionAlgorithm":"RSAES_OAEP_SHA_256")"),
        std::string("{}"), std::string("[]"), std::string("<html>"), R"({"CiphertextBlob":"","KeyId":")" + kKey + "\"}",
        R"({"CiphertextBlob":"A","KeyId":")" + kKey + "\"}", R"({"CiphertextBlob":7,"KeyId":")" + kKey + "\"}",
        R"({"CiphertextBlob":")" + to_base64(Bytes(6145, 1)) + R"(","KeyId":")" + kKey + "\"}",
        encrypted(kArn, R"(,"KeyMaterialId":"a\nb")"), std::string(70000, ' ') + encrypted()}) {
    expect("", 200, answer);
    expect_refused(provider()->wrap(kKey, secret_of("secret"), kContext), Code::kCorrupt, "request-1");
  }
  for (const std::string& answer :
       {decrypted(kOtherArn), decrypted(kArn, "null", R"(,"CiphertextForRecipient":"AQ==")"), decrypted(kArn, "\"\""),
        decrypted(kArn, R"("c2VjcmV")"), decrypted(kArn, R"("c2Vj cmV0")"), decrypted(kArn, "7"),
        decrypted(kArn, "\"" + to_base64(Bytes(4097, 1)) + "\""), std::string("{}")}) {
    expect("", 200, answer);
    expect_refused(provider()->unwrap(kKey, {"", {1}}, kContext), Code::kCorrupt, "request-1");
  }
}

TEST_F(AwsKmsRecorded, WhatIsNotSent) {
  const auto aws = provider();
  expect_refused(aws->wrap(kKey, crypto::Secret(), kContext), Code::kInvalid, "1 to 128");
  expect_refused(aws->wrap(kKey, crypto::Secret(129), kContext), Code::kInvalid, "1 to 128");
  expect_refused(aws->wrap("", secret_of("s"), kContext), Code::kInvalid, "name");
  expect_refused(aws->wrap("a\nb", secret_of("s"), kContext), Code::kInvalid, "name");
  expect_refused(aws->wrap(std::string(2049, 'k'), secret_of("s"), kContext), Code::kInvalid, "name");
  expect_refused(aws->wrap(kKey, secret_of("s"), {{"", "x"}}), Code::kInvalid, "context");
  expect_refused(aws->wrap(kKey, secret_of("s"), {{"a", "\xff"}}), Code::kInvalid, "context");
  expect_refused(aws->wrap(kKey, secret_of("s"), {{"a", std::string(9000, 'x')}}), Code::kInvalid, "8192");
  expect_refused(aws->unwrap(kKey, {"", {}}, kContext), Code::kDenied, "isn't one");
  expect_refused(aws->unwrap(kKey, {"", Bytes(6145)}, kContext), Code::kDenied, "isn't one");
  EXPECT_TRUE(network_.recorded.sent().empty());
}

TEST_F(AwsKmsRecorded, RefusalsAreNotAskedAgain) {
  const struct {
    const char* shape;
    Code code;
  } cases[] = {{"InvalidCiphertextException", Code::kDenied}, {"IncorrectKeyException", Code::kDenied},
               {"InvalidKeyUsageException", Code::kInvalid},  {"DisabledException", Code::kDenied},
               {"NotFoundException", Code::kNotFound},        {"KMSInvalidStateException", Code::kDenied},
               {"AccessDeniedException", Code::kDenied}};
  for (const auto& [shape, code] : cases) {
    refuse_all(1, shape);
    const auto refused = provider()->unwrap(kKey, {"", {1}}, kContext);
    expect_refused(refused, code, "aws-kms us-east-1: Decrypt with " + kKey + ": " + shape + ": m (request request-1)");
  }
  EXPECT_EQ(network_.recorded.left(), 0U);
  EXPECT_TRUE(waiting_.slept.empty());
}

TEST_F(AwsKmsRecorded, ThrottledIsAskedAgain) {
  refuse_all(2, "ThrottlingException");
  expect("", 200, encrypted());
  EXPECT_TRUE(provider()->wrap(kKey, secret_of("s"), kContext).ok());
  EXPECT_EQ(waiting_.slept, (std::vector{Duration{50}, Duration{100}}));
}

TEST_F(AwsKmsRecorded, ThrottledForGood) {
  refuse_all(4, "ThrottlingException");
  expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kUnavailable, "ThrottlingException");
  for (const char* shape : {"KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"}) {
    refuse_all(4, shape, 500);
    expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kUnavailable, shape);
  }
  EXPECT_EQ(network_.recorded.left(), 0U);
}

// A service that is down is asked once by each call, when the budget for asking again is used up.
TEST_F(AwsKmsRecorded, DeadServiceIsNotAskedMoreThanALivingOne) {
  const auto aws = provider();
  std::size_t sent_before = 0;
  for (int call = 0; call < 40; ++call) {
    refuse_all(4, "KMSInternalException", 500);
    sent_before = network_.recorded.sent().size();
    EXPECT_FALSE(aws->list("").ok());
    network_.recorded.sent();
  }
  EXPECT_EQ(network_.recorded.sent().size() - sent_before, 1U);
}

TEST_F(AwsKmsRecorded, OutOfReach) {
  for (int i = 0; i < 4; ++i) network_.recorded.expect_failure("POST", "/", Error(Code::kUnavailable, "no route"));
  expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kUnavailable, "no route");
  network_.recorded.expect_failure("POST", "/", Error(Code::kDenied, "its certificate is another's"));
  expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kDenied, "certificate");
}

TEST_F(AwsKmsRecorded, ClockIsSetByTheirsOnceAndThenItFails) {
  const net::Headers dated{{"date", "Wed, 25 Nov 2026 13:23:09 GMT"}};
  const std::string late = R"({"__type":"InvalidSignatureException","message":"Signature expired"})";
  expect("", 400, late, dated);
  expect("", 200, encrypted());
  const auto aws = provider();
  EXPECT_TRUE(aws->wrap(kKey, secret_of("s"), kContext).ok());
  EXPECT_EQ(network_.recorded.sent().at(1).header("x-amz-date"), "20261125T132309Z");
  expect("", 200, encrypted());
  EXPECT_TRUE(aws->wrap(kKey, secret_of("s"), kContext).ok());
  EXPECT_EQ(network_.recorded.sent().at(2).header("x-amz-date"), "20261125T132309Z") << "and it stays set";
  expect("", 400, late, dated);
  expect("", 400, late, dated);
  expect_refused(aws->wrap(kKey, secret_of("s"), kContext), Code::kDenied, "InvalidSignatureException");
  expect("", 400, late);
  expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kDenied, "InvalidSignatureException");
  EXPECT_EQ(network_.recorded.left(), 0U);
  EXPECT_TRUE(waiting_.slept.empty());
}

TEST_F(AwsKmsRecorded, ExpiredTokenIsReplacedOnce) {
  refuse_all(1, "ExpiredTokenException");
  expect("", 200, encrypted());
  EXPECT_TRUE(provider()->wrap(kKey, secret_of("s"), kContext).ok());
  refuse_all(2, "ExpiredTokenException");
  expect_refused(provider()->wrap(kKey, secret_of("s"), kContext), Code::kDenied, "ExpiredTokenException");
  EXPECT_EQ(network_.recorded.left(), 0U);
}

TEST_F(AwsKmsRecorded, Endpoints) {
  const auto endpoint = [](const AwsHost& host) {
    const auto found = aws_endpoint("kms", host);
    return found.ok() ? found->authority() : found.error().message();
  };
  EXPECT_EQ(endpoint({"eu-west-1"}), "kms.eu-west-1.amazonaws.com");
  EXPECT_EQ(endpoint({"us-gov-west-1", true}), "kms-fips.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(endpoint({"eu-west-1", false, true}), "kms.eu-west-1.api.aws");
  EXPECT_EQ(endpoint({"us-east-1", true, true}), "kms-fips.us-east-1.api.aws");
  EXPECT_EQ(endpoint({"cn-north-1"}), "kms.cn-north-1.amazonaws.com.cn");
  expect_refused(aws_endpoint("kms", {"us-iso-east-1"}), Code::kUnsupported, "endpoint of its own");
  for (const char* region : {"", "eu west", "eu-west-1.evil.example", "EU-WEST-1", "-a", "a/b"}) {
    expect_refused(aws_endpoint("kms", {region}), Code::kInvalid, "region");
  }
  AwsKmsOptions custom;
  custom.endpoint = "https://kms.internal.example:8443/aws/";
  network_.recorded.expect("POST", "/aws/", 200, R"({"Keys":[]})");
  EXPECT_TRUE(provider(custom)->list("").ok());
  EXPECT_EQ(network_.opened, std::vector<std::string>{"https://kms.internal.example:8443/aws"});
  EXPECT_EQ(network_.recorded.sent().at(0).header("host"), "kms.internal.example:8443");
  AwsKmsOptions isolated;
  isolated.region = "us-iso-east-1";
  expect_refused(AwsKms::create(isolated, nullptr, waiting_.waiting()), Code::kUnsupported, "endpoint of its own");
  isolated.endpoint = "https://kms.us-iso-east-1.c2s.ic.gov";
  EXPECT_TRUE(AwsKms::create(isolated, nullptr, waiting_.waiting()).ok());
  isolated.region = "us iso";
  expect_refused(AwsKms::create(isolated, nullptr, waiting_.waiting()), Code::kInvalid, "region");
  AwsKmsOptions plain;
  plain.region = "us-east-1";
  plain.endpoint = "http://192.0.2.7";
  expect_refused(AwsKms::create(plain, nullptr, waiting_.waiting()), Code::kInvalid, "plain http");
}

TEST_F(AwsKmsRecorded, AliasesResolveToWhatStays) {
  const auto metadata = [](std::string_view arn) { return R"({"KeyMetadata":{"Arn":")" + std::string(arn) + R"("}})"; };
  expect(R"("KeyId":"alias/corpus")", 200, metadata(kArn));
  expect(R"("KeyId":")" + kKey + "\"", 200, encrypted());
  EXPECT_TRUE(provider()->wrap("alias/corpus", secret_of("s"), kContext).ok());
  expect("", 200, metadata(kOtherArn));
  expect_refused(provider()->resolve(kKey), Code::kCorrupt, "another key");
  expect("", 200, metadata("x"));
  expect_refused(provider()->resolve("alias/corpus"), Code::kCorrupt, "ARN");
  expect("", 200, "{}");
  expect_refused(provider()->resolve("alias/corpus"), Code::kCorrupt, "metadata");
}

TEST_F(AwsKmsRecorded, ListOfKeysPageByPage) {
  expect("", 200, R"({"Keys":[{"KeyArn":")" + kKey + R"(","KeyId":"x"}],"NextMarker":"m-1","Truncated":true})");
  expect(R"("Marker":"m-1")", 200, R"({"Keys":[{"KeyArn":")" + std::string(kOtherArn) + R"("}],"Truncated":false})");
  const auto aws = provider();
  const KeyPage first = value_of(aws->list(""));
  EXPECT_EQ(first.keys, std::vector{kKey});
  const KeyPage second = value_of(aws->list(first.next));
  EXPECT_EQ(second.keys, std::vector{std::string(kOtherArn)});
  EXPECT_EQ(second.next, "");
}

TEST_F(AwsKmsRecorded, ListsThatAreNotUnderstood) {
  for (const char* answer :
       {"x", "{}", R"({"Keys":7})", R"({"Keys":[7]})", R"({"Keys":[{"KeyId":"x"}]})", R"({"Keys":[{"KeyArn":""}]})",
        R"({"Keys":[],"Truncated":true})", R"({"Keys":[],"Truncated":true,"NextMarker":"here"})"}) {
    expect("", 200, answer);
    expect_refused(provider()->list("here"), Code::kCorrupt, "ListKeys");
  }
}

TEST_F(AwsKmsRecorded, Health) {
  expect(R"({"Limit":1})", 200, R"({"Keys":[]})");
  EXPECT_TRUE(value_of(provider()->health()).serving);
  expect("", 400, kDenial);  // a role that may use one key alone
  EXPECT_TRUE(value_of(provider()->health()).serving);
  refuse_all(2, "UnrecognizedClientException");
  EXPECT_FALSE(value_of(provider()->health()).serving);
  refuse_all(4, "KMSInternalException", 500);
  EXPECT_FALSE(value_of(provider()->health()).serving);
  for (int i = 0; i < 4; ++i) network_.recorded.expect_failure("POST", "/", Error(Code::kUnavailable, "no route"));
  const ProviderHealth health = value_of(provider()->health());
  EXPECT_FALSE(health.serving);
  EXPECT_NE(health.detail.find("no route"), std::string::npos);
}

TEST_F(AwsKmsRecorded, EvidenceWithoutKeyMaterial) {
  const auto aws = provider();
  expect("", 200, encrypted());
  EXPECT_TRUE(aws->wrap(kKey, secret_of("secret"), kContext).ok());
  expect("", 200, R"({"Keys":[]})");
  EXPECT_TRUE(aws->list("").ok());
  const auto kept = evidence_->all();
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].operation, "Encrypt");
  EXPECT_EQ(kept[0].key, kKey);
  EXPECT_EQ(kept[0].request_id, "request-1");
  EXPECT_TRUE(kept[0].withheld);
  EXPECT_EQ(kept[0].body, "");
  EXPECT_EQ(kept[1].operation, "ListKeys");
  EXPECT_EQ(kept[1].body, R"({"Keys":[]})");
  EXPECT_FALSE(kept[1].withheld);
}

TEST_F(AwsKmsRecorded, SessionTokenIsSentAndSigned) {
  AwsKmsOptions options;
  options.region = "us-east-1";
  Variables variables = kKeysInEnvironment;
  variables["AWS_SESSION_TOKEN"] = "a-token";
  options.environment = environment_of(variables);
  options.open_transport = network_.open();
  expect("", 200, R"({"Keys":[]})");
  EXPECT_TRUE(value_of(AwsKms::create(options, nullptr, waiting_.waiting()))->list("").ok());
  const testing::SentRequest sent = network_.recorded.sent().at(0);
  EXPECT_EQ(sent.header("x-amz-security-token"), "a-token");
  EXPECT_NE(sent.header("authorization").find("x-amz-date;x-amz-security-token;x-amz-target"), std::string::npos);
}

TEST_F(AwsKmsRecorded, NoCredentials) {
  AwsKmsOptions options;
  options.region = "us-east-1";
  options.environment = environment_of({{"AWS_EC2_METADATA_DISABLED", "true"}});
  options.open_transport = network_.open();
  const auto aws = value_of(AwsKms::create(options, nullptr, waiting_.waiting()));
  expect_refused(aws->list(""), Code::kUnavailable, "no AWS credentials");
}

}  // namespace
}  // namespace cloister::kms
