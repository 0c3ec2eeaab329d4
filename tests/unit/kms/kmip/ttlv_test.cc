#include "kms/kmip/ttlv.h"

#include "kms/kmip/tags.h"
#include "tests/support/expect.h"

namespace cloister::kms::kmip {
namespace {

using testing::expect_refused;
using testing::value_of;

Bytes bytes_of(const std::string& hex) { return value_of(from_hex(hex)); }

Item parsed(const std::string& hex) {
  static Bytes kept;  // an item is a view
  kept = bytes_of(hex);
  return value_of(parse_ttlv(kept));
}

// The examples of KMIP 1.4 section 9.1.2.
TEST(Ttlv, ExamplesOfTheStandard) {
  EXPECT_EQ(parsed("42002002000000040000000800000000").number, 8);
  EXPECT_EQ(parsed("420020030000000801B69B4BA5749200").number, 123456789000000000);
  EXPECT_EQ(to_hex(parsed("42002004000000100000000003FD35EB6BC2DF4618080000").bytes),
            "0000000003fd35eb6bc2df4618080000");
  EXPECT_EQ(parsed("4200200500000004000000FF00000000").number, 255);
  EXPECT_EQ(parsed("42002006000000080000000000000001").number, 1);
  EXPECT_EQ(as_text(parsed("420020070000000B48656C6C6F20576F726C640000000000").bytes), "Hello World");
  EXPECT_EQ(to_hex(parsed("42002008000000030102030000000000").bytes), "010203");
  EXPECT_EQ(parsed("42002009000000080000000047DA67F8").number, 1205495800);
  EXPECT_EQ(parsed("4200200A00000004000D2F0000000000").number, 864000);
  const Item structure = parsed("42002001000000204200040500000004000000FE000000004200050200000004000000FF00000000");
  ASSERT_EQ(structure.children.size(), 2U);
  EXPECT_EQ(structure.find(0x420004, Type::kEnumeration)->number, 254);
  EXPECT_EQ(structure.find(0x420005)->number, 255);
  EXPECT_EQ(structure.find(0x420005, Type::kEnumeration), nullptr);
  EXPECT_EQ(structure.find(0x420006), nullptr);
}

TEST(Ttlv, NegativeInteger) { EXPECT_EQ(parsed("4200200200000004FFFFFFFE00000000").number, -2); }

TEST(Ttlv, WritesWhatItReads) {
  TtlvWriter writer;
  writer.begin(0x420020).enumeration(0x420004, 254).integer(0x420005, -1).text(0x420006, "Hello World").end();
  const net::Buffer written = writer.take();
  const Item item = value_of(parse_ttlv(written));
  EXPECT_EQ(item.find(0x420004)->number, 254);
  EXPECT_EQ(item.find(0x420005)->number, -1);
  EXPECT_EQ(as_text(item.find(0x420006)->bytes), "Hello World");
  TtlvWriter others;
  others.begin(0x420020).boolean(0x420004, true).bytes(0x420005, Bytes(9, 7)).date_time(0x420006, 1'205'495'800);
  others.interval(0x420007, 864'000).end();
  const net::Buffer again = others.take();
  const Item other = value_of(parse_ttlv(again));
  EXPECT_EQ(other.find(0x420004, Type::kBoolean)->number, 1);
  EXPECT_EQ(other.find(0x420005, Type::kByteString)->bytes.size(), 9U);
  EXPECT_EQ(other.find(0x420006, Type::kDateTime)->number, 1'205'495'800);
  EXPECT_EQ(other.find(0x420007, Type::kInterval)->number, 864'000);
}

TEST(Ttlv, EmptyStructureAndEmptyText) {
  EXPECT_TRUE(parsed("4200200100000000").children.empty());
  EXPECT_TRUE(parsed("4200200700000000").bytes.empty());
}

struct Refused {
  const char* name;
  const char* hex;
  const char* word;
};

class TtlvRefused : public ::testing::TestWithParam<Refused> {};

TEST_P(TtlvRefused, IsRefused) {
  expect_refused(parse_ttlv(bytes_of(GetParam().hex)), Code::kCorrupt, GetParam().word);
}

INSTANTIATE_TEST_SUITE_P(
    Malformed, TtlvRefused,
    ::testing::Values(Refused{"Nothing", "", "cut off"}, Refused{"HalfAHeader", "42002002", "cut off"},
                      Refused{"LengthBomb", "42002008FFFFFFFF00", "beyond"},
                      Refused{"LengthBombInside", "420020010000001042000408FFFFFFF80000000000000000", "beyond"},
                      Refused{"ChildLongerThanItsParent", "420020010000000842000402000000040000000800000000", "beyond"},
                      Refused{"TypeZero", "42002000000000040000000800000000", "unknown"},
                      Refused{"TypeTwelve", "4200200C000000040000000800000000", "unknown"},
                      Refused{"IntegerOfEightBytes", "42002002000000080000000000000008", "length isn't its type's"},
                      Refused{"IntegerOfNoBytes", "4200200200000000", "length isn't its type's"},
                      Refused{"BooleanTwo", "42002006000000080000000000000002", "neither"},
                      Refused{"PaddingNotZero", "42002002000000040000000800000001", "padding isn't zero"},
                      Refused{"PaddingCutOff", "420020020000000400000008", "padding is cut off"},
                      Refused{"BigIntegerOfSevenBytes", "42002004000000070102030405060700", "big integer"},
                      Refused{"SomethingBehind", "4200200200000004000000080000000042", "behind it"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(Ttlv, NestedTooDeep) {
  TtlvWriter writer;
  for (unsigned i = 0; i < 13; ++i) writer.begin(0x420020);
  for (unsigned i = 0; i < 13; ++i) writer.end();
  expect_refused(parse_ttlv(writer.take()), Code::kCorrupt, "too deep");
}

TEST(Ttlv, TooManyItems) {
  TtlvWriter writer;
  writer.begin(0x420020);
  for (unsigned i = 0; i < 10; ++i) writer.integer(0x420004, 1);
  writer.end();
  const net::Buffer bytes = writer.take();
  EXPECT_TRUE(parse_ttlv(bytes, {.items = 11}).ok());
  expect_refused(parse_ttlv(bytes, {.items = 10}), Code::kCorrupt, "too many");
}

TEST(Ttlv, TooLarge) {
  TtlvWriter writer;
  writer.bytes(0x420020, Bytes(100, 0));
  expect_refused(parse_ttlv(writer.take(), {.size = 64}), Code::kCorrupt, "larger than 64");
}

TEST(TtlvMessage, SizeOfAMessage) {
  EXPECT_EQ(value_of(ttlv_message_size(bytes_of("42007B0100000020"), tag::kResponseMessage, 1024)), 40U);
}

TEST(TtlvMessage, LengthBomb) {
  for (const char* header : {"42007B01FFFFFFF8", "42007B0100000400", "42007B0100000021"}) {
    expect_refused(ttlv_message_size(bytes_of(header), tag::kResponseMessage, 1024), Code::kCorrupt, "bytes");
  }
}

TEST(TtlvMessage, AnotherProtocol) {
  for (const char* header : {"485454502F312E31", "4200780100000020", "42007B0200000020"}) {
    expect_refused(ttlv_message_size(bytes_of(header), tag::kResponseMessage, 1024), Code::kCorrupt, "isn't a KMIP");
  }
}

}  // namespace
}  // namespace cloister::kms::kmip
