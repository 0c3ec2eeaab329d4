#include "service/vault/transit_body.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::service {
namespace {

using testing::expect_refused;

// Keeps the body that the result points into.
struct Body {
  explicit Body(std::string_view text) : bytes(text.begin(), text.end()) {}
  Bytes bytes;
  Result<TransitBody> parse(TransitVerb verb) { return parse_transit_body(bytes, verb); }
};

void expect_invalid(std::string_view text, TransitVerb verb, std::string_view why) {
  Body body(text);
  expect_refused(body.parse(verb), Code::kInvalid, why);
}

TEST(TransitBody, OneItem) {
  Body body(R"({"plaintext":"YQ==","associated_data":"Yg==","key_version":3,"context":"","nonce":null})");
  const auto parsed = body.parse(TransitVerb::kEncrypt);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_FALSE(parsed->batch);
  ASSERT_EQ(parsed->items.size(), 1U);
  EXPECT_EQ(parsed->items[0].plaintext, "YQ==");
  EXPECT_EQ(parsed->items[0].associated_data, "Yg==");
  EXPECT_EQ(parsed->items[0].key_version, 3U);
  EXPECT_FALSE(parsed->items[0].ciphertext);
}

TEST(TransitBody, Batch) {
  Body body(R"({"batch_input":[{"ciphertext":"vault:v1:YQ==","reference":"a"},{"ciphertext":"x"}],)"
            R"("partial_failure_response_code":200})");
  const auto parsed = body.parse(TransitVerb::kDecrypt);
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_TRUE(parsed->batch);
  ASSERT_EQ(parsed->items.size(), 2U);
  EXPECT_EQ(parsed->items[0].reference, "a");
  EXPECT_EQ(parsed->partial_failure_status, 200U);
}

TEST(TransitBody, NumbersAsText) {
  Body body(R"({"bits":"512"})");
  EXPECT_EQ(body.parse(TransitVerb::kDataKey)->bits, 512U);
  expect_invalid(R"({"bits":"-1"})", TransitVerb::kDataKey, "bits is no whole number");
  expect_invalid(R"({"bits":""})", TransitVerb::kDataKey, "bits is no whole number");
}

TEST(TransitBody, WhatKeysHereDoNotDo) {
  expect_invalid(R"({"plaintext":"YQ==","context":"Yg=="})", TransitVerb::kEncrypt, "context is for derived keys");
  expect_invalid(R"({"plaintext":"YQ==","nonce":"Yg=="})", TransitVerb::kEncrypt, "nonce");
  expect_invalid(R"({"plaintext":"YQ==","convergent_encryption":true})", TransitVerb::kEncrypt, "convergent");
  expect_invalid(R"({"plaintext":"YQ==","type":"chacha20-poly1305"})", TransitVerb::kEncrypt, "aes256-gcm96");
  expect_invalid(R"({"batch_input":[{"plaintext":"YQ==","context":"Yg=="}]})", TransitVerb::kEncrypt, "batch_input[0]");
  Body harmless(R"({"plaintext":"YQ==","type":"aes256-gcm96","convergent_encryption":false})");
  EXPECT_TRUE(harmless.parse(TransitVerb::kEncrypt).ok());
}

TEST(TransitBody, UnknownAndRepeatedFields) {
  expect_invalid(R"({"plaintxt":"YQ=="})", TransitVerb::kEncrypt, "unknown field plaintxt");
  expect_invalid(R"({"ciphertext":"x"})", TransitVerb::kEncrypt, "unknown field ciphertext");
  expect_invalid(R"({"plaintext":"x"})", TransitVerb::kDecrypt, "unknown field plaintext");
  expect_invalid(R"({"plaintext":"a","plaintext":"b"})", TransitVerb::kEncrypt, "twice");
  expect_invalid(R"({"batch_input":[{"plaintext":"a","plaintext":"b"}]})", TransitVerb::kEncrypt, "twice");
  expect_invalid(R"({"batch_input":[]})", TransitVerb::kDataKey, "unknown field batch_input");
  expect_invalid(R"({"bits":128})", TransitVerb::kEncrypt, "unknown field bits");
}

TEST(TransitBody, EmptyOrTooLargeBatch) {
  expect_invalid(R"({"batch_input":[]})", TransitVerb::kEncrypt, "no item");
  std::string many = R"({"batch_input":[{})";
  for (std::size_t i = 0; i < kTransitItemsMax; ++i) many += ",{}";
  expect_invalid(many + "]}", TransitVerb::kEncrypt, "at most 10000");
}

TEST(TransitBody, NotJson) {
  for (const char* text : {"", "{", "[]", "null", "{\"plaintext\":1}", "{\"plaintext\":[]}", "{} x",
                           "{\"plaintext\":\"\xff\"}", "{\"batch_input\":{}}", "{\"batch_input\":[1]}"}) {
    expect_invalid(text, TransitVerb::kEncrypt, "");
  }
}

TEST(TransitBody, StatusOfAPartialFailure) {
  expect_invalid(R"({"batch_input":[{}],"partial_failure_response_code":99})", TransitVerb::kEncrypt, "200 to 599");
}

TEST(VaultText, Prefix) {
  const auto parts = parse_vault_text("vault:v12:YQ==");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->version, 12U);
  EXPECT_EQ(parts->base64, "YQ==");
  EXPECT_EQ(vault_text(12, as_bytes("a")), "vault:v12:YQ==");
  for (const char* text : {"", "vault:", "vault:v", "vault:v:YQ==", "vault:v0:YQ==", "vault:v01:YQ==", "vault:v-1:YQ==",
                           "vault:v1", "vault:v4294967296:YQ==", "Vault:v1:YQ==", "YQ=="}) {
    EXPECT_FALSE(parse_vault_text(text)) << text;
  }
}

}  // namespace
}  // namespace cloister::service
