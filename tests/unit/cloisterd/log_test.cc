#include "cloisterd/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/value_of.h"

namespace cloister::daemon {
namespace {

using testing::value_of;

// What a log writes to a pipe.
class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    CLOISTER_CHECK(::pipe2(pipe_, O_CLOEXEC) == 0);
    log = value_of(Log::start(pipe_[1], [] { return Time{1'800'000'000'000}; }));
  }
  ~LogTest() override {
    if (pipe_[0] >= 0) ::close(pipe_[0]);
  }

  std::vector<std::string> lines() {
    log.reset();
    ::close(pipe_[1]);
    std::string all;
    char room[4096];
    for (ssize_t count; (count = ::read(pipe_[0], room, sizeof room)) > 0;) {
      all.append(room, static_cast<std::size_t>(count));
    }
    std::vector<std::string> found;
    for (std::size_t begin = 0; begin < all.size();) {
      const std::size_t end = all.find('\n', begin);
      found.push_back(all.substr(begin, end - begin));
      begin = end + 1;
    }
    return found;
  }

  int pipe_[2] = {-1, -1};
  std::unique_ptr<Log> log;
};

TEST_F(LogTest, OneJsonObjectALine) {
  log->configure(LogLevel::kInfo, LogFormat::kJson, "keys-1");
  log->info("started", {{"version", "1"}, {"count", std::uint64_t{7}}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(
      all[0],
      R"({"time":"2027-01-15T08:00:00.000Z","level":"info","event":"started","server":"keys-1","version":"1","count":7})");
}

TEST_F(LogTest, ForPeople) {
  log->configure(LogLevel::kInfo, LogFormat::kText, "");
  log->warning("careful", {{"detail", "two words"}});
  EXPECT_EQ(lines().at(0), "2027-01-15T08:00:00.000Z warning careful detail=\"two words\"");
}

TEST_F(LogTest, BelowTheLevel) {
  log->configure(LogLevel::kError, LogFormat::kJson, "");
  log->warning("unseen");
  EXPECT_FALSE(log->wants(LogLevel::kInfo));
  EXPECT_TRUE(log->wants(LogLevel::kError));
  EXPECT_TRUE(lines().empty());
}

TEST_F(LogTest, LinesAreNotForged) {
  log->info("request", {{"caller", std::string("a\n{\"level\":\"info\"}\x1b[31m\xff")}});
  const auto all = lines();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].find('\x1b'), std::string::npos);
  EXPECT_TRUE(parse_json(all[0]).ok());
}

TEST_F(LogTest, EndlessTextIsCut) {
  log->info("request", {{"caller", std::string(100'000, 'x')}});
  EXPECT_LT(lines().at(0).size(), 3000U);
}

TEST_F(LogTest, NobodyReads) {
  ::signal(SIGPIPE, SIG_IGN);
  ::close(pipe_[0]);
  pipe_[0] = -1;
  for (int i = 0; i < 100; ++i) log->info("x");
  log.reset();  // ends, instead of waiting for ever
}

}  // namespace
}  // namespace cloister::daemon
