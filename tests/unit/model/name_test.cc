#include "model/name.h"

#include <gtest/gtest.h>

#include "model/statement.h"
#include "tests/support/expect.h"

namespace cloister::model {
namespace {

TEST(ModelName, LeadsOut) {
  for (const std::string_view name : {"", ".", "..", "/etc/passwd", "../x", "a/../b", "a/./b", "./a", "a//b", "a/",
                                      "a\\b", "..\\x", "a\nb", "\xff"}) {
    EXPECT_FALSE(is_safe_name(name)) << name;
  }
  EXPECT_FALSE(is_safe_name(std::string("a\0b", 3)));
  EXPECT_FALSE(is_safe_name(std::string(kNameSizeMax + 1, 'a')));
  for (const std::string_view name : {"a", "a/b", "...", ".a", "a..b", "weights:0:8", "gewichte-\u00fc"}) {
    EXPECT_TRUE(is_safe_name(name)) << name;
  }
}

TEST(ModelName, WildcardIgnored) {
  for (const std::string_view path : {"*", "a?", "[ab]", "../x", "/x", ""}) EXPECT_FALSE(is_ignorable(path)) << path;
  EXPECT_TRUE(is_ignorable("a/b.c"));
}

TEST(ModelName, IgnoredNeighbour) {
  EXPECT_TRUE(is_below("a", "a"));
  EXPECT_TRUE(is_below("a/b", "a"));
  EXPECT_FALSE(is_below("ab", "a"));
  EXPECT_FALSE(is_below("b/a", "a"));
}

TEST(ModelName, ColonsBeforeTheRange) {
  const auto shard = parse_shard_name("w:1:2:0:8");
  ASSERT_TRUE(shard.ok());
  EXPECT_EQ(shard->path, "w:1:2");
  EXPECT_EQ(shard->start, 0U);
  EXPECT_EQ(shard->end, 8U);
}

TEST(ModelName, MalformedRange) {
  for (const std::string_view name : {"w", "w:8", "w:", "w::", "w:0:", "w::8", "w:-1:8", "w:+1:8", "w:00:8", "w:0:08",
                                      "w:8:8", "w:9:8", "w:0x1:8", "w: 0:8", "w:0:18446744073709551616", ":8"}) {
    testing::expect_refused(parse_shard_name(name), Code::kCorrupt, "range");
  }
}

}  // namespace
}  // namespace cloister::model
