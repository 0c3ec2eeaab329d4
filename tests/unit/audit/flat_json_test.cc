#include "audit/flat_json.h"

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

void refused(std::string_view text, std::string_view part) {
  expect_refused(parse_flat_json(text, "extras"), Code::kCorrupt, part);
}

TEST(FlatJson, TextsNumbersAndOneObject) {
  const auto object = value_of(parse_flat_json(R"({"a":"x", "n": 18446744073709551615 ,"extras":{"a":0}})", "extras"));
  EXPECT_EQ(std::get<std::string>(object.members.at("a")), "x");
  EXPECT_EQ(std::get<std::uint64_t>(object.members.at("n")), ~std::uint64_t{0});
  ASSERT_TRUE(object.inner.has_value());
  EXPECT_EQ(std::get<std::uint64_t>(object.inner->at("a")), 0u);
  EXPECT_FALSE(object.members.contains("extras"));
  EXPECT_FALSE(value_of(parse_flat_json("{}", "extras")).inner.has_value());
}

TEST(FlatJson, Escapes) {
  const auto object = value_of(parse_flat_json(R"({"\u0061":"\"\\\/\n\u00e9\ud83d\ude00"})", "extras"));
  EXPECT_EQ(std::get<std::string>(object.members.at("a")), "\"\\/\n\u00e9\U0001f600");
}

TEST(FlatJson, NameTwice) {
  refused(R"({"a":1,"a":1})", "the name a twice");
  refused(R"({"a":1,"\u0061":2})", "the name a twice");
  refused(R"({"extras":{},"extras":{}})", "the name extras twice");
  refused(R"({"extras":{},"extras":1})", "the name extras twice");
  refused(R"({"extras":1,"extras":{}})", "the name extras twice");
  refused(R"({"extras":{"a":1,"a":2}})", "the name a twice");
}

TEST(FlatJson, OtherShapes) {
  refused(R"({"a":null})", "null");
  refused(R"({"a":true})", "true or false");
  refused(R"({"a":false})", "true or false");
  refused(R"({"a":[]})", "an array");
  refused(R"({"a":{}})", "an object where none belongs");
  refused(R"({"extras":{"extras":{}}})", "an object where none belongs");
  refused("[]", "isn't one JSON object");
  refused("1", "isn't one JSON object");
  refused("", "isn't one JSON object");
  refused("{", "isn't one JSON object");
  refused(" {}", "isn't one JSON object");
  refused("{} ", "isn't one JSON object");
  refused("{}{}", "isn't JSON");
  refused("{}}", "isn't JSON");
  refused("{{}", "isn't JSON");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"extras":)";
  refused(deep + "}", "an object where none belongs");
}

TEST(FlatJson, NumbersThatArentWholeAndPlain) {
  for (const std::string_view number : {"-1", "-0", "1.0", "1e2", "1E2", "18446744073709551616"}) {
    refused("{\"a\":" + std::string(number) + "}", "number");
  }
  for (const std::string_view number : {"01", "+1", "0x1", "NaN", "Infinity", "1_000", "00", "1e999"}) {
    refused("{\"a\":" + std::string(number) + "}", "isn't JSON");
  }
}

// What the library would let pass.
TEST(FlatJson, BytesAroundTheObject) {
  refused("\xef\xbb\xbf{}", "isn't one JSON object");
  refused(std::string("{}\0garbage}", 11), "plain UTF-8");
  refused("{\"a\":1,\t\"b\":2}", "plain UTF-8");
  refused("{\"a\":1,\n\"b\":2}", "plain UTF-8");
  refused("{\"a\":\"\x80\"}", "plain UTF-8");
  refused("{\"a\":\"\x7f\"}", "plain UTF-8");
  refused(R"({"a":"\ud800"})", "isn't JSON");
  refused(R"({"a":"\x41"})", "isn't JSON");
  refused(R"({"a":1,})", "isn't JSON");
  refused(R"({'a':1})", "isn't JSON");
  refused(R"({"a":1/**/})", "isn't JSON");
}

TEST(FlatJson, TooManyMembers) {
  std::string text = "{";
  for (int i = 0; i < 64; ++i) text += "\"" + std::to_string(i) + "\":1,";
  EXPECT_TRUE(parse_flat_json(text.substr(0, text.size() - 1) + "}", "extras").ok());
  refused(text + "\"x\":1}", "too many");
}

}  // namespace
}  // namespace cloister::audit
