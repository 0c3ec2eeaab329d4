#include "tests/support/vector_folder.h"

#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "crypto/hash.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

Bytes bytes_of_file(const Path& path) { return value_of(read_file(path, 16 << 20)); }

std::string text_of_file(const Path& path) { return std::string(as_text(bytes_of_file(path))); }

void expect_digests_hold(const Path& folder) {
  static const std::regex row(R"(^\| `([^`]+)` \| \d+ \| `([0-9a-f]{64})` \|$)");
  std::istringstream lines(text_of_file(folder / "README.md"));
  int files = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    ++files;
    EXPECT_EQ(to_hex(crypto::sha256(bytes_of_file(folder / match[1].str()))), match[2].str()) << folder << match[1];
  }
  EXPECT_GT(files, 0) << folder;
}

}  // namespace cloister::testing
