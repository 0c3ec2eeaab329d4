#include "attest/software/statement.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/simulated_software.h"

namespace cloister::attest {
namespace {

using testing::SimulatedSoftware;

TEST(Statement, ReadsWhatWasSigned) {
  const SimulatedSoftware worker;
  const auto read = parse_statement(sign_statement(worker.statement, worker.key));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->statement, worker.statement);
  EXPECT_EQ(read->key, worker.key.public_key());
  EXPECT_TRUE(verify_signature(*read).ok());
}

TEST(Statement, TruncatedOrLonger) {
  const SimulatedSoftware worker;
  Bytes bytes = sign_statement(worker.statement, worker.key);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_statement(ByteView(bytes).first(size)).ok()) << size;
  }
  bytes.push_back(0);
  testing::expect_refused(parse_statement(bytes), Code::kCorrupt, "statement");
}

TEST(Statement, MeasureTwice) {
  SimulatedSoftware worker;
  worker.statement.lockdown.push_back(worker.statement.lockdown.front());
  testing::expect_refused(parse_statement(sign_statement(worker.statement, worker.key)), Code::kCorrupt, "twice");
}

TEST(Statement, MeasureWithAStrangeName) {
  SimulatedSoftware worker;
  worker.statement.lockdown.front().name = "Core dumps";
  testing::expect_refused(parse_statement(sign_statement(worker.statement, worker.key)), Code::kCorrupt, "name");
}

TEST(Statement, AchievedUnknown) {
  SimulatedSoftware worker;
  worker.statement.lockdown.front().achieved = static_cast<Achieved>(4);
  testing::expect_refused(parse_statement(sign_statement(worker.statement, worker.key)), Code::kCorrupt, "unknown");
}

}  // namespace
}  // namespace cloister::attest
