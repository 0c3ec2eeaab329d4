// A folder of published evidence: its files, and the digests that its README gives of them.
#pragma once

#include "base/bytes.h"
#include "base/file.h"

namespace cloister::testing {

// Stops the process when the file can't be read.
Bytes bytes_of_file(const Path& path);
std::string text_of_file(const Path& path);

// Every file that README.md lists with a SHA-256 has it, and there is at least one.
void expect_digests_hold(const Path& folder);

}  // namespace cloister::testing
