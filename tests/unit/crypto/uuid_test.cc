// UUIDs by name, held against the example of RFC 9562.
#include "crypto/uuid.h"

#include <gtest/gtest.h>

namespace cloister::crypto {
namespace {

constexpr Uuid kDns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};

TEST(UuidTest, ExampleOfTheRfc) {
  EXPECT_EQ(uuid_text(name_uuid(kDns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

TEST(UuidTest, OtherNameOrNamespaceIsAnother) {
  const Uuid one = name_uuid(kDns, "a");
  EXPECT_NE(one, name_uuid(kDns, "b"));
  EXPECT_NE(one, name_uuid(one, "a"));
  EXPECT_EQ(one[6] >> 4, 5) << "the version";
  EXPECT_EQ(one[8] >> 6, 2) << "the variant";
}

}  // namespace
}  // namespace cloister::crypto
