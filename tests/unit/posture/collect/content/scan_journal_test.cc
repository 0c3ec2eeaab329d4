#include "posture/collect/content/scan_journal.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture::content {
namespace {

using testing::expect_refused;
using testing::value_of;

std::string batch_of(std::string folder, std::vector<std::string> names) {
  return batch_name({nullptr, std::move(folder), std::move(names)});
}

LocationTally tally_of(int files) {
  LocationTally tally;
  tally.verdicts[static_cast<std::size_t>(Verdict::kPlaintext)] = static_cast<std::uint64_t>(files);
  tally.bytes = 77;
  tally.objects.push_back({"a\xFF\n", Verdict::kPlaintext, "csv", "because", 12, "ab"});
  tally.raw_keys = 1;
  tally.raw_key_places = {"a\xFF: pem-private-key at 0"};
  tally.seal.objects = 2;
  tally.seal.tenants = {"acme"};
  tally.seal.wraps = {{"00", "11"}};
  return tally;
}

const Time kNow{1'795'526'589'000};

TEST(ScanJournal, WhatWasSeenIsHandedOutOnce) {
  testing::TempDir folder;
  const std::string first = batch_of("d", {"a", "b"}), second = batch_of("d", {"c"});
  {
    const auto journal = value_of(ScanJournal::open(folder / "j", "scan", kNow));
    EXPECT_FALSE(journal->take(first).has_value());
    ASSERT_TRUE(journal->add(first, tally_of(2)).ok());
  }
  const auto journal = value_of(ScanJournal::open(folder / "j", "scan", kNow + minutes(5)));
  EXPECT_FALSE(journal->take(second).has_value());
  const auto tally = journal->take(first);
  ASSERT_TRUE(tally.has_value());
  EXPECT_EQ(tally->count(Verdict::kPlaintext), 2U);
  EXPECT_EQ(tally->objects.front().name, "a\xFF\n");
  EXPECT_EQ(tally->raw_key_places.front(), "a\xFF: pem-private-key at 0");
  EXPECT_EQ(tally->seal.wraps.at("00"), "11");
  EXPECT_FALSE(journal->take(first).has_value());
  EXPECT_EQ(journal->resumed(), 1U);
}

TEST(ScanJournal, AnotherScanAnOldOneAndAFutureOneStartAnew) {
  testing::TempDir folder;
  const std::string batch = batch_of("", {"a"});
  const auto begun_then = [&](const std::string& what, Time then) {
    ASSERT_TRUE(value_of(ScanJournal::open(folder / "j", "scan", kNow))->add(batch, tally_of(1)).ok());
    EXPECT_FALSE(value_of(ScanJournal::open(folder / "j", what, then))->take(batch).has_value());
    std::filesystem::remove(folder / "j");
  };
  begun_then("another", kNow);
  begun_then("scan", kNow + days(2));
  begun_then("scan", kNow + minutes(-5));
}

TEST(ScanJournal, ATornLineIsCutOff) {
  testing::TempDir folder;
  const std::string first = batch_of("", {"a"}), second = batch_of("", {"b"});
  ASSERT_TRUE(value_of(ScanJournal::open(folder / "j", "scan", kNow))->add(first, tally_of(1)).ok());
  std::ofstream(folder / "j", std::ios::app) << R"({"batch":"torn)";
  {
    const auto journal = value_of(ScanJournal::open(folder / "j", "scan", kNow));
    ASSERT_TRUE(journal->add(second, tally_of(1)).ok());
  }
  const auto journal = value_of(ScanJournal::open(folder / "j", "scan", kNow));
  EXPECT_TRUE(journal->take(first).has_value());
  EXPECT_TRUE(journal->take(second).has_value());
}

TEST(ScanJournal, OneThatOthersMayWriteOrThatIsALinkIsRefused) {
  testing::TempDir folder;
  std::ofstream(folder / "j") << "";
  std::filesystem::permissions(folder / "j", std::filesystem::perms::all);
  EXPECT_FALSE(ScanJournal::open(folder / "j", "scan", kNow).ok());
  std::filesystem::create_symlink(folder / "elsewhere", folder / "link");
  EXPECT_FALSE(ScanJournal::open(folder / "link", "scan", kNow).ok());
}

TEST(ScanJournal, MalformedLines) {
  const std::string good = tally_json("name", tally_of(1));
  EXPECT_TRUE(parse_journal_line(good).ok());
  for (const std::string_view part :
       {"\"verdicts\"", "\"objects\"", "\"seal\"", "\"wraps\"", "\"bytes\"", "\"special\""}) {
    std::string bad = good;
    bad.replace(bad.find(part) + 1, 2, "zz");
    expect_refused(parse_journal_line(bad), Code::kInvalid, "malformed");
  }
}

TEST(ScanJournal, BatchesAreNamedByFolderAndNames) {
  EXPECT_NE(batch_of("a", {"b"}), batch_of("", {"a", "b"}));
  EXPECT_NE(batch_of("", {"a", "b"}), batch_of("", {"ab"}));
  EXPECT_EQ(batch_of("a", {"b"}), batch_of("a", {"b"}));
}

TEST(ScanJournal, AFileThatChangedIsAnotherBatch) {
  testing::TempDir folder;
  const auto directory = std::make_shared<const File>(value_of(File::open_directory(folder.path())));
  const auto name = [&] { return batch_name({directory, "", {"a"}}); };
  const std::string none = name();
  std::ofstream(folder / "a") << "one";
  const std::string first = name();
  EXPECT_NE(first, none);
  EXPECT_EQ(first, name());
  std::ofstream(folder / "a", std::ios::app) << "more";
  EXPECT_NE(name(), first);
}

}  // namespace
}  // namespace cloister::posture::content
