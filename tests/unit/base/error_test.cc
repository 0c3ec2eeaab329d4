#include "base/error.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <string>

namespace cloister {
namespace {

TEST(ExitStatuses, OneForEachCode) {
  const Code codes[] = {Code::kInvalid, Code::kCorrupt,     Code::kDenied,      Code::kNotFound, Code::kExists,
                        Code::kExpired, Code::kUnsupported, Code::kUnavailable, Code::kInternal};
  std::map<int, std::string_view> table;
  for (const ExitStatus& row : exit_statuses()) {
    EXPECT_TRUE(table.emplace(row.status, row.name).second) << row.status;
    EXPECT_FALSE(row.meaning.empty());
  }
  EXPECT_EQ(table.size(), std::size(codes) + 2);
  EXPECT_EQ(table[0], "done");
  EXPECT_EQ(table[kIncompleteStatus], "incomplete");
  EXPECT_FALSE(table.contains(1));  // what a program that crashed or was never started ends with
  for (const Code code : codes) EXPECT_EQ(table[exit_status(code)], code_name(code));
}

// Rows "| 3 | `corrupt` | ... |" of the one table in docs/cli.md; 0 has no code.
TEST(ExitStatuses, AsTheManualHasThem) {
  std::ifstream manual(CLOISTER_SOURCE_DIR "/docs/cli.md");
  ASSERT_TRUE(manual) << "docs/cli.md is missing";
  const std::regex pattern(R"(^\|\s*([0-9]+)\s*\|\s*`?([a-z-]*)`?\s*\|.*)");
  std::map<int, std::string> documented;
  std::smatch match;
  for (std::string line; std::getline(manual, line);) {
    if (!std::regex_match(line, match, pattern)) continue;
    EXPECT_TRUE(documented.emplace(std::stoi(match[1]), match[2]).second) << "twice: " << line;
  }
  std::map<int, std::string> ours;
  for (const ExitStatus& row : exit_statuses()) ours.emplace(row.status, row.status == 0 ? "" : row.name);
  EXPECT_EQ(documented, ours);
}

}  // namespace
}  // namespace cloister
