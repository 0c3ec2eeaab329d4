// Storage and the machine around it, on trees that are made here: what looks encrypted and isn't, and what can't be
// told.
#include "posture/collect/local/local_collectors.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/luks_bytes.h"
#include "support/temp_dir.h"

namespace cloister::posture {
namespace {

using testing::kLuksUuid;
using testing::luks2_header;
using testing::luks2_json;
using testing::TempDir;

constexpr Time kNow{1'795'000'000'000};

class Sink final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<Fact> facts;
};

// A machine with a root disk and whatever a test adds.
class LocalTest : public ::testing::Test {
 protected:
  LocalTest() {
    device("254:0", "vda");
    write("/proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n");
    write("/proc/sys/kernel/hostname", "node-1\n");
    write("/proc/sys/kernel/core_pattern", "core\n");
    write("/proc/swaps", "Filename Type Size Used Priority\n");
    folder("/srv/data");
  }

  void folder(const std::string& path) { std::filesystem::create_directories(at(path)); }
  void write(const std::string& path, std::string_view text) {
    std::filesystem::create_directories(at(path).parent_path());
    std::ofstream(at(path), std::ios::binary) << text;
  }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directories(at(path).parent_path());
    std::filesystem::create_symlink(target, at(path));
  }
  // As sysfs has one: the folder, and the links to it.
  void device(const std::string& number, const std::string& name) {
    write("/sys/devices/" + name + "/dev", number + "\n");
    link("/sys/dev/block/" + number, "../../devices/" + name);
    link("/sys/class/block/" + name, "../../devices/" + name);
  }
  void lies_on(const std::string& upper, const std::string& lower) {
    link("/sys/devices/" + upper + "/slaves/" + lower, "../../" + lower);
  }
  void crypt(const std::string& number, const std::string& name, const std::string& uuid, const std::string& lower) {
    device(number, name);
    write("/sys/devices/" + name + "/dm/uuid", uuid + "\n");
    write("/sys/devices/" + name + "/dm/name", "data\n");
    if (!lower.empty()) lies_on(name, lower);
  }
  // A volume of kLuksUuid on the partition vdb1, mounted at /srv.
  void luks_at_srv(const Bytes& header) {
    device("254:17", "vdb1");
    crypt("253:0", "dm-0", "CRYPT-LUKS2-0b1c2d3e4f5041628374859606172839-data", "vdb1");
    write("/dev/vdb1", as_text(header));
    mount_srv("253:0 / /srv rw - ext4 /dev/mapper/data rw");
  }
  void mount_srv(const std::string& rest) {
    write("/proc/self/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 " + rest + "\n");
  }

  LocalOptions options() const {
    LocalOptions out;
    out.root = directory_.path();
    out.ask_fscrypt = fscrypt_;
    return out;
  }

  std::vector<Fact> storage(const std::string& keys = "") {
    const auto estate = parse_estate(
        "version = 1\nid = \"a\"\n[[location]]\nname = \"data\"\naddress = \"file:/srv/data\"\nkind = \"model\"\n" +
            keys,
        "x.toml");
    CLOISTER_CHECK(estate.ok());
    Sink sink;
    LocalStorageCollector(options()).collect({.estate = &*estate, .now = kNow}, sink);
    return std::move(sink.facts);
  }
  Fact encryption(const std::string& keys = "") {
    for (Fact& fact : storage(keys)) {
      if (fact.kind == "storage.encryption") return fact;
    }
    CLOISTER_CHECK(false);
    return {};
  }

  std::vector<Fact> host() {
    const Estate estate;
    Sink sink;
    LocalHostCollector(options()).collect({.estate = &estate, .now = kNow}, sink);
    return std::move(sink.facts);
  }
  // "yes", … of the first fact about that; with two of them the worse.
  std::string protection(const std::string& what) {
    std::string found;
    for (const Fact& fact : host()) {
      if (fact.kind != "transient.persistence") continue;
      if (fact.not_assessed && fact.not_assessed->starts_with(what + ":")) return "not assessed";
      if (!fact.not_assessed && *fact.text("what") == what && found != "no") found = *fact.text("protected");
    }
    return found;
  }

  Path at(const std::string& path) const { return directory_.path() / Path(path).relative_path(); }

