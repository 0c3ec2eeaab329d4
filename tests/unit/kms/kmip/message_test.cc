// Answers that PyKMIP 0.11.0 gave, and what is wrong with answers that nobody gives.
#include "kms/kmip/message.h"

#include "kms/kmip/key_posture.h"
#include "kms/kmip/operations.h"
#include "tests/support/expect.h"

namespace cloister::kms::kmip {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kVersions =
    "42007b01000000d042007a0100000048420069010000002042006a0200000004000000010000000042006b020000000400000004"
    "000000004200920900000008000000006b07bc8342000d0200000004000000010000000042000f010000007842005c0500000004"
    "0000001e0000000042007f0500000004000000000000000042007c0100000050420069010000002042006a020000000400000002"
    "0000000042006b02000000040000000000000000420069010000002042006a0200000004000000010000000042006b0200000004"
    "0000000400000000";

// Of key 1, Active, in 1.4; of key 2, PreActive, in 2.0.
constexpr std::string_view kAttributes14 =
    "42007b01000002b042007a0100000048420069010000002042006a0200000004000000010000000042006b020000000400000004"
    "000000004200920900000008000000006b07bc8342000d0200000004000000010000000042000f010000025842005c0500000004"
    "0000000b0000000042007f0500000004000000000000000042007c01000002304200940700000001310000000000000042000801"
    "0000003042000a0700000011556e69717565204964656e7469666965720000000000000042000b07000000013100000000000000"
    "420008010000004842000a07000000044e616d65000000004200090200000004000000000000000042000b010000002042005507"
    "00000006616374697665000042005405000000040000000100000000420008010000002842000a070000000b4f626a6563742054"
    "797065000000000042000b05000000040000000200000000420008010000003042000a070000001743727970746f677261706869"
    "6320416c676f726974686d0042000b05000000040000000300000000420008010000003042000a070000001443727970746f6772"
    "6170686963204c656e6774680000000042000b02000000040000010000000000420008010000003042000a07000000154f706572"
    "6174696f6e20506f6c696379204e616d6500000042000b070000000764656661756c7400420008010000003042000a0700000018"
    "43727970746f67726170686963205573616765204d61736b42000b02000000040000000c00000000420008010000002042000a07"
    "00000005537461746500000042000b05000000040000000200000000420008010000002842000a070000000c496e697469616c20"
    "446174650000000042000b0900000008000000006b07b6c9420008010000002842000a070000000953656e736974697665000000"
    "0000000042000b06000000080000000000000000";
constexpr std::string_view kAttributes20 =
    "42007b010000014042007a0100000048420069010000002042006a0200000004000000020000000042006b020000000400000000"
    "000000004200920900000008000000006b07bc8342000d0200000004000000010000000042000f01000000e842005c0500000004"
    "0000000b0000000042007f0500000004000000000000000042007c01000000c04200940700000001320000000000000042012501"
    "000000a8420094070000000132000000000000004200530100000020420055070000000370726500000000004200540500000004"
    "0000000100000000420057050000000400000002000000004200280500000004000000030000000042002a020000000400000100"
    "0000000042002c02000000040000000c0000000042008d050000000400000001000000004200390900000008000000006b07b6c9"
    "42012006000000080000000000000000";
constexpr std::string_view kEncrypted =
    "42007b01000000b842007a0100000048420069010000002042006a0200000004000000010000000042006b020000000400000004"
    "000000004200920900000008000000006b07bc8342000d0200000004000000010000000042000f010000006042005c0500000004"
    "0000001f0000000042007f0500000004000000000000000042007c0100000038420094070000000131000000000000004200c208"
    "0000000313f28200000000004200ff0800000010381527a50270252dc5b3066c507bd1c2";

net::Buffer bytes_of(std::string_view hex) {
  const Bytes bytes = value_of(from_hex(hex));
  return {bytes.begin(), bytes.end()};
}

Answer answer_of(std::string_view hex, Operation operation) {
  return value_of(Answer::parse(bytes_of(hex), operation));
}

// A success with a payload about key "k".
Answer made(const PayloadWriter& payload) {
  TtlvWriter writer;
  writer.begin(tag::kResponseMessage).begin(tag::kResponseHeader).integer(tag::kBatchCount, 1).end();
  writer.begin(tag::kBatchItem).enumeration(tag::kOperation, static_cast<std::uint32_t>(Operation::kGetAttributes));
  writer.enumeration(tag::kResultStatus, 0).begin(tag::kResponsePayload).text(tag::kUniqueIdentifier, "k");
  payload(writer);
  writer.end().end().end();
  return value_of(Answer::parse(writer.take(), Operation::kGetAttributes));
}

TEST(KmipAnswer, Versions) {
  EXPECT_EQ(value_of(parse_versions(answer_of(kVersions, Operation::kDiscoverVersions))),
            (std::vector{kVersion20, kVersion14}));
}

TEST(KmipAnswer, AttributesOf14) {
  const auto attributes = value_of(parse_attributes(answer_of(kAttributes14, Operation::kGetAttributes), "1"));
  EXPECT_EQ(attributes.state, 2U);
  EXPECT_EQ(attributes.algorithm, kAes);
  EXPECT_EQ(attributes.length, 256);
  EXPECT_EQ(attributes.usage_mask, 12U);
  EXPECT_EQ(attributes.initial, Time{0x6b07b6c9LL * 1000});
  EXPECT_EQ(attributes.extractable, std::nullopt);
}

TEST(KmipAnswer, AttributesOf20) {
  const auto attributes = value_of(parse_attributes(answer_of(kAttributes20, Operation::kGetAttributes), "2"));
  EXPECT_EQ(attributes.state, 1U);
  EXPECT_EQ(attributes.algorithm, kAes);
  EXPECT_EQ(attributes.length, 256);
  EXPECT_EQ(attributes.initial, Time{0x6b07b6c9LL * 1000});
}

TEST(KmipAnswer, AboutAnotherKey) {
  expect_refused(parse_attributes(answer_of(kAttributes20, Operation::kGetAttributes), "1"), Code::kCorrupt, "another");
  expect_refused(parse_encrypted(answer_of(kEncrypted, Operation::kEncrypt), "2", Cipher::kGcm, Bytes(12, 1)),
                 Code::kCorrupt, "another");
}

TEST(KmipAnswer, Encrypted) {
  const auto encrypted =
      value_of(parse_encrypted(answer_of(kEncrypted, Operation::kEncrypt), "1", Cipher::kGcm, Bytes(12, 1)));
  EXPECT_EQ(encrypted.nonce, Bytes(12, 1));
  EXPECT_EQ(encrypted.tag.size(), 16U);
  EXPECT_EQ(encrypted.ciphertext.size(), 3U);
}

TEST(KmipAnswer, ToAnotherOperation) {
  expect_refused(Answer::parse(bytes_of(kEncrypted), Operation::kDecrypt), Code::kCorrupt, "another operation");
}

TEST(KmipAnswer, CutOffAnywhere) {
  for (std::size_t size = 0; size < kEncrypted.size() / 2; ++size) {
    net::Buffer bytes = bytes_of(kEncrypted);
    bytes.resize(size);
    expect_refused(Answer::parse(std::move(bytes), Operation::kEncrypt), Code::kCorrupt, "");
  }
}

TEST(KmipAnswer, EveryByteChanged) {
  const net::Buffer whole = bytes_of(kAttributes14);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    net::Buffer bytes = whole;
    bytes[i] ^= 0xFF;
    const auto answer = Answer::parse(std::move(bytes), Operation::kGetAttributes);
    if (answer.ok() && answer->success()) ignore_result(parse_attributes(*answer, "1"));
  }
}

