// Keys that sign and authenticate, and pairs made for the caller.
#include "crypto/key_pair.h"
#include "tests/unit/service/aws/aws_harness.h"

namespace cloister::service::aws {
namespace {

class SigningOperationsTest : public ::testing::Test {
 protected:
  std::string make(const std::string& spec) {
    const bool mac = spec.starts_with("HMAC");
    return aws_.make_key({{"KeySpec", spec}, {"KeyUsage", mac ? "GENERATE_VERIFY_MAC" : "SIGN_VERIFY"}});
  }
  AwsHarness aws_;
};

TEST_F(SigningOperationsTest, MacsVerify) {
  for (const std::string bits : {"256", "384", "512"}) {
    const std::string key = make("HMAC_" + bits);
    const Json message{{"KeyId", key}, {"Message", base64_of("m")}, {"MacAlgorithm", "HMAC_SHA_" + bits}};
    const std::string mac = aws_.good("GenerateMac", message)["Mac"];
    Json check = message;
    check["Mac"] = mac;
    EXPECT_EQ(aws_.good("VerifyMac", check)["MacValid"], true);
    check["Message"] = base64_of("n");
    expect_fault(aws_.call("VerifyMac", check), "KMSInvalidMacException");
    EXPECT_EQ(aws_.home.last_event().outcome, audit::Outcome::kRefused);
    check["Mac"] = base64_of("short");
    expect_fault(aws_.call("VerifyMac", check), "KMSInvalidMacException");
  }
}

TEST_F(SigningOperationsTest, SignaturesVerifyHereAndByThePublicKey) {
  const std::pair<std::string, std::string> kinds[] = {{"ECC_NIST_P256", "ECDSA_SHA_256"},
                                                       {"ECC_NIST_P384", "ECDSA_SHA_384"},
                                                       {"ECC_NIST_EDWARDS25519", "ED25519_SHA_512"},
                                                       {"RSA_2048", "RSASSA_PSS_SHA_256"},
                                                       {"RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"}};
  for (const auto& [spec, algorithm] : kinds) {
    const std::string key = make(spec);
    const Json message{{"KeyId", key}, {"Message", base64_of("signed")}, {"SigningAlgorithm", algorithm}};
    const std::string signature = aws_.good("Sign", message)["Signature"];
    Json check = message;
    check["Signature"] = signature;
    EXPECT_EQ(aws_.good("Verify", check)["SignatureValid"], true) << spec;
    check["Message"] = base64_of("other");
    expect_fault(aws_.call("Verify", check), "KMSInvalidSignatureException");
    const Json shown = aws_.good("GetPublicKey", {{"KeyId", key}});
    EXPECT_EQ(shown["KeySpec"], spec);
    const auto public_key =
        crypto::PublicKey::from_spki(testing::value_of(from_base64(shown["PublicKey"].get<std::string>())));
    EXPECT_TRUE(public_key.ok()) << spec;
  }
}

// ECDSA's are DER: cut short, with a length that isn't there, with bytes behind, with another tag, nothing of the kind.
TEST_F(SigningOperationsTest, MalformedSignatures) {
  const std::string key = make("ECC_NIST_P256");
  const Json message{{"KeyId", key}, {"Message", base64_of("signed")}, {"SigningAlgorithm", "ECDSA_SHA_256"}};
  const Bytes good = testing::value_of(from_base64(aws_.good("Sign", message)["Signature"].get<std::string>()));
  Bytes cut(good.begin(), good.end() - 1), bomb = good, longer = good, tag = good;
  bomb[1] = 0x84;
  longer.push_back(0);
  tag[0] = 0x31;
  for (const Bytes& signature : {cut, bomb, longer, tag, Bytes{0x30}, Bytes(64, 0)}) {
    Json check = message;
    check["Signature"] = to_base64(signature);
    const std::size_t before = aws_.home.audit_rows().size();
    expect_fault(aws_.call("Verify", check), "KMSInvalidSignatureException");
    EXPECT_EQ(aws_.home.last_event().outcome, audit::Outcome::kRefused);
    EXPECT_EQ(aws_.home.audit_rows().size(), before + 1);
  }
  Json check = message;
  check["Signature"] = "not base64!";
  expect_fault(aws_.call("Verify", check), "ValidationException");
}

TEST_F(SigningOperationsTest, DigestsAreSignedAsSuch) {
  const std::string key = make("ECC_NIST_P256");
  const std::string digest = to_base64(crypto::sha256(as_bytes("signed")));
  const Json message{
      {"KeyId", key}, {"Message", digest}, {"MessageType", "DIGEST"}, {"SigningAlgorithm", "ECDSA_SHA_256"}};
  const std::string signature = aws_.good("Sign", message)["Signature"];
  const Json check{{"KeyId", key},
                   {"Message", base64_of("signed")},
                   {"Signature", signature},
                   {"SigningAlgorithm", "ECDSA_SHA_256"}};
  EXPECT_EQ(aws_.good("Verify", check)["SignatureValid"], true);
  Json wrong = message;
  wrong["Message"] = base64_of("not 32 bytes");
  expect_fault(aws_.call("Sign", wrong), "ValidationException");
  const std::string edwards = make("ECC_NIST_EDWARDS25519");
  expect_fault(aws_.call("Sign", {{"KeyId", edwards},
                                  {"Message", digest},
                                  {"MessageType", "DIGEST"},
                                  {"SigningAlgorithm", "ED25519_SHA_512"}}),
               "ValidationException");
}

TEST_F(SigningOperationsTest, KeysAreForOneUse) {
  const std::string seals = aws_.make_key(), macs = make("HMAC_256"), signs = make("ECC_NIST_P256");
  const Json sign{{"KeyId", macs}, {"Message", "QQ=="}, {"SigningAlgorithm", "ECDSA_SHA_256"}};
  expect_fault(aws_.call("Sign", sign), "InvalidKeyUsageException");
  EXPECT_EQ(aws_.home.last_event().outcome, audit::Outcome::kRefused);
  expect_fault(aws_.call("GenerateMac", {{"KeyId", signs}, {"Message", "QQ=="}, {"MacAlgorithm", "HMAC_SHA_256"}}),
               "InvalidKeyUsageException");
  expect_fault(aws_.call("GenerateMac", {{"KeyId", macs}, {"Message", "QQ=="}, {"MacAlgorithm", "HMAC_SHA_512"}}),
               "InvalidKeyUsageException");
  expect_fault(aws_.call("Encrypt", {{"KeyId", signs}, {"Plaintext", "QQ=="}}), "InvalidKeyUsageException");
  expect_fault(aws_.call("GenerateDataKey", {{"KeyId", macs}, {"KeySpec", "AES_256"}}), "InvalidKeyUsageException");
  expect_fault(aws_.call("GetPublicKey", {{"KeyId", seals}}), "InvalidKeyUsageException");
  expect_fault(aws_.call("EnableKeyRotation", {{"KeyId", macs}}), "UnsupportedOperationException");
  expect_fault(aws_.call("Sign", {{"KeyId", signs}, {"Message", "QQ=="}, {"SigningAlgorithm", "ECDSA_SHA_384"}}),
               "InvalidKeyUsageException");
}

TEST_F(SigningOperationsTest, DisabledKeysDoNotSign) {
  const std::string key = make("ECC_NIST_P256");
  aws_.good("DisableKey", {{"KeyId", key}});
  const Json message{{"KeyId", key}, {"Message", "QQ=="}, {"SigningAlgorithm", "ECDSA_SHA_256"}};
  expect_fault(aws_.call("Sign", message), "DisabledException");
}

TEST_F(SigningOperationsTest, PairsOpenUnderTheirKey) {
  const std::string key = aws_.make_key();
  for (const std::string spec : {"ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "RSA_2048"}) {
    const Json body{{"KeyId", key}, {"KeyPairSpec", spec}, {"EncryptionContext", {{"a", "b"}}}};
    const Json pair = aws_.good("GenerateDataKeyPair", body);
    const AwsAnswer opened = aws_.call(
        "Decrypt", {{"CiphertextBlob", pair["PrivateKeyCiphertextBlob"]}, {"EncryptionContext", {{"a", "b"}}}});
    EXPECT_EQ(opened.text("Plaintext"), pair["PrivateKeyPlaintext"].get<std::string>());
    EXPECT_FALSE(aws_.good("GenerateDataKeyPairWithoutPlaintext", body).contains("PrivateKeyPlaintext"));
  }
  expect_fault(aws_.call("GenerateDataKeyPair", {{"KeyId", key}, {"KeyPairSpec", "SM2"}}),
               "UnsupportedOperationException");
}

}  // namespace
}  // namespace cloister::service::aws
