#include "service/body_fields.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

net::Request with_body(std::string_view text) {
  net::Request request;
  request.body = net::to_buffer(text);
  return request;
}
net::Request with_target(std::string target) {
  net::Request request;
  request.target = std::move(target);
  return request;
}

TEST(BodyFields, TakenByName) {
  const auto fields = BodyFields::parse(with_body(R"({"a":"x","b":7,"c":null})"), {"a", "b", "c", "d"});
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->text("a").value(), "x");
  EXPECT_EQ(fields->number("b", 1, 7).value(), 7U);
  EXPECT_TRUE(fields->is_null("c"));
  EXPECT_FALSE(fields->is_null("a"));
  EXPECT_FALSE(fields->has("d"));
  EXPECT_EQ(fields->optional_text("d").value(), std::nullopt);
  EXPECT_EQ(fields->text("d").error().message(), "the body has no d");
  EXPECT_EQ(fields->text("b").error().message(), "the body's b is no text");
  EXPECT_EQ(fields->number("a", 0, 1).error().message(), "the body's a is a whole number from 0 to 1");
  EXPECT_FALSE(fields->number("b", 8, 9).ok());
  EXPECT_FALSE(fields->number("b", 1, 6).ok());
  EXPECT_FALSE(fields->number("d", 0, 9).ok());
  EXPECT_FALSE(fields->optional_text("b").ok());
}

TEST(BodyFields, NothingIsAnEmptyObject) { EXPECT_TRUE(BodyFields::parse(with_body(""), {}).ok()); }

TEST(BodyFields, Refusals) {
  EXPECT_EQ(BodyFields::parse(with_body(R"({"b":1})"), {"a"}).error().message(), "the body has an unknown field b");
  EXPECT_EQ(BodyFields::parse(with_body("{\"\xc3\xa9\":1}"), {"a"}).error().message(),
            "the body has an unknown field ??");
  std::string deep = std::string(20, '[') + std::string(20, ']');
  for (const std::string& text : std::vector<std::string>{"[]", "7", "{", R"({"a":1,"a":2})", R"({"a":)" + deep + "}",
                                                          "{} {}", "\xff", std::string(70'000, ' ') + "{}"}) {
    EXPECT_EQ(BodyFields::parse(with_body(text), {"a"}).error().code(), Code::kInvalid) << text.substr(0, 50);
  }
}

TEST(QueryFields, Numbers) {
  const auto fields = QueryFields::parse(with_target("/x?from=3&count=18446744073709551615"), {"from", "count"});
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(fields->number("from", 10).value(), 3U);
  EXPECT_EQ(fields->number("size", 10, 5).value(), 5U);
  EXPECT_EQ(fields->number("size", 10).error().message(), "the query has no size");
  EXPECT_EQ(fields->number("count", 10).error().message(), "the query's count is at most 10");
  EXPECT_TRUE(QueryFields::parse(with_target("/x"), {}).ok());
}

TEST(QueryFields, Refusals) {
  for (const char* target : {"/x?a", "/x?a=", "/x?a=x", "/x?a=-1", "/x?a=+1", "/x?a=1x", "/x?b=1", "/x?a=1&a=1",
                             "/x?=1", "/x?&a=1", "/x?a=%31", "/x?a=18446744073709551616", "/x?a=1=1"}) {
    EXPECT_FALSE(QueryFields::parse(with_target(target), {"a"}).ok()) << target;
  }
}

}  // namespace
}  // namespace cloister::service
