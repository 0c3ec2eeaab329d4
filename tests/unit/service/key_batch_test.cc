#include "service/key_batch.h"

#include <gtest/gtest.h>

#include "tests/support/value_of.h"

namespace cloister::service {
namespace {

// Keeps the bytes that a batch is a view of.
struct Body {
  explicit Body(std::string_view text) : bytes(to_bytes(as_bytes(text))) {}
  Result<KeyBatch> parse(KeyVerb verb) { return parse_key_batch(bytes, verb); }
  Bytes bytes;
};

std::string refusal(std::string_view text, KeyVerb verb) {
  Body body(text);
  const auto batch = body.parse(verb);
  EXPECT_FALSE(batch.ok()) << text;
  if (batch.ok()) return "";
  EXPECT_EQ(batch.error().code(), Code::kInvalid);
  return batch.error().message();
}

TEST(KeyBatch, InAnyOrderAndWithSpace) {
  Body body(" {\n\t\"keys\" : [ {\"wrapped\":\"d3I=\", \"version\" : 7 ,\"object\":\"bw==\"} ] }\r\n");
  const KeyBatch batch = testing::value_of(body.parse(KeyVerb::kUnwrap));
  ASSERT_EQ(batch.items.size(), 1U);
  EXPECT_EQ(batch.items[0].object, "bw==");
  EXPECT_EQ(batch.items[0].wrapped, "d3I=");
  EXPECT_EQ(batch.items[0].version, 7U);
  EXPECT_FALSE(batch.counted);
}

TEST(KeyBatch, EscapesAreResolvedInPlace) {
  Body body(R"({"\u006beys":[{"object":"a\/b\u003d","commitment":"\"\\\b\f\n\r\t"}]})");
  const KeyBatch batch = testing::value_of(body.parse(KeyVerb::kGenerate));
  EXPECT_EQ(batch.items[0].object, "a/b=");
  EXPECT_EQ(batch.items[0].commitment, "\"\\\b\f\n\r\t");
}

TEST(KeyBatch, Count) {
  Body body(R"({"count":3})");
  const KeyBatch batch = testing::value_of(body.parse(KeyVerb::kGenerate));
  EXPECT_EQ(batch.items.size(), 3U);
  EXPECT_TRUE(batch.counted);
  EXPECT_EQ(refusal(R"({"count":3})", KeyVerb::kWrap), "the body has an unknown field count");
  EXPECT_EQ(refusal(R"({"count":3,"keys":[{"object":"bw=="}]})", KeyVerb::kGenerate),
            "the body has both keys and count: one of them is needed");
  EXPECT_EQ(refusal(R"({"count":0})", KeyVerb::kGenerate), "the body asks for no key");
  EXPECT_EQ(refusal(R"({"count":10001})", KeyVerb::kGenerate), "one request is for at most 10000 keys");
}

TEST(KeyBatch, MissingAndUnknownFields) {
  EXPECT_EQ(refusal("{}", KeyVerb::kUnwrap), "the body has no keys");
  EXPECT_EQ(refusal("{}", KeyVerb::kGenerate), "the body has neither keys nor count");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o","version":1}]})", KeyVerb::kUnwrap), "keys[0] has no wrapped");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o"},{"commitment":"c"}]})", KeyVerb::kGenerate), "keys[1] has no object");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o","key":"k","wrapped":"w"}]})", KeyVerb::kWrap),
            "keys[0] has an unknown field wrapped");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o","colour":1}]})", KeyVerb::kGenerate),
            "keys[0] has an unknown field colour");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o"}],"more":{}})", KeyVerb::kGenerate),
            "the body has an unknown field more");
}

TEST(KeyBatch, FieldsTwice) {
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o","object":"o"}]})", KeyVerb::kGenerate), "keys[0] has field object twice");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o","\u006fbject":"o"}]})", KeyVerb::kGenerate),
            "keys[0] has field object twice");
  EXPECT_EQ(refusal(R"({"keys":[{"object":"o"}],"keys":[{"object":"o"}]})", KeyVerb::kGenerate),
            "the body has field keys twice");
  EXPECT_EQ(refusal(R"({"count":1,"count":1})", KeyVerb::kGenerate), "the body has field count twice");
}

TEST(KeyBatch, TooManyKeys) {
  std::string text = R"({"keys":[)";
  for (int i = 0; i < 10'001; ++i) text += std::string(i == 0 ? "" : ",") + R"({"object":"o"})";
  EXPECT_EQ(refusal(text + "]}", KeyVerb::kGenerate), "one request is for at most 10000 keys");
}

TEST(KeyBatch, VersionsThatCanNotBe) {
  Body body(R"({"keys":[{"object":"o","wrapped":"w","version":4294967296},{"object":"o","wrapped":"w","version":0}]})");
  const KeyBatch batch = testing::value_of(body.parse(KeyVerb::kUnwrap));
  EXPECT_EQ(batch.items[0].version, 0U);
  EXPECT_EQ(batch.items[1].version, 0U);
  for (const char* number : {"-1", "1.0", "1e3", "01", "\"1\"", "null", "18446744073709551616", ""}) {
    refusal(R"({"keys":[{"object":"o","wrapped":"w","version":)" + std::string(number) + "}]}", KeyVerb::kUnwrap);
  }
}

TEST(KeyBatch, NotJson) {
  for (const std::string_view text : {"",
                                      " ",
                                      "x",
                                      "[",
                                      "[]",
                                      "{",
                                      "{\"keys\"",
                                      "{\"keys\":",
                                      "{\"keys\":[",
                                      "{\"keys\":[{",
                                      "{\"keys\":[{\"object\"",
                                      "{\"keys\":[{\"object\":\"o",
                                      "{\"keys\":[{\"object\":\"o\"",
                                      "{\"keys\":[{\"object\":\"o\"}",
                                      "{\"keys\":[{\"object\":\"o\"}]",
                                      "{\"keys\":[{\"object\":\"o\"},]}",
                                      "{\"keys\":[{\"object\":\"o\",}]}",
                                      "{\"keys\":[{\"object\":\"o\"}]}}",
                                      "{\"keys\":[{\"object\":\"o\"}]} x",
                                      "{,\"keys\":[]}",
                                      "{\"keys\":[]}",
                                      "{'keys':[]}",
                                      "{\"keys\":[{\"object\":\"\\x\"}]}",
                                      "{\"keys\":[{\"object\":\"\\u12\"}]}",
                                      "{\"keys\":[{\"object\":\"\\u00e9\"}]}",
                                      "{\"keys\":[{\"object\":\"\xc3\xa9\"}]}",
                                      "{\"keys\":[{\"object\":\"a\nb\"}]}",
                                      "{\"keys\":[{\"object\":null}]}",
                                      "{\"keys\":[7]}",
                                      "{\"keys\":{}}",
                                      "{\"keys\":[{\"object\":\"\\"}) {
    refusal(text, KeyVerb::kGenerate);
  }
  refusal(std::string_view("{\"count\":1}\0", 12), KeyVerb::kGenerate);
}

}  // namespace
}  // namespace cloister::service