  TempDir directory_;
  AskFscrypt fscrypt_ = [](const Path&) { return std::nullopt; };
};

TEST_F(LocalTest, PlainDisk) {
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("encrypted"), "no");
  EXPECT_EQ(fact.subject, (Subject{SubjectKind::kLocation, "data"}));
  EXPECT_NE(fact.raw.find("vda"), std::string::npos);
}

TEST_F(LocalTest, LuksWithPassphraseAlone) {
  luks_at_srv(luks2_header(luks2_json()));
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("encrypted"), "yes");
  EXPECT_EQ(*fact.text("scheme"), "luks2");
  EXPECT_EQ(*fact.text("algorithm"), "aes-256-xts");
  EXPECT_EQ(fact.number("key_bits"), 256);
  EXPECT_EQ(*fact.text("integrity"), "none");
  EXPECT_EQ(*fact.text("key"), std::string("luks:") + kLuksUuid);
  EXPECT_EQ(*fact.text("key_manager"), "none");
  EXPECT_EQ(*fact.text("level"), "block");
}

TEST_F(LocalTest, LuksWhoseKeyTheEstateDeclares) {
  luks_at_srv(luks2_header(luks2_json()));
  const Fact fact = encryption("[[key]]\nname = \"luks:" + std::string(kLuksUuid) + "\"\nclass = \"kek\"\n");
  EXPECT_EQ(*fact.text("key_manager"), "operator");
}

TEST_F(LocalTest, LuksWithHalfTheKey) {
  luks_at_srv(luks2_header(luks2_json("aes-xts-plain64", 32)));
  EXPECT_EQ(*encryption().text("algorithm"), "aes-128-xts");
}

TEST_F(LocalTest, LuksOfTheNullCipherIsPlaintext) {
  luks_at_srv(luks2_header(luks2_json("cipher_null-ecb", 32)));
  EXPECT_EQ(*encryption().text("encrypted"), "no");
}

TEST_F(LocalTest, LuksThatIsBeingReencrypted) {
  luks_at_srv(luks2_header(luks2_json("aes-xts-plain64", 64, "{}", R"(["online-reencrypt"])")));
  EXPECT_EQ(*encryption().text("encrypted"), "unknown");
}

TEST_F(LocalTest, LuksHeaderThatCannotBeRead) {
  luks_at_srv(luks2_header(luks2_json()));
  std::filesystem::remove(at("/dev/vdb1"));
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("encrypted"), "yes") << "the kernel says so";
  EXPECT_EQ(*fact.text("algorithm"), "");
  EXPECT_EQ(*fact.text("key_manager"), "unknown");
}

TEST_F(LocalTest, LuksHeaderOfAnotherVolume) {
  luks_at_srv(luks2_header(luks2_json()));
  write("/sys/devices/dm-0/dm/uuid", "CRYPT-LUKS2-ffffffffffffffffffffffffffffffff-data");
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("key"), "luks:ffffffff-ffff-ffff-ffff-ffffffffffff");
  EXPECT_EQ(*fact.text("algorithm"), "") << "the header that was read isn't this volume's";
}

TEST_F(LocalTest, VerityIsNoEncryption) {
  device("254:17", "vdb1");
  crypt("253:0", "dm-0", "CRYPT-VERITY-0b1c2d3e4f5041628374859606172839-data", "vdb1");
  mount_srv("253:0 / /srv rw - ext4 /dev/mapper/data rw");
  EXPECT_EQ(*encryption().text("encrypted"), "no");
}