TEST(KmipAnswer, AttributesThatAreNone) {
  const std::vector<PayloadWriter> payloads{
      [](TtlvWriter& writer) { writer.begin(tag::kAttributes).integer(tag::kState, 2).end(); },
      [](TtlvWriter& writer) {
        writer.begin(tag::kAttributes).enumeration(tag::kState, 2).enumeration(tag::kState, 1).end();
      },
      [](TtlvWriter& writer) { writer.begin(tag::kAttributes).date_time(tag::kInitialDate, -1).end(); },
      [](TtlvWriter& writer) { writer.begin(tag::kAttributes).date_time(tag::kInitialDate, INT64_MAX).end(); },
      [](TtlvWriter& writer) { writer.begin(tag::kAttributes).text(tag::kLink, "x").end(); },
      [](TtlvWriter& writer) { writer.begin(tag::kAttribute).enumeration(tag::kAttributeValue, 2).end(); },
      [](TtlvWriter& writer) { writer.begin(tag::kAttribute).text(tag::kAttributeName, "State").end(); },
      [](TtlvWriter& writer) {
        writer.begin(tag::kAttribute).text(tag::kAttributeName, "State").text(tag::kAttributeValue, "Active").end();
      },
  };
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const auto refused = parse_attributes(made(payloads[i]), "k");
    EXPECT_FALSE(refused.ok()) << i;
    if (refused.ok()) continue;
    EXPECT_EQ(refused.error().code(), Code::kCorrupt) << i;
  }
}

TEST(KmipAnswer, LinksThatSayNothingOfRotation) {
  const auto attributes = value_of(parse_attributes(made([](TtlvWriter& writer) {
                                                      writer.begin(tag::kAttributes);
                                                      for (const std::uint32_t kind : {0x101U, 0x102U, 0x107U}) {
                                                        writer.begin(tag::kLink).enumeration(tag::kLinkType, kind);
                                                        // Named by its place in the batch, as 2.x may.
                                                        writer.enumeration(tag::kLinkedObjectIdentifier, 1).end();
                                                      }
                                                      writer.end();
                                                    }),
                                                    "k"));
  EXPECT_TRUE(attributes.replaced.empty());
}

TEST(KmipAnswer, StateThatNobodyKnows) {
  const auto attributes = value_of(parse_attributes(
      made([](TtlvWriter& writer) { writer.begin(tag::kAttributes).enumeration(tag::kState, 9).end(); }), "k"));
  EXPECT_FALSE(key_state(attributes).known());
}

TEST(KmipReason, CodesOfReasons) {
  EXPECT_EQ(reason_of(0x01).code, Code::kNotFound);
  EXPECT_EQ(reason_of(0x0C).code, Code::kDenied);
  EXPECT_EQ(reason_of(0x05).code, Code::kUnsupported);
  EXPECT_EQ(reason_of(0x2A).code, Code::kUnavailable);
  EXPECT_EQ(reason_of(0x43).name, "WrongKeyLifecycleState");
  EXPECT_EQ(reason_of(0x7777).code, Code::kDenied);
  EXPECT_TRUE(is_passing(0x2A));
  EXPECT_FALSE(is_passing(0x100));
}

TEST(KmipReason, MessageInOneLine) {
  EXPECT_EQ(plain_text(as_bytes("a\nb\x7f\xc3")), "a?b??");
  EXPECT_EQ(plain_text(Bytes(1000, 'x')).size(), 200U);
}

}  // namespace
}  // namespace cloister::kms::kmip
