#include "worker/swap.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::worker {
namespace {

constexpr std::string_view kHead = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

struct Machine {
  testing::TempDir folder;
  SwapState with(std::string_view lines) {
    EXPECT_TRUE(
        write_file(folder / "swaps", as_bytes(std::string(kHead) + std::string(lines)), Overwrite::kReplace).ok());
    return testing::value_of(swap_state(folder / "swaps", folder / "block"));
  }
  void device(const std::string& name, std::string_view uuid) {
    EXPECT_TRUE(cloister::create_directories(folder.path() / "block" / name / "dm").ok());
    EXPECT_TRUE(write_file(folder.path() / "block" / name / "dm" / "uuid", as_bytes(uuid), Overwrite::kReplace).ok());
  }
};

TEST(Swap, None) {
  Machine machine;
  EXPECT_EQ(machine.with(""), SwapState::kNone);
  EXPECT_EQ(testing::value_of(swap_state(machine.folder / "no list", machine.folder.path())), SwapState::kNone);
}

TEST(Swap, OnADiskInTheClear) {
  Machine machine;
  EXPECT_EQ(machine.with("/dev/sda2 partition 1 0 -2\n"), SwapState::kPlain);
  EXPECT_EQ(machine.with("/swapfile file 1 0 -2\n"), SwapState::kPlain);
  // A name alone is nothing: it has to be the device.
  EXPECT_EQ(machine.with("/var/zram0 file 1 0 -2\n"), SwapState::kPlain);
}

TEST(Swap, InMemoryOrEncrypted) {
  Machine machine;
  machine.device("dm-0", "CRYPT-PLAIN-swap");
  EXPECT_EQ(machine.with("/dev/zram0 partition 1 0 100\n/dev/dm-0 partition 1 0 -2\n"), SwapState::kCovered);
}

TEST(Swap, InMemoryWithADiskBehindIt) {
  Machine machine;
  const std::string zram = "/dev/zram0 partition 1 0 100\n";
  machine.device("zram0", "");
  const Path backing = machine.folder.path() / "block" / "zram0" / "backing_dev";
  EXPECT_EQ(machine.with(zram), SwapState::kCovered);
  EXPECT_TRUE(write_file(backing, as_bytes("none\n"), Overwrite::kReplace).ok());
  EXPECT_EQ(machine.with(zram), SwapState::kCovered);
  EXPECT_TRUE(write_file(backing, as_bytes("/dev/sda3\n"), Overwrite::kReplace).ok());
  EXPECT_EQ(machine.with(zram), SwapState::kPlain);
}

TEST(Swap, OnADeviceThatOnlyVerifies) {
  Machine machine;
  for (const char* uuid : {"CRYPT-VERITY-1", "CRYPT-INTEGRITY-swap"}) {
    machine.device("dm-0", uuid);
    EXPECT_EQ(machine.with("/dev/dm-0 partition 1 0 -2\n"), SwapState::kPlain) << uuid;
  }
}

TEST(Swap, OneOfTwoInTheClear) {
  Machine machine;
  machine.device("dm-0", "CRYPT-LUKS2-1");
  machine.device("dm-1", "LVM-abc");
  EXPECT_EQ(machine.with("/dev/dm-0 partition 1 0 1\n/dev/dm-1 partition 1 0 2\n"), SwapState::kPlain);
  EXPECT_EQ(machine.with("/dev/dm-2 partition 1 0 1\n"), SwapState::kPlain);
}

}  // namespace
}  // namespace cloister::worker
