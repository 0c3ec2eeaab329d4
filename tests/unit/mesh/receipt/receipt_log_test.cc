// A log of receipts: what is missing from it is seen.
#include "mesh/receipt/receipt_log.h"

#include <algorithm>

#include "tests/support/temp_dir.h"
#include "tests/unit/mesh/receipt/fixture.h"

namespace cloister::mesh {
namespace {

class ReceiptLogTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_of_a_log(int receipts) {
    auto log = value_of(ReceiptLog::create(folder_.path() / "log", random_));
    for (int i = 0; i < receipts; ++i) {
      log->record(ends_.facts(ReceiptRole::kClient, static_cast<std::uint8_t>(i)), ends_.client);
    }
    EXPECT_TRUE(log->close().ok());
    EXPECT_EQ(log->counts().written, static_cast<std::uint64_t>(receipts));
    std::string text(as_text(value_of(read_file(log->path(), 1 << 20))));
    std::vector<std::string> lines;
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      lines.push_back(text.substr(0, end + 1));
    }
    return lines;
  }

  testing::TempDir folder_;
  testing::DeterministicRandom random_{5};
  Ends ends_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

TEST_F(ReceiptLogTest, Whole) {
  const ReadReceipts read = parse_receipts(joined(lines_of_a_log(3)));
  ASSERT_EQ(read.receipts.size(), 3u);
  EXPECT_EQ(read.receipts[2].place.sequence, 2u);
  EXPECT_EQ(read.receipts[2].place.previous, read.receipts[1].digest());
  EXPECT_EQ(read.missing, 0u);
  EXPECT_FALSE(read.cut_short);
  EXPECT_TRUE(read.bad.empty());
}

TEST_F(ReceiptLogTest, OneTakenOut) {
  auto lines = lines_of_a_log(3);
  lines.erase(lines.begin() + 1);
  const ReadReceipts read = parse_receipts(joined(lines));
  EXPECT_EQ(read.receipts.size(), 1u);
  ASSERT_EQ(read.bad.size(), 1u);
  EXPECT_EQ(read.bad[0], "line 2: the one before it isn't the one that it names");
}

TEST_F(ReceiptLogTest, TheFirstTakenOut) {
  auto lines = lines_of_a_log(2);
  lines.erase(lines.begin());
  const ReadReceipts read = parse_receipts(joined(lines));
  EXPECT_TRUE(read.receipts.empty());
  EXPECT_EQ(read.bad.size(), 1u);
}

TEST_F(ReceiptLogTest, TwoSwapped) {
  auto lines = lines_of_a_log(3);
  std::swap(lines[1], lines[2]);
  const ReadReceipts read = parse_receipts(joined(lines));
  EXPECT_EQ(read.receipts.size(), 2u);
  EXPECT_EQ(read.bad.size(), 1u);
}

TEST_F(ReceiptLogTest, OfAnotherLog) {
  auto lines = lines_of_a_log(1);
  auto others = lines_of_a_log(2);
  lines.push_back(others[0]);
  const ReadReceipts read = parse_receipts(joined(lines));
  ASSERT_EQ(read.bad.size(), 1u);
  EXPECT_EQ(read.bad[0], "line 2: of another log");
}

TEST_F(ReceiptLogTest, CutInTheMiddleOfALine) {
  const std::string text = joined(lines_of_a_log(2));
  const ReadReceipts read = parse_receipts(text.substr(0, text.size() - 10));
  EXPECT_EQ(read.receipts.size(), 1u);
  EXPECT_TRUE(read.cut_short);
}

TEST_F(ReceiptLogTest, AKeyThatCannotSignLeavesAGap) {
  const Ends others(crypto::KeyType::kEd25519);
  auto log = value_of(ReceiptLog::create(folder_.path(), random_));
  log->record(ends_.facts(ReceiptRole::kClient, 1), ends_.client);
  log->record(others.facts(ReceiptRole::kClient, 2), others.client);
  log->record(ends_.facts(ReceiptRole::kClient, 3), ends_.client);
  expect_refused(log->close(), Code::kUnsupported, "P-256");
  EXPECT_EQ(log->counts().written, 2u);
  EXPECT_EQ(log->counts().lost, 1u);
  const ReadReceipts read = value_of(read_receipts(log->path()));
  EXPECT_EQ(read.receipts.size(), 2u);
  EXPECT_EQ(read.missing, 1u);
  EXPECT_TRUE(read.bad.empty());
}

TEST_F(ReceiptLogTest, AfterTheEndIsLost) {
  auto log = value_of(ReceiptLog::create(folder_.path(), random_));
  EXPECT_TRUE(log->close().ok());
  log->record(ends_.facts(ReceiptRole::kClient), ends_.client);
  EXPECT_EQ(log->counts().lost, 1u);
}

}  // namespace
}  // namespace cloister::mesh