TEST_F(LocalTest, VolumeOverTwoDisksOfWhichOneIsPlain) {
  luks_at_srv(luks2_header(luks2_json()));
  device("253:9", "dm-9");
  write("/sys/devices/dm-9/dm/uuid", "LVM-abc");
  lies_on("dm-9", "dm-0");
  mount_srv("253:9 / /srv rw - ext4 /dev/mapper/lv rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "LVM on LUKS";
  lies_on("dm-9", "vda");
  EXPECT_EQ(*encryption().text("encrypted"), "no");
}

TEST_F(LocalTest, WhatIsMountedBelowALocationBelongsToIt) {
  luks_at_srv(luks2_header(luks2_json()));
  device("254:32", "vdc");
  folder("/srv/data/models");
  folder("/srv/database");
  const auto mount = [&](const std::string& rest) {
    write("/proc/self/mountinfo",
          "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n31 30 " + rest + "\n");
  };
  mount("254:32 / /srv/database rw - ext4 /dev/vdc rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "that lies beside it";
  mount("253:0 /x /srv/data/models rw - ext4 /dev/dm-0 rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes");
  mount("0:4 / /srv/data/models rw - proc proc rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "no file lies there";
  mount("254:32 / /srv/data/models rw - ext4 /dev/vdc rw");
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("encrypted"), "no");
  EXPECT_NE(fact.raw.find("vdc"), std::string::npos);
}

TEST_F(LocalTest, MountInAnotherLocationIsThatOnes) {
  luks_at_srv(luks2_header(luks2_json()));
  device("254:32", "vdc");
  folder("/srv/data/models");
  write("/proc/self/mountinfo",
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n"
        "31 30 254:32 / /srv/data/models rw - ext4 /dev/vdc rw\n");
  const auto also = [](const std::string& path) {
    return "[[location]]\nname = \"more\"\naddress = \"file:" + path + "\"\nkind = \"model\"\n";
  };
  EXPECT_EQ(*encryption(also("/srv/data/models")).text("encrypted"), "yes");
  EXPECT_EQ(*encryption(also("/srv")).text("encrypted"), "no") << "a location above takes nothing away";
}

TEST_F(LocalTest, MountBelowALocationThatCannotBeTold) {
  luks_at_srv(luks2_header(luks2_json()));
  folder("/srv/data/models");
  const std::string remote = "31 30 0:40 / /srv/data/models rw - nfs4 server:/x rw\n";
  const std::string root = "27 1 254:0 / / rw - ext4 /dev/vda rw\n";
  write("/proc/self/mountinfo", root + "30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n" + remote);
  const Fact fact = encryption();
  ASSERT_TRUE(fact.not_assessed.has_value());
  EXPECT_NE(fact.not_assessed->find("/srv/data/models"), std::string::npos);
  write("/proc/self/mountinfo", root + remote);
  EXPECT_EQ(*encryption().text("encrypted"), "no") << "the rest of it is in the clear";
}

TEST_F(LocalTest, LoopDeviceOverAFile) {
  luks_at_srv(luks2_header(luks2_json()));
  device("7:0", "loop0");
  write("/sys/devices/loop0/loop/backing_file", "/srv/disk.img\n");
  write("/srv/disk.img", "x");
  write("/proc/self/mountinfo",
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n"
        "31 30 7:0 / /srv/data rw - ext4 /dev/loop0 rw\n");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "the file lies on LUKS";
}

TEST_F(LocalTest, PartitionLiesOnWhatItsDiskLiesOn) {
  luks_at_srv(luks2_header(luks2_json()));
  const auto partition = [&](const std::string& number, const std::string& disk) {
    const std::string name = disk + "p1";
    write("/sys/devices/" + disk + "/" + name + "/dev", number + "\n");
    write("/sys/devices/" + disk + "/" + name + "/partition", "1\n");
    link("/sys/dev/block/" + number, "../../devices/" + disk + "/" + name);
  };
  const auto mount = [&](const std::string& rest) {
    write("/proc/self/mountinfo",
          "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n31 30 " + rest + "\n");
  };
  device("9:0", "md0");
  lies_on("md0", "dm-0");
  partition("259:0", "md0");
  mount("259:0 / /srv/data rw - ext4 /dev/md0p1 rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "RAID on LUKS";
  device("7:0", "loop0");
  write("/sys/devices/loop0/loop/backing_file", "/srv/disk.img\n");
  write("/srv/disk.img", "x");
  partition("259:1", "loop0");
  mount("259:1 / /srv/data rw - ext4 /dev/loop0p1 rw");
  EXPECT_EQ(*encryption().text("encrypted"), "yes") << "the file lies on LUKS";
  partition("259:2", "vda");
  mount("259:2 / /srv/data rw - ext4 /dev/vdap1 rw");
  EXPECT_EQ(*encryption().text("encrypted"), "no");
  std::filesystem::remove(at("/sys/devices/vda/dev"));
  EXPECT_TRUE(encryption().not_assessed.has_value()) << "nobody knows which disk that is";
}

TEST_F(LocalTest, LoopInACircle) {
  device("7:0", "loop0");
  write("/sys/devices/loop0/loop/backing_file", "/srv/data\n");
  mount_srv("7:0 / /srv rw - ext4 /dev/loop0 rw");
  EXPECT_NE(encryption().not_assessed->find("circle"), std::string::npos);
}

TEST_F(LocalTest, OverlayOnPlainAndOnEncryptedFolders) {
  luks_at_srv(luks2_header(luks2_json()));
  folder("/srv/up");
  folder("/srv/low");
  folder("/plain");
  const std::string base =
      "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 253:0 / /srv rw - ext4 /dev/dm-0 rw\n31 30 0:50 / /srv/data rw - "
      "overlay overlay rw,";
  write("/proc/self/mountinfo", base + "lowerdir=/srv/low,upperdir=/srv/up,workdir=/srv/w\n");
  EXPECT_EQ(*encryption().text("encrypted"), "yes");
  write("/proc/self/mountinfo", base + "lowerdir=/srv/low:/plain,upperdir=/srv/up,workdir=/srv/w\n");
  EXPECT_EQ(*encryption().text("encrypted"), "no");
  write("/proc/self/mountinfo", base + "lowerdir=/nowhere,upperdir=/srv/up\n");
  EXPECT_TRUE(encryption().not_assessed.has_value());
}

TEST_F(LocalTest, BtrfsOverTwoDevices) {
  luks_at_srv(luks2_header(luks2_json()));
  device("254:32", "vdc");
  link("/dev/mapper/data", "../dm-0");
  write("/dev/dm-0", "");
  mount_srv("0:33 /sub /srv rw - btrfs /dev/mapper/data rw");
  EXPECT_TRUE(encryption().not_assessed.has_value()) << "nobody knows what else it is on";
  folder("/sys/fs/btrfs/u1/devices/dm-0");
  EXPECT_EQ(*encryption().text("encrypted"), "yes");
  folder("/sys/fs/btrfs/u1/devices/vdc");
  EXPECT_EQ(*encryption().text("encrypted"), "no");
}

TEST_F(LocalTest, WhereOthersDecide) {
  for (const char* mount : {"0:40 / /srv rw - nfs4 server:/x rw,sec=krb5p", "0:40 / /srv rw - cifs //server/x rw,seal",
                            "0:40 / /srv rw - zfs tank/data rw", "0:40 / /srv rw - fuse.sshfs host:/x rw",
                            "9:9 / /srv rw - ext4 /dev/x rw"}) {
    mount_srv(mount);
    EXPECT_TRUE(encryption().not_assessed.has_value()) << mount;
  }
}

TEST_F(LocalTest, MemoryIsNotStorage) {
  mount_srv("0:40 / /srv rw - tmpfs tmpfs rw");
  EXPECT_NE(encryption().not_assessed->find("memory"), std::string::npos);
}

TEST_F(LocalTest, EncryptingFileSystems) {
  mount_srv("0:40 / /srv rw - fuse.gocryptfs /enc rw");
  EXPECT_EQ(*encryption().text("scheme"), "gocryptfs");
  EXPECT_EQ(encryption().number("key_bits"), 256);
  mount_srv("0:40 / /srv rw - ecryptfs /enc rw,ecryptfs_cipher=aes,ecryptfs_key_bytes=16");
  EXPECT_EQ(encryption().number("key_bits"), 128);
  mount_srv("0:40 / /srv rw - fuse.encfs encfs rw");
  EXPECT_EQ(*encryption().text("scheme"), "encfs");
  EXPECT_EQ(*encryption().text("key_manager"), "none");
}

TEST_F(LocalTest, Fscrypt) {
  fscrypt_ = [](const Path&) { return FscryptPolicy{2, 1, "00112233445566778899aabbccddeeff"}; };
  const Fact fact = encryption();
  EXPECT_EQ(*fact.text("scheme"), "fscrypt");
  EXPECT_EQ(*fact.text("algorithm"), "aes-256-xts");
  EXPECT_EQ(*fact.text("key_manager"), "unknown");
}

TEST_F(LocalTest, LocationThatIsNotThere) {
  std::filesystem::remove(at("/srv/data"));
  const std::vector<Fact> facts = storage();
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0].kind, "inventory.seen");
  EXPECT_EQ(facts[0].truth("present"), false);
  EXPECT_TRUE(facts[1].not_assessed.has_value());
}

TEST_F(LocalTest, LinkOutOfTheTree) {
  std::filesystem::remove(at("/srv/data"));
  link("/srv/data", "../../../..");
  EXPECT_TRUE(encryption().not_assessed.has_value());
}

TEST_F(LocalTest, MountinfoThatIsNone) {
  write("/proc/self/mountinfo", "rubbish\n");
  EXPECT_TRUE(encryption().not_assessed.has_value());
  EXPECT_EQ(protection("swap"), "not assessed");
}

TEST_F(LocalTest, NoSwap) {
  EXPECT_EQ(protection("swap"), "none");
  EXPECT_EQ(protection("hibernation"), "none");
}

TEST_F(LocalTest, SwapOnPlainAndOnEncryptedDevices) {
  luks_at_srv(luks2_header(luks2_json()));
  write("/dev/dm-0", "");
  write("/dev/vda", "");
  write("/proc/swaps", "Filename Type Size Used Priority\n/dev/dm-0 partition 1 0 -2\n");
  EXPECT_EQ(protection("swap"), "yes");
  write("/proc/swaps", "Filename Type Size Used Priority\n/dev/dm-0 partition 1 0 -2\n/dev/vda partition 1 0 -3\n");
  EXPECT_EQ(protection("swap"), "no");
}

TEST_F(LocalTest, SwapFileLiesWhereItsFileSystemLies) {
  write("/swapfile", "");
  write("/proc/swaps", "Filename Type Size Used Priority\n/swapfile file 1 0 -2\n");
  EXPECT_EQ(protection("swap"), "no");
}

TEST_F(LocalTest, CompressedMemoryUnlessItWritesBack) {
  device("252:0", "zram0");
  write("/dev/zram0", "");
  write("/proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 100\n");
  EXPECT_EQ(protection("swap"), "none");
  write("/sys/devices/zram0/backing_dev", "/dev/vda\n");
  write("/dev/vda", "");
  EXPECT_EQ(protection("swap"), "no");
}

TEST_F(LocalTest, Hibernation) {
  write("/sys/power/state", "freeze mem disk\n");
  EXPECT_EQ(protection("hibernation"), "none") << "there is nowhere to write to";
  write("/sys/power/resume", "254:0\n");
  EXPECT_EQ(protection("hibernation"), "no");
}

TEST_F(LocalTest, CoreDumps) {
  EXPECT_EQ(protection("core"), "unknown") << "wherever the program was";
  write("/proc/sys/kernel/core_pattern", "|/bin/false\n");
  EXPECT_EQ(protection("core"), "none");
  write("/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n");
  EXPECT_EQ(protection("core"), "no") << "/var/lib/systemd/coredump, on the root disk";
  write("/etc/systemd/coredump.conf", "[Coredump]\n#Storage=external\nStorage=none\n");
  EXPECT_EQ(protection("core"), "none");
  write("/etc/systemd/coredump.conf.d/50.conf", "[Coredump]\nStorage = external\n");
  EXPECT_EQ(protection("core"), "no") << "a drop-in comes after it";
  write("/proc/sys/kernel/core_pattern", "/cores/%e\n");
  EXPECT_EQ(protection("core"), "no");
  write("/proc/sys/kernel/core_pattern", "|/opt/collect\n");
  EXPECT_EQ(protection("core"), "unknown");
  std::filesystem::remove(at("/proc/sys/kernel/core_pattern"));
  EXPECT_EQ(protection("core"), "not assessed");
}

TEST_F(LocalTest, MountsThatHoldDataAreFound) {
  write("/proc/self/mountinfo",
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 254:1 / /boot rw - ext4 /dev/vda1 rw\n"
        "29 27 0:30 / /mnt/t rw - tmpfs tmpfs rw\n30 27 254:17 / /data rw - xfs /dev/vdb1 rw\n"
        "31 27 254:18 / /run/user/1 rw - ext4 /dev/x rw\n");
  std::vector<std::string> found;
  for (const Fact& fact : host()) {
    if (fact.kind == "inventory.seen") found.push_back(fact.subject.id);
  }
  EXPECT_EQ(found, std::vector<std::string>{"file:/data"});
}

}  // namespace
}  // namespace cloister::posture
