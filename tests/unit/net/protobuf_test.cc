#include "net/protobuf.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"

namespace cloister::net {
namespace {

using testing::unhex;
using Wire = ProtobufField::Wire;

Result<std::vector<ProtobufField>> fields_of(ByteView message) {
  ProtobufReader reader(message);
  std::vector<ProtobufField> fields;
  while (true) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) return fields;
    fields.push_back(*field);
  }
}

void expect_refused(std::string_view text) {
  const Bytes message = unhex(text);
  const auto fields = fields_of(message);
  ASSERT_FALSE(fields.ok()) << text;
  EXPECT_EQ(fields.error().code(), Code::kInvalid);
}

// The examples of protobuf.dev/programming-guides/encoding.
TEST(Protobuf, TheGuidesExamples) {
  const Bytes varint = unhex("089601");
  auto fields = fields_of(varint);
  ASSERT_TRUE(fields.ok());
  ASSERT_EQ(fields->size(), 1U);
  EXPECT_EQ((*fields)[0].number, 1U);
  EXPECT_EQ((*fields)[0].value, 150U);

  const Bytes text = unhex("120774657374696e67");
  fields = fields_of(text);
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ((*fields)[0].number, 2U);
  EXPECT_EQ((*fields)[0].wire, Wire::kBytes);
  EXPECT_EQ(as_text((*fields)[0].bytes), "testing");
}

TEST(Protobuf, EveryKind) {
  const Bytes message = unhex("08ffffffffffffffffff011101020304050607081a002d01000080");
  const auto fields = fields_of(message);
  ASSERT_TRUE(fields.ok()) << fields.error().message();
  ASSERT_EQ(fields->size(), 4U);
  EXPECT_EQ((*fields)[0].value, UINT64_MAX);
  EXPECT_EQ((*fields)[1].value, 0x0807060504030201U);
  EXPECT_TRUE((*fields)[2].bytes.empty());
  EXPECT_EQ((*fields)[3].value, 0x80000001U);
}

TEST(Protobuf, LengthBeyondTheEnd) {
  expect_refused("1202ff");
  expect_refused("12ffffffffffffffffff01");
}
TEST(Protobuf, VarintWithoutAnEnd) {
  expect_refused("80");
  expect_refused("08");
  expect_refused("08ffffffffffffffffffff01");
  expect_refused("08ffffffffffffffffff02");
}
TEST(Protobuf, TruncatedFixed) {
  expect_refused("1101020304050607");
  expect_refused("2d010203");
}
TEST(Protobuf, Groups) {
  expect_refused("0b0c");
  expect_refused("0e");
  expect_refused("0f");
}
TEST(Protobuf, NumbersThatCannotBe) {
  expect_refused("0000");
  expect_refused("808080801000");
}

TEST(Protobuf, TooManyFields) {
  Bytes message(2 * ProtobufReader::kFieldsMax, 0);
  for (std::size_t i = 0; i < message.size(); i += 2) message[i] = 8;
  EXPECT_TRUE(fields_of(message).ok());
  message.insert(message.end(), {8, 0});
  EXPECT_FALSE(fields_of(message).ok());
}

TEST(Protobuf, WritesWhatItReads) {
  Buffer out;
  ProtobufWriter(out).bytes(1, {}).text(2, std::string(300, 'x')).entry(4, "a.example", unhex("00ff"));
  const auto fields = fields_of(out);
  ASSERT_TRUE(fields.ok());
  ASSERT_EQ(fields->size(), 2U);  // what is empty is left out
  EXPECT_EQ(as_text((*fields)[0].bytes), std::string(300, 'x'));
  EXPECT_EQ((*fields)[1].number, 4U);
  EXPECT_EQ(to_hex((*fields)[1].bytes), to_hex(unhex("0a09612e6578616d706c65120200ff")));
}

TEST(Protobuf, EmptyOnesThatCount) {
  Buffer out;
  ProtobufWriter(out).present(1, {}).fixed64(3, 0).number(4, 0).number(5, 300);
  EXPECT_EQ(to_hex(out),
            "0a00"
            "190000000000000000"
            "2000"
            "28ac02");
}

TEST(Protobuf, AnotherKindThanExpected) {
  const Bytes message = unhex("0801120361ff62");
  const auto fields = fields_of(message);
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ((*fields)[0].as_message("a").error().code(), Code::kInvalid);
  EXPECT_EQ((*fields)[1].as_string("b", 10).error().code(), Code::kInvalid);  // not UTF-8
  EXPECT_EQ((*fields)[1].as_string("b", 2).error().code(), Code::kInvalid);   // too long
  EXPECT_TRUE((*fields)[1].as_message("b").ok());
}

TEST(Protobuf, MapEntries) {
  const Bytes whole = unhex("0a0161120162");
  auto entry = read_entry(whole, 10);
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->key, "a");
  EXPECT_EQ(as_text(entry->value), "b");
  const Bytes half = unhex("0a0161");
  EXPECT_TRUE(read_entry(half, 10)->value.empty());
  EXPECT_FALSE(read_entry(whole, 0).ok());
  EXPECT_FALSE(read_entry(unhex("0a05"), 10).ok());
}

}  // namespace
}  // namespace cloister::net
