#include "crypto/der.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::unhex;

TEST(Der, WritesLengthsInTheirShortestForm) {
  EXPECT_EQ(to_hex(der_header(der::kSequence, 0)), "3000");
  EXPECT_EQ(to_hex(der_header(der::kSequence, 127)), "307f");
  EXPECT_EQ(to_hex(der_header(der::kSequence, 128)), "308180");
  EXPECT_EQ(to_hex(der_header(der::kSequence, 255)), "3081ff");
  EXPECT_EQ(to_hex(der_header(der::kSequence, 256)), "30820100");
  EXPECT_EQ(to_hex(der_header(der::kSequence, 65536)), "3083010000");
  for (const std::size_t size : {0, 1, 127, 128, 255, 256, 65535, 65536}) {
    const Bytes element = der_element(der::kOctetString, {Bytes(size, 7)});
    EXPECT_TRUE(check_der(element, "it").ok()) << size;
    DerReader reader(element);
    EXPECT_EQ(reader.expect(der::kOctetString, "it").value().size(), size);
  }
}

TEST(Der, WritesIntegersAsPositive) {
  EXPECT_EQ(to_hex(der_positive_integer({})), "020100");
  EXPECT_EQ(to_hex(der_positive_integer(Bytes{0, 0})), "020100");
  EXPECT_EQ(to_hex(der_positive_integer(Bytes{0x7f})), "02017f");
  EXPECT_EQ(to_hex(der_positive_integer(Bytes{0x80})), "02020080");
  EXPECT_EQ(to_hex(der_positive_integer(Bytes{0, 0x01, 0x02})), "02020102");
  EXPECT_EQ(to_hex(der_small_integer(3)), "020103");
  EXPECT_EQ(to_hex(der_bit_string(Bytes{0x80}, 7)), "03020780");
}

TEST(Der, MalformedLengths) {
  for (const char* text : {"", "30", "3001", "308000", "3080", "30817f", "3081", "308200ff", "30820010", "3083000100",
                           "308401000000", "30ff", "1f0101", "3f8101", "30020201"}) {
    expect_refused(check_der(unhex(text), "it"), Code::kInvalid, "it");
  }
  EXPECT_TRUE(check_der(unhex("3000"), "it").ok());
}

TEST(Der, MalformedValues) {
  for (const char* text :
       {"0100", "010101", "01020000", "0200", "02020001", "0202ff80", "0300", "030108", "030101", "05", "050100",
        "0600", "060180", "1000", "2400", "2203020101", "0000", "30020000", "a0020201"}) {
    expect_refused(check_der(unhex(text), "it"), Code::kInvalid, "DER");
  }
  for (const char* text : {"010100", "0101ff", "020100", "0201ff", "02020080", "0202ff7f", "030100", "03020700", "0500",
                           "06012a", "8000", "8203020001", "a003020101", "040130"}) {
    EXPECT_TRUE(check_der(unhex(text), "it").ok()) << text;
  }
}

TEST(Der, BytesBehindTheEnd) { expect_refused(check_der(unhex("300000"), "it"), Code::kInvalid, "follow"); }

TEST(Der, NestedTooDeeply) {
  Bytes bytes;
  for (int depth = 0; depth < 16; ++depth) bytes = der_element(der::kSequence, {bytes});
  EXPECT_TRUE(check_der(bytes, "it").ok());
  bytes = der_element(der::kSequence, {bytes});
  expect_refused(check_der(bytes, "it"), Code::kInvalid, "deeply");
}

TEST(Der, ReaderTellsWhatItExpected) {
  const Bytes bytes = unhex("020101040102");
  DerReader reader(bytes);
  EXPECT_EQ(reader.peek(), der::kInteger);
  EXPECT_FALSE(reader.maybe(der::kOctetString, "a string").value());
  EXPECT_EQ(reader.maybe(der::kInteger, "a number").value()->front(), 1);
  expect_refused(reader.expect_end("it"), Code::kInvalid, "3 bytes follow the end of it");
  expect_refused(reader.expect(der::kInteger, "a number"), Code::kInvalid, "a number");
  DerReader other(bytes);
  ASSERT_TRUE(other.next("it").ok());
  EXPECT_EQ(to_hex(other.next("it").value().whole), "040102");
  EXPECT_TRUE(other.at_end());
  EXPECT_EQ(other.peek(), 0);
  expect_refused(other.next("the rest"), Code::kInvalid, "the rest");
}

}  // namespace
}  // namespace cloister::crypto
