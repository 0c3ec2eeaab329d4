// Sealing and opening through the AWS dialect, and everything that must not open.
#include "service/message.h"
#include "tests/unit/service/aws/aws_harness.h"

namespace cloister::service::aws {
namespace {

class SealOperationsTest : public ::testing::Test {
 protected:
  std::string encrypt(const std::string& key, const std::string& text, const Json& context = Json::object()) {
    return aws_.good("Encrypt", {{"KeyId", key}, {"Plaintext", base64_of(text)}, {"EncryptionContext", context}})
        .at("CiphertextBlob")
        .get<std::string>();
  }
  AwsAnswer decrypt(const std::string& blob, const Json& context = Json::object()) {
    return aws_.call("Decrypt", {{"CiphertextBlob", blob}, {"EncryptionContext", context}});
  }
  static std::string changed(const std::string& blob, std::size_t at) {
    Bytes bytes = testing::value_of(from_base64(blob));
    bytes[at] ^= 1;
    return to_base64(bytes);
  }
  audit::Outcome last_outcome() { return aws_.home.last_event().outcome; }

  AwsHarness aws_;
};

TEST_F(SealOperationsTest, WhatWasEncryptedDecrypts) {
  const std::string key = aws_.make_key();
  const Json context{{"team", "ml"}, {"run", "7"}};
  const std::string blob = encrypt(key, "attack at dawn", context);
  const AwsAnswer opened = decrypt(blob, context);
  ASSERT_EQ(opened.status(), 200U) << opened.body();
  EXPECT_EQ(opened.text("Plaintext"), base64_of("attack at dawn"));
  EXPECT_TRUE(opened.text("KeyId").ends_with("key/" + key));
  EXPECT_EQ(opened.text("EncryptionAlgorithm"), "SYMMETRIC_DEFAULT");
  const audit::Row row = aws_.home.audit_rows().back();
  EXPECT_EQ(row.event.action, "unwrap");
  EXPECT_EQ(row.event.actor, kAppUri);
  EXPECT_EQ(row.event.detail, "context run=7, team=ml");
  EXPECT_EQ(row.extras.text(audit::Extra::kAuthentication), "sigv4");
  EXPECT_EQ(row.extras.text(audit::Extra::kPurpose), "operate");
  EXPECT_TRUE(row.extras.digest(audit::Extra::kContextDigest).has_value());
}

TEST_F(SealOperationsTest, DataKeysOpen) {
  const std::string key = aws_.make_key();
  const Json made = aws_.good("GenerateDataKey", {{"KeyId", key}, {"KeySpec", "AES_256"}});
  EXPECT_EQ(testing::value_of(from_base64(made["Plaintext"].get<std::string>())).size(), 32U);
  EXPECT_EQ(decrypt(made["CiphertextBlob"]).text("Plaintext"), made["Plaintext"].get<std::string>());
  const Json other = aws_.good("GenerateDataKey", {{"KeyId", key}, {"NumberOfBytes", 64}});
  EXPECT_EQ(testing::value_of(from_base64(other["Plaintext"].get<std::string>())).size(), 64U);
  const Json kept = aws_.good("GenerateDataKeyWithoutPlaintext", {{"KeyId", key}, {"KeySpec", "AES_128"}});
  EXPECT_FALSE(kept.contains("Plaintext"));
  EXPECT_EQ(testing::value_of(from_base64(decrypt(kept["CiphertextBlob"]).text("Plaintext"))).size(), 16U);
}

TEST_F(SealOperationsTest, DataKeySizesAreOneOrTheOther) {
  const std::string key = aws_.make_key();
  for (const Json& body : {Json{{"KeyId", key}}, Json{{"KeyId", key}, {"KeySpec", "AES_256"}, {"NumberOfBytes", 32}},
                           Json{{"KeyId", key}, {"NumberOfBytes", 0}}, Json{{"KeyId", key}, {"NumberOfBytes", 1025}},
                           Json{{"KeyId", key}, {"NumberOfBytes", -1}}, Json{{"KeyId", key}, {"KeySpec", "AES_512"}}}) {
    expect_fault(aws_.call("GenerateDataKey", body), "ValidationException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << body;
  }
}

TEST_F(SealOperationsTest, AnotherContextDoesNotOpen) {
  const std::string key = aws_.make_key();
  const std::string blob = encrypt(key, "x", {{"ab", "c"}});
  for (const Json& context :
       {Json::object(), Json{{"a", "bc"}}, Json{{"ab", "d"}}, Json{{"ab", "c"}, {"d", ""}}, Json{{"AB", "c"}}}) {
    expect_fault(decrypt(blob, context), "InvalidCiphertextException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << context;
    EXPECT_EQ(aws_.home.last_event().action, "unwrap");
  }
}

TEST_F(SealOperationsTest, ChangedAndTruncatedBlobs) {
  const std::string blob = encrypt(aws_.make_key(), "sixteen bytes ok");
  const Bytes bytes = testing::value_of(from_base64(blob));
  for (const std::size_t at : {std::size_t{0}, std::size_t{4}, std::size_t{5}, std::size_t{21}, std::size_t{25},
                               std::size_t{41}, std::size_t{80}, bytes.size() - 17, bytes.size() - 1}) {
    expect_fault(decrypt(changed(blob, at)), "InvalidCiphertextException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << at;
  }
  for (const std::size_t size : {std::size_t{1}, kMessageOverhead - 1, bytes.size() - 1}) {
    expect_fault(decrypt(to_base64(ByteView(bytes).first(size))), "InvalidCiphertextException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << size;
  }
}

TEST_F(SealOperationsTest, WrongTenantsBlobReadsAsNobodys) {
  const std::string blob = encrypt(aws_.make_key(), "acme's");
  const AwsAnswer foreign = aws_.call("Decrypt", {{"CiphertextBlob", blob}}, aws_.rival);
  expect_fault(foreign, "InvalidCiphertextException");
  EXPECT_EQ(aws_.home.last_event().tenant, "rival");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  const AwsAnswer nobodys = aws_.call("Decrypt", {{"CiphertextBlob", changed(blob, 7)}}, aws_.rival);
  EXPECT_EQ(foreign.type(), nobodys.type());
  EXPECT_EQ(foreign.text("message"), nobodys.text("message"));
}

TEST_F(SealOperationsTest, WrongKeyIsNeverTried) {
  const std::string first = aws_.make_key(), second = aws_.make_key();
  const std::string blob = encrypt(first, "x");
  expect_fault(aws_.call("Decrypt", {{"CiphertextBlob", blob}, {"KeyId", second}}), "IncorrectKeyException");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  EXPECT_EQ(aws_.call("Decrypt", {{"CiphertextBlob", blob}, {"KeyId", first}}).status(), 200U);
}

TEST_F(SealOperationsTest, KeysOfOthersAreNotFound) {
  const std::string key = aws_.make_key();
  const Json body{{"KeyId", key}, {"Plaintext", base64_of("x")}};
  expect_fault(aws_.call("Encrypt", body, aws_.rival), "NotFoundException");
  const std::string arn = "arn:aws:kms:eu-test-1:000000000000:key/" + key;
  expect_fault(aws_.call("Encrypt", {{"KeyId", arn}, {"Plaintext", base64_of("x")}}), "NotFoundException");
  expect_fault(aws_.call("Encrypt", {{"KeyId", "alias/none"}, {"Plaintext", base64_of("x")}}), "NotFoundException");
  expect_fault(aws_.call("Encrypt", {{"KeyId", "../../etc"}, {"Plaintext", base64_of("x")}}), "ValidationException");
}

TEST_F(SealOperationsTest, WhatThePolicyDoesNotAllow) {
  ASSERT_TRUE(aws_.home.keys->create_dataset({"rival", "", "mnist"}, Harness::caller()).ok());
  const Json made = [&] {
    const AwsAnswer answer =
        aws_.call("GenerateDataKey", {{"KeyId", "alias/mnist"}, {"KeySpec", "AES_256"}}, aws_.rival);
    EXPECT_EQ(answer.status(), 200U) << answer.body();
    return answer.json();
  }();
  EXPECT_EQ(aws_.call("Decrypt", {{"CiphertextBlob", made["CiphertextBlob"]}}, aws_.rival).status(), 200U);
  const Json body{{"KeyId", "alias/mnist"}, {"Plaintext", base64_of("x")}};
  expect_fault(aws_.call("Encrypt", body, aws_.rival), "AccessDeniedException");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  expect_fault(aws_.call("ListKeys", Json::object(), aws_.rival), "AccessDeniedException");
}

TEST_F(SealOperationsTest, OversizedAndMalformedMembers) {
  const std::string key = aws_.make_key();
  const std::string big(4097, 'x');
  expect_fault(aws_.call("Encrypt", {{"KeyId", key}, {"Plaintext", base64_of(big)}}), "ValidationException");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  EXPECT_EQ(aws_.call("Encrypt", {{"KeyId", key}, {"Plaintext", base64_of(big.substr(1))}}).status(), 200U);
  for (const Json& body :
       {Json{{"KeyId", key}}, Json{{"KeyId", key}, {"Plaintext", ""}}, Json{{"KeyId", key}, {"Plaintext", "%%%"}},
        Json{{"KeyId", key}, {"Plaintext", "QQ"}}, Json{{"KeyId", key}, {"Plaintext", 7}},
        Json{{"KeyId", 7}, {"Plaintext", "QQ=="}}, Json{{"Plaintext", "QQ=="}},
        Json{{"KeyId", key}, {"Plaintext", "QQ=="}, {"Surprise", true}},
        Json{{"KeyId", key}, {"Plaintext", "QQ=="}, {"EncryptionContext", {{"a", 1}}}},
        Json{{"KeyId", key}, {"Plaintext", "QQ=="}, {"EncryptionContext", {{"", "x"}}}},
        Json{{"KeyId", key}, {"Plaintext", "QQ=="}, {"EncryptionContext", {{"a", std::string(8193, 'x')}}}},
        Json{{"KeyId", key}, {"Plaintext", "QQ=="}, {"EncryptionAlgorithm", "RSAES_OAEP_SHA_256"}}}) {
    expect_fault(aws_.call("Encrypt", body), "ValidationException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << body;
  }
  for (const char* member : {"DryRun", "GrantTokens", "Recipient"}) {
    Json body{{"KeyId", key}, {"KeySpec", "AES_256"}};
    body[member] = member == std::string("DryRun") ? Json(true) : Json::array({"token"});
    expect_fault(aws_.call("GenerateDataKey", body), "UnsupportedOperationException");
  }
}

// Longer than what an I/O thread reads: a worker does, and all is decided there.
TEST_F(SealOperationsTest, LongRequests) {
  const std::string key = aws_.make_key();
  Json body{{"KeyId", key}, {"Plaintext", base64_of(std::string(4096, 'x'))}};
  aws_.home.now = aws_.home.now.load() + seconds(1);
  const std::string padded = body.dump() + std::string(20 << 10, ' ');
  EXPECT_EQ(aws_.pass(aws_.signed_request(aws_.app, "Encrypt", padded)).status(), 200U);
  expect_fault(aws_.pass(aws_.signed_request(aws_.rival, "Encrypt", padded)), "NotFoundException");
  expect_fault(aws_.pass(aws_.signed_request({aws_.app.id, "other"}, "Encrypt", padded)), "InvalidSignatureException");
}

TEST_F(SealOperationsTest, MalformedJson) {
  for (const std::string body : {"", "{", "[]", "7", "{\"KeyId\":\"a\",\"KeyId\":\"b\"}",
                                 "{\"a\":[[[[[[[[[[1]]]]]]]]]]}", "{\"KeyId\":\"\xff\"}", "{} {}"}) {
    aws_.home.now = aws_.home.now.load() + seconds(1);
    expect_fault(aws_.pass(aws_.signed_request(aws_.app, "Encrypt", body)), "SerializationException");
    EXPECT_EQ(last_outcome(), audit::Outcome::kRefused) << body;
  }
}

TEST_F(SealOperationsTest, DisabledAndPendingKeysAreNotUsed) {
  const std::string key = aws_.make_key();
  const std::string blob = encrypt(key, "x");
  const Json use{{"KeyId", key}, {"Plaintext", base64_of("x")}};
  aws_.good("DisableKey", {{"KeyId", key}});
  expect_fault(aws_.call("Encrypt", use), "DisabledException");
  expect_fault(decrypt(blob), "DisabledException");
  expect_fault(aws_.call("GenerateDataKey", {{"KeyId", key}, {"KeySpec", "AES_256"}}), "DisabledException");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  aws_.good("EnableKey", {{"KeyId", key}});
  EXPECT_EQ(decrypt(blob).status(), 200U);
  aws_.good("ScheduleKeyDeletion", {{"KeyId", key}, {"PendingWindowInDays", 7}});
  expect_fault(aws_.call("Encrypt", use), "KMSInvalidStateException");
  expect_fault(decrypt(blob), "KMSInvalidStateException");
  aws_.good("CancelKeyDeletion", {{"KeyId", key}});
  expect_fault(decrypt(blob), "DisabledException");
}

TEST_F(SealOperationsTest, TheNativeApiHonoursADisabledKey) {
  aws_.good("CreateKey", {{"Tags", {{{"TagKey", "cloister:dataset"}, {"TagValue", "mnist"}}}}});
  const std::string path = "/v1/tenants/acme/datasets/mnist/generate";
  EXPECT_EQ(aws_.home.send("POST", path, R"({"count":1})").status(), 200U);
  aws_.good("DisableKey", {{"KeyId", "alias/mnist"}});
  expect_problem(aws_.home.send("POST", path, R"({"count":1})"), 409, "wrong-state");
  aws_.good("EnableKey", {{"KeyId", "alias/mnist"}});
  EXPECT_EQ(aws_.home.send("POST", path, R"({"count":1})").status(), 200U);
}

TEST_F(SealOperationsTest, ReEncryptMovesBetweenKeysAndContexts) {
  const std::string first = aws_.make_key(), second = aws_.make_key();
  const std::string blob = encrypt(first, "moved", {{"a", "1"}});
  const Json moved = aws_.good("ReEncrypt", {{"CiphertextBlob", blob},
                                             {"SourceEncryptionContext", {{"a", "1"}}},
                                             {"SourceKeyId", first},
                                             {"DestinationKeyId", second},
                                             {"DestinationEncryptionContext", {{"b", "2"}}}});
  EXPECT_TRUE(moved["KeyId"].get<std::string>().ends_with(second));
  EXPECT_TRUE(moved["SourceKeyId"].get<std::string>().ends_with(first));
  EXPECT_EQ(decrypt(moved["CiphertextBlob"], {{"b", "2"}}).text("Plaintext"), base64_of("moved"));
  expect_fault(decrypt(moved["CiphertextBlob"], {{"a", "1"}}), "InvalidCiphertextException");
  expect_fault(aws_.call("ReEncrypt", {{"CiphertextBlob", blob}, {"DestinationKeyId", second}}),
               "InvalidCiphertextException");
  expect_fault(
      aws_.call("ReEncrypt", {{"CiphertextBlob", blob}, {"SourceKeyId", second}, {"DestinationKeyId", second}}),
      "IncorrectKeyException");
}

TEST_F(SealOperationsTest, GuardedSourceIsNotReEncryptedToAnotherKey) {
  const std::string first = aws_.make_key(), second = aws_.make_key();
  const std::string blob = encrypt(first, "guarded");
  const std::string guarded = aws_.home.last_event().subject;
  const std::string other = encrypt(second, "open");
  aws_.guard = [guarded](policy::Operation operation, const Target& target) -> Status {
    if (operation != policy::Operation::kUnwrap || target.text() != guarded) return {};
    return Error(Code::kDenied, "for attested workers alone");
  };
  expect_fault(decrypt(blob), "AccessDeniedException");
  const AwsAnswer refused = aws_.call("ReEncrypt", {{"CiphertextBlob", blob}, {"DestinationKeyId", second}});
  expect_fault(refused, "AccessDeniedException");
  EXPECT_EQ(refused.text("message"), "for attested workers alone");
  EXPECT_EQ(last_outcome(), audit::Outcome::kRefused);
  EXPECT_EQ(aws_.home.last_event().subject, guarded);
  aws_.good("ReEncrypt", {{"CiphertextBlob", blob}, {"DestinationKeyId", first}});
  aws_.good("ReEncrypt", {{"CiphertextBlob", other}, {"DestinationKeyId", first}});
}

TEST_F(SealOperationsTest, RotationLeavesOlderBlobsReadable) {
  const std::string key = aws_.make_key();
  const std::string blob = encrypt(key, "old");
  aws_.good("RotateKeyOnDemand", {{"KeyId", key}});
  const std::string newer = encrypt(key, "new");
  EXPECT_EQ(decrypt(blob).text("Plaintext"), base64_of("old"));
  EXPECT_EQ(decrypt(newer).text("Plaintext"), base64_of("new"));
  EXPECT_NE(decrypt(blob).text("KeyMaterialId"), decrypt(newer).text("KeyMaterialId"));
}

TEST_F(SealOperationsTest, RandomBytes) {
  EXPECT_EQ(testing::value_of(
                from_base64(aws_.good("GenerateRandom", {{"NumberOfBytes", 33}})["Plaintext"].get<std::string>()))
                .size(),
            33U);
  expect_fault(aws_.call("GenerateRandom", Json::object()), "ValidationException");
  expect_fault(aws_.call("GenerateRandom", {{"NumberOfBytes", 1025}}), "ValidationException");
}

}  // namespace
}  // namespace cloister::service::aws
