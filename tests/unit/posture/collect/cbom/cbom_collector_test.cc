// Inventories of cryptography: what is withdrawn, what nobody knows, and documents that are none.
#include "posture/collect/cbom/cbom_collector.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

std::string document(const std::string& components, const std::string& time = "2026-11-18T10:00:00Z") {
  return R"({"bomFormat":"CycloneDX","specVersion":"1.7","metadata":{"timestamp":")" + time + R"("},"components":[)" +
         components + "]}";
}

std::string asset(const std::string& name, const std::string& properties) {
  return R"({"type":"cryptographic-asset","name":")" + name + R"(","cryptoProperties":{)" + properties + "}}";
}

std::string algorithm(const std::string& name, const std::string& mode = "gcm") {
  return asset(name, R"("assetType":"algorithm","algorithmProperties":{"mode":")" + mode + "\"}");
}

std::string tls(const std::string& version) {
  return asset("TLS", R"("assetType":"protocol","protocolProperties":{"type":"tls","version":")" + version + "\"}");
}

TEST(Cbom, WhatAlgorithmsAreWorth) {
  using enum AlgorithmStanding;
  for (const char* name : {"AES-256-GCM",
                           "SHA-256",
                           "HMAC-SHA1",
                           "ECDSA-P256",
                           "RSA-2048",
                           "ML-KEM-768",
                           "Ed25519",
                           "ChaCha20-Poly1305",
                           "PBKDF2-HMAC-SHA256",
                           "SHA512withRSA",
                           "PBKDF2WithHmacSHA1",
                           "hmacWithSHA1",
                           "EC",
                           "ECDH",
                           "EC-256",
                           "EC-P384",
                           "EC-brainpoolP256r1",
                           "RSASSA-PKCS1-v1_5-SHA-256",
                           "DH-2048",
                           "RSA-15360",
                           "DH-15360",
                           "SHAKE128"}) {
    EXPECT_EQ(standing_of(name), kKnown) << name;
  }
  for (const char* name :
       {"MD5", "SHA-1", "SHA1withRSA", "DES", "3DES-EDE", "RC4", "RSA-1024", "AES-128-ECB", "Blowfish",
        "PBEWithMD5AndDES", "HmacMD5", "DSA", "ecdsa-with-SHA1", "RSA-SHA1", "RSASSA-PKCS1-v1_5-SHA-1",
        "AES/ECB/PKCS5Padding", "AES128-ECB-PKCS5", "RSA-768", "DH-512"}) {
    EXPECT_EQ(standing_of(name), kWithdrawn) << name;
  }
  for (const char* name : {"", "---", "home-made", "XOR", "Eccentric"}) EXPECT_EQ(standing_of(name), kUnknown) << name;
}

TEST(Cbom, KeysThatAreTooShort) {
  const auto with = [](const std::string& name, const std::string& parameter) {
    const std::string properties =
        R"("assetType":"algorithm","algorithmProperties":{"parameterSetIdentifier":")" + parameter + "\"}";
    return value_of(count_cbom(document(asset(name, properties)))).withdrawn.size();
  };
  EXPECT_EQ(with("RSA", "1024"), 1U);
  EXPECT_EQ(with("SHA256withRSA", "512"), 1U);
  EXPECT_EQ(with("DH", "1024"), 1U);
  EXPECT_EQ(with("RSA", "2048"), 0U);
  EXPECT_EQ(with("RSASSA-PSS", "256"), 0U) << "the hash's";
  EXPECT_EQ(with("ECDH", "521"), 0U);
  EXPECT_EQ(with("RSA", "long"), 0U);
}

TEST(Cbom, Counted) {
  const CbomCount count = value_of(count_cbom(
      document(algorithm("AES-256-GCM") + "," + algorithm("AES-256", "ecb") + "," + algorithm("home-made") + "," +
               tls("1.3") + "," + tls("1.0") + "," + asset("a key", R"("assetType":"related-crypto-material")") +
               R"(,{"type":"library","name":"l","components":[)" + algorithm("MD5") + "]}")));
  EXPECT_EQ(count.components, 7);
  EXPECT_EQ(count.unknown, std::vector<std::string>{"home-made"});
  EXPECT_EQ(count.withdrawn, (std::vector<std::string>{"AES-256", "MD5", "TLS"}));
  EXPECT_EQ(to_rfc3339(count.at), "2026-11-18T10:00:00.000Z");
}

TEST(Cbom, WhatIsNone) {
  expect_refused(count_cbom("{}"), Code::kInvalid, "no CycloneDX");
  expect_refused(count_cbom(R"({"bomFormat":"CycloneDX"})"), Code::kInvalid, "when");
  expect_refused(count_cbom(document(R"({"type":"cryptographic-asset"})")), Code::kInvalid, "no name");
  expect_refused(count_cbom(R"({"bomFormat":"CycloneDX","metadata":{"timestamp":"2026-11-18T10:00:00Z"},)"
                            R"("components":{}})"),
                 Code::kInvalid, "list");
  EXPECT_FALSE(count_cbom("[").ok());
}

struct Kept final : FactSink {
  std::vector<Fact> all;
  void add(Fact fact) override { all.push_back(std::move(fact)); }
};

Fact only(const std::vector<std::string>& texts) {
  std::vector<InputFile> files;
  for (const std::string& text : texts) files.push_back({"b.json", text});
  Kept kept;
  const Estate estate;
  CollectContext context;
  context.estate = &estate;
  context.now = Time{1'795'000'000'000};
  CbomCollector(std::move(files)).collect(context, kept);
  EXPECT_EQ(kept.all.size(), 1U);
  return kept.all.empty() ? Fact() : kept.all.front();
}

TEST(Cbom, OneFactOfAllFiles) {
  const Fact fact = only({document(algorithm("AES-256-GCM")), document(algorithm("SHA-1"), "2026-10-01T00:00:00Z")});
  EXPECT_EQ(fact.kind, "cbom");
  EXPECT_EQ(fact.number("components"), 2);
  EXPECT_EQ(fact.number("withdrawn"), 1);
  EXPECT_EQ(fact.number("unknown_algorithms"), 0);
  EXPECT_EQ(fact.truth("schema_valid"), std::nullopt) << "nobody held it against its schema";
  EXPECT_EQ(to_rfc3339(fact.at), "2026-10-01T00:00:00.000Z") << "the oldest";
}

TEST(Cbom, FileThatCannotBeReadProvesNothingGood) {
  EXPECT_TRUE(only({document(algorithm("AES-256-GCM")), "{}"}).not_assessed);
  EXPECT_EQ(only({document(algorithm("MD5")), "{}"}).number("withdrawn"), 1);
}

}  // namespace
}  // namespace cloister::posture
