#include "base/canonical_json.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister {
namespace {

using testing::expect_refused;
using testing::value_of;

std::string canonical(std::string_view text) { return value_of(canonical_json(value_of(parse_json(text)))); }

TEST(CanonicalJson, MembersAreSortedAtEveryDepth) {
  EXPECT_EQ(canonical(R"( { "b" : [ {"z":1,"y":true} , null ], "a" : "", "ab":false } )"),
            R"({"a":"","ab":false,"b":[{"y":true,"z":1},null]})");
  EXPECT_EQ(canonical("{}"), "{}");
  EXPECT_EQ(canonical("[]"), "[]");
}

// RFC 8785 3.2.3: code units, in which what is above U+FFFF stands before U+FB33.
TEST(CanonicalJson, NamesAreSortedAsUtf16) {
  EXPECT_EQ(
      canonical(R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})"),
      "{\"\\r\":2,\"1\":4,\"\xC2\x80\":6,\"\xC3\xB6\":7,\"\xE2\x82\xAC\":1,\"\xF0\x9F\x98\x80\":5,\"\xEF\xAC\xB3\":3}");
}

TEST(CanonicalJson, StringsAreEscapedAsEcmaScriptDoes) {
  EXPECT_EQ(canonical(R"("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\t\f\r\u000b\u007f")"),
            "\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\t\\f\\r\\u000b\x7F\"");
}

TEST(CanonicalJson, Numbers) {
  EXPECT_EQ(canonical("[0,-1,9007199254740991,-9007199254740991,1.0,1e3]"),
            "[0,-1,9007199254740991,-9007199254740991,1,1000]");
  expect_refused(canonical_json(value_of(parse_json("1.5"))), Code::kUnsupported, "integer");
  expect_refused(canonical_json(value_of(parse_json("[9007199254740992]"))), Code::kUnsupported, "integer");
  expect_refused(canonical_json(value_of(parse_json("{\"a\":-9223372036854775808}"))), Code::kUnsupported, "integer");
}

}  // namespace
}  // namespace cloister
