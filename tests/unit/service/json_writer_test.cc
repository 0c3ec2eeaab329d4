#include "service/json_writer.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cloister::service {
namespace {

TEST(JsonWriter, WritesWhatAReaderReads) {
  net::Buffer out;
  JsonWriter json(out);
  json.begin_object().member("text", "a\"b\\c\n\x01é").member("number", ~std::uint64_t{0}).member("yes", true);
  json.name("none").null().name("list").begin_array().value(std::uint64_t{0}).value("").value(false);
  json.begin_array().end_array().begin_object().end_object().json("{\"x\":1}").end_array();
  json.name("bytes").bytes(as_bytes("key")).member("no", false).end_object();
  EXPECT_EQ(as_text(out),
            "{\"text\":\"a\\\"b\\\\c\\u000a\\u0001é\",\"number\":18446744073709551615,\"yes\":true,\"none\":null,"
            "\"list\":[0,\"\",false,[],{},{\"x\":1}],\"bytes\":\"a2V5\",\"no\":false}");
  const auto read = parse_json(as_text(out));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(*read->find("text")->string(), "a\"b\\c\n\x01é");
}

}  // namespace
}  // namespace cloister::service
