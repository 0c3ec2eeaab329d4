#include "base/json.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister {
namespace {

using testing::expect_refused;
using testing::value_of;

TEST(Json, ReadsEveryType) {
  const JsonValue value = value_of(
      parse_json(R"( {"a": [1, -2, 2.5, true, null, "x\u00e9\n"], "b": {"c": 18446744073709551615}, "d": {}} )"));
  const JsonValue::Array& items = *value.find("a")->array();
  ASSERT_EQ(items.size(), 6U);
  EXPECT_EQ(items[0].unsigned_integer(), 1U);
  EXPECT_EQ(items[0].number(), 1.0);
  EXPECT_FALSE(items[1].unsigned_integer());
  EXPECT_EQ(items[1].number(), -2.0);
  EXPECT_FALSE(items[2].unsigned_integer());
  EXPECT_EQ(items[2].number(), 2.5);
  EXPECT_EQ(items[3].boolean(), true);
  EXPECT_FALSE(items[3].number());
  EXPECT_TRUE(items[4].is_null());
  EXPECT_EQ(*items[5].string(), "x\xc3\xa9\n");
  EXPECT_EQ(value.find("b")->find("c")->unsigned_integer(), 18446744073709551615U);
  EXPECT_TRUE(value.find("d")->object()->empty());
  EXPECT_EQ(value.find("e"), nullptr);
  EXPECT_EQ(items[0].find("a"), nullptr);
}

TEST(Json, WritesWhatItReads) {
  for (const std::string_view text :
       {R"({"a":[1,-2,true,false,null,"x\u0001\\\""],"b":{},"c":[]})", "[]", "\"\"", "0", "{\"\":\"\"}", "2.5e+00"}) {
    const JsonValue value = value_of(parse_json(text));
    EXPECT_EQ(value.serialize(), text);
    EXPECT_EQ(value_of(parse_json(value.serialize())), value);
  }
}

TEST(Json, SameNameTwice) {
  expect_refused(parse_json(R"({"a":1,"b":2,"a":3})"), Code::kInvalid, "same name twice");
  expect_refused(parse_json(R"([{"a":1,"\u0061":3}])"), Code::kInvalid, "same name twice");
  EXPECT_TRUE(parse_json(R"([{"a":1},{"a":3}])").ok());
}

TEST(Json, NestedTooDeeply) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(16)).ok());
  expect_refused(parse_json(nested(17)), Code::kInvalid, "deeply");
  expect_refused(parse_json(std::string(500'000, '[')), Code::kInvalid, "deeply");
}

TEST(Json, TooLargeOrTooMany) {
  const JsonLimits limits{20, 4, 3};
  EXPECT_TRUE(parse_json("[1,2]", limits).ok());
  expect_refused(parse_json("[1,2,3]", limits), Code::kInvalid, "too many values");
  expect_refused(parse_json("[\"aaaaaaaaaaaaaaaaaaaaaaaa\"]", limits), Code::kInvalid, "20");
}

TEST(Json, NotJson) {
  for (const std::string_view text :
       {"",      " ",   "{",          "[1,]", "{\"a\"}", "{a:1}",  "01",          "+1",       "nan",
        "'a'",   "\"a", "1 2",        "{} x", "// c\n1", "\"\t\"", "\"\\ud800\"", "\"\xff\"", "\"\xc0\x80\"",
        "1e999", "[1",  "{\"a\":1,}", "tru",  "\xff\xfe"}) {
    expect_refused(parse_json(text), Code::kInvalid, "not JSON");
  }
  for (const std::string_view text : {std::string_view("1\0", 2), std::string_view("1\0}", 3),
                                      std::string_view("\0"
                                                       "1",
                                                       2)}) {
    expect_refused(parse_json(text), Code::kInvalid, "not JSON");
  }
  expect_refused(parse_json("\xEF\xBB\xBF{}"), Code::kInvalid, "not JSON");
}

}  // namespace
}  // namespace cloister
