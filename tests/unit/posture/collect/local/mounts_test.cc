// mountinfo and swap areas: escapes, hidden mounts, and lines that are none.
#include "posture/collect/local/mounts.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

constexpr std::string_view kMounts =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,discard\n"
    "30 27 253:0 / /srv rw - ext4 /dev/mapper/data rw\n"
    "31 27 0:40 / /srv/a\\040b rw - nfs4 server:/x rw,sec=krb5p,proto=tcp\n"
    "32 27 253:1 / /srv rw - xfs /dev/mapper/other rw\n";

TEST(MountsTest, PathsLieOnTheNearestAndTheLatest) {
  const auto mounts = parse_mountinfo(kMounts);
  ASSERT_TRUE(mounts.ok()) << mounts.error().message();
  ASSERT_EQ(mounts->size(), 5U);
  EXPECT_EQ(mount_of(*mounts, "/etc/x")->device, "254:0");
  EXPECT_EQ(mount_of(*mounts, "/srv/models")->device, "253:1") << "the later mount hides the earlier";
  EXPECT_EQ(mount_of(*mounts, "/srvx")->device, "254:0");
  EXPECT_EQ(mount_of(*mounts, "/srv/a b/c")->type, "nfs4");
  EXPECT_EQ(mount_of(*mounts, "/srv/a b")->option("sec"), "krb5p");
  EXPECT_EQ(mount_of(*mounts, "/srv/a b")->option("pro"), "");
  EXPECT_EQ(mount_of({}, "/"), nullptr);
}

TEST(MountsTest, LinesThatAreNone) {
  for (const char* text : {"x\n", "22 27 0:21 / /proc rw - proc\n", "22 27 zero / /p rw - proc proc rw\n",
                           "22 27 0: / /p rw - proc proc rw\n", "22 27 0:1 / p rw - proc proc rw\n",
                           "22 27 0:21 / /proc rw proc proc rw\n"}) {
    EXPECT_FALSE(parse_mountinfo(text).ok()) << text;
  }
  EXPECT_TRUE(parse_mountinfo("")->empty());
}

TEST(MountsTest, Swaps) {
  const auto areas = parse_swaps(
      "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/dm-1  partition\t100\t0\t-2\n/a\\040b  file 5 0 -3\n");
  ASSERT_TRUE(areas.ok()) << areas.error().message();
  ASSERT_EQ(areas->size(), 2U);
  EXPECT_EQ((*areas)[1].path, "/a b");
  EXPECT_TRUE((*areas)[1].is_file);
  EXPECT_TRUE(parse_swaps("Filename Type Size Used Priority\n")->empty());
  for (const char* text : {"", "x\n", "Filename\n/dev/x\n", "Filename\n/dev/x other 1 2 3\n"}) {
    EXPECT_FALSE(parse_swaps(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cloister::posture
