#include "posture/evidence/redaction.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

void expect_gone(std::string_view text, std::string_view secret) {
  const std::string kept = redact(text);
  EXPECT_EQ(kept.find(secret), std::string::npos) << kept;
  EXPECT_NE(kept.find("[redacted: "), std::string::npos) << kept;
  EXPECT_EQ(redact(kept), kept);
}

TEST(Redaction, SecretsByTheirShape) {
  expect_gone("id AKIAIOSFODNN7EXAMPLE here", "AKIAIOSFODNN7EXAMPLE");
  expect_gone("ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123");
  expect_gone("x=hvs.CAESIJ0123456789abcdefghij", "CAESIJ");
  expect_gone("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", "eyJzdWIi");
}

TEST(Redaction, SecretsByTheirNames) {
  expect_gone(R"({"password": "hunter2 and more", "user": "ada"})", "hunter2");
  expect_gone(R"({"client_secret":"a\"b"})", "a\\\"b");
  expect_gone("<SecretAccessKey>wJalrXUtnFEMI/K7MDENG</SecretAccessKey>", "wJalrXUtnFEMI");
  expect_gone("host=db password=hunter2 user=ada", "hunter2");
  expect_gone("https://h/c?sv=2024&sig=abc%2Bdef&se=1", "abc%2Bdef");
  expect_gone("AccountKey=Zm9vYmFyCg==;Endpoint=x", "Zm9vYmFyCg");
  EXPECT_NE(redact("host=db password=hunter2 user=ada").find("user=ada"), std::string::npos);
}

TEST(Redaction, PasswordInAnAddress) {
  expect_gone("postgresql://ada:hunter2@db.example/features", "hunter2");
  EXPECT_EQ(redact("postgresql://db.example:5432/features"), "postgresql://db.example:5432/features");
}

TEST(Redaction, PrivateKeys) {
  expect_gone("a\n-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\nb", "MC4CAQAw");
  expect_gone("-----BEGIN RSA PRIVATE KEY-----\nMC4CAQAw", "MC4CAQAw");
  expect_gone(R"({"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7","x":"11qYAYKxCr"})", "nWGxne_9");
  const std::string certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
  EXPECT_EQ(redact(certificate), certificate);
}

TEST(Redaction, WhatIsNoSecretStays) {
  for (const std::string_view text :
       {R"({"KeyId":"1234abcd","KeyManager":"AWS","tokens":{"0":{"type":"clevis"}},"password":null})",
        "keyformat\tpassphrase\nsha256 0123456789abcdef0123456789abcdef", "the password is kept elsewhere",
        "[redacted: x", ""}) {
    EXPECT_EQ(redact(text), text);
  }
}

TEST(Redaction, EmailsOnRequest) {
  EXPECT_EQ(redact("ada@example.org"), "ada@example.org");
  EXPECT_EQ(redact("by ada@example.org.", RedactEmails::kYes).find("ada@"), std::string::npos);
  EXPECT_EQ(redact("a@b", RedactEmails::kYes), "a@b");
}

TEST(Redaction, LongTextInShortTime) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "password ";
  EXPECT_EQ(redact(text), text);
  EXPECT_EQ(redact(std::string(1'000'000, '"')).size(), 1'000'000U);
}

}  // namespace
}  // namespace cloister::posture
