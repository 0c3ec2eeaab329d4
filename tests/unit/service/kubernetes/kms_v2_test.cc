#include "service/kubernetes/kms_v2.h"

#include <gtest/gtest.h>

#include "net/protobuf.h"
#include "tests/support/hex.h"

namespace cloister::service {
namespace {

using net::ProtobufWriter;
using testing::unhex;

net::Buffer decrypt_request(std::string_view key_id, const std::vector<KmsAnnotation>& annotations) {
  net::Buffer out;
  ProtobufWriter writer(out);
  writer.bytes(1, unhex("c0ffee")).text(2, "31c2fd1a-uid").text(3, key_id);
  for (const KmsAnnotation& annotation : annotations) writer.entry(4, annotation.name, annotation.value);
  return out;
}

template <typename Parsed>
void expect_invalid(const Parsed& parsed, std::string_view why) {
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code(), Code::kInvalid);
  EXPECT_NE(parsed.error().message().find(why), std::string::npos) << parsed.error().message();
}

TEST(KmsV2, EncryptRequest) {
  // As Python's protobuf writes EncryptRequest(plaintext=b"\x00\x01", uid="u-1").
  const Bytes message = unhex("0a0200011203752d31");
  const auto request = parse_kms_encrypt_request(message);
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(to_hex(request->plaintext), "0001");
  EXPECT_EQ(request->uid, "u-1");
}

TEST(KmsV2, UnknownFieldsArePassedOver) {
  const Bytes message = unhex("0a0200017a03616263800105");
  ASSERT_TRUE(parse_kms_encrypt_request(message).ok());
  ASSERT_TRUE(parse_kms_status_request(unhex("7a03616263")).ok());
}

TEST(KmsV2, NothingToEncryptOrDecrypt) {
  expect_invalid(parse_kms_encrypt_request({}), "plaintext is missing");
  expect_invalid(parse_kms_decrypt_request({}), "ciphertext is missing");
}

TEST(KmsV2, FieldOfAnotherKind) {
  expect_invalid(parse_kms_encrypt_request(unhex("0801")), "another kind");
  expect_invalid(parse_kms_decrypt_request(unhex("0a01012001")), "another kind");
}

TEST(KmsV2, OversizedFields) {
  net::Buffer out;
  ProtobufWriter(out).bytes(1, Bytes(kKmsCiphertextSizeMax + 1, 1));
  expect_invalid(parse_kms_encrypt_request(out), "more than 1024");
  expect_invalid(parse_kms_decrypt_request(out), "more than 1024");
  out.clear();
  ProtobufWriter(out).bytes(1, unhex("01")).text(2, std::string(kKmsUidSizeMax + 1, 'u'));
  expect_invalid(parse_kms_encrypt_request(out), "more than 128");
}

TEST(KmsV2, TextThatIsNotPlain) {
  expect_invalid(parse_kms_encrypt_request(unhex("0a010112020a0a")), "plain text");
  expect_invalid(parse_kms_decrypt_request(unhex("0a01011a01ff")), "plain text");
}

TEST(KmsV2, TruncatedMessage) {
  expect_invalid(parse_kms_status_request(unhex("0a05")), "ends within");
  expect_invalid(parse_kms_encrypt_request(unhex("0a0500")), "ends within");
  expect_invalid(parse_kms_decrypt_request(unhex("0a010122030a05")), "ends within");
}

TEST(KmsV2, DecryptRequest) {
  const Bytes value = unhex("ff00");
  const net::Buffer message = decrypt_request("key/3", {{"a.example", value}, {"b.example", {}}});
  const auto request = parse_kms_decrypt_request(message);
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_EQ(to_hex(request->ciphertext), "c0ffee");
  EXPECT_EQ(request->key_id, "key/3");
  ASSERT_EQ(request->annotations.size(), 2U);
  EXPECT_EQ(request->annotations[0].name, "a.example");
  EXPECT_EQ(to_hex(request->annotations[0].value), "ff00");
  EXPECT_TRUE(request->annotations[1].value.empty());
}

TEST(KmsV2, AnnotationWithoutANameOrTwice) {
  expect_invalid(parse_kms_decrypt_request(unhex("0a01012203120101")), "no name");
  expect_invalid(parse_kms_decrypt_request(decrypt_request("k", {{"a.example", {}}, {"a.example", {}}})), "twice");
}

TEST(KmsV2, TooMuchAnnotation) {
  const Bytes half(kKmsAnnotationsSizeMax / 2, 7);
  expect_invalid(parse_kms_decrypt_request(decrypt_request("k", {{"a.example", half}, {"b.example", half}})), "32 KiB");
}

TEST(KmsV2, Answers) {
  net::Buffer out;
  write_kms_status(out, "k1");
  EXPECT_EQ(to_hex(out),
            "0a027632"
            "12026f6b"
            "1a026b31");
  out.clear();
  write_kms_plaintext(out, unhex("0001"));
  EXPECT_EQ(to_hex(out), "0a020001");
  out.clear();
  const Bytes ciphertext = unhex("ab"), value = unhex("63");
  write_kms_encrypted(out, {ciphertext, "k1", {{"a.b", value}}});
  EXPECT_EQ(to_hex(out),
            "0a01ab"
            "12026b31"
            "1a080a03612e62120163");
}

}  // namespace
}  // namespace cloister::service
