// Where memory goes when a program crashes: the kernel's core_pattern and, behind it, systemd-coredump's configuration.
// core(5), coredump.conf(5).
#pragma once

#include "posture/collect/local/system_tree.h"

namespace cloister::posture {

struct CoreDumps {
  enum class Kind : std::uint8_t { kNone, kFolder, kUnknown, kUnread };
  Kind kind = Kind::kUnknown;
  std::string where;  // the folder; else in words
  std::string raw;    // the pattern, and what was set
};

CoreDumps read_core_dumps(const SystemTree& tree);

// The value that counts of one setting in a file of systemd's kind: the last; "" where it isn't set.
std::string last_setting(std::string_view text, std::string_view name);

}  // namespace cloister::posture
