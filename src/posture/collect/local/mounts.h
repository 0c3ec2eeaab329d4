// What is mounted where: /proc/self/mountinfo, and the swap areas of /proc/swaps. proc(5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::posture {

inline constexpr std::size_t kMountinfoSizeMax = std::size_t{8} << 20;
inline constexpr std::size_t kMountsMax = 32'768;

struct Mount {
  std::string device;   // "253:0"; "0:27" where no block device is behind it
  std::string root;     // the part of the file system that is mounted
  std::string point;    // where
  std::string type;     // "ext4", "fuse.gocryptfs"
  std::string source;   // "/dev/dm-0", "server:/export"
  std::string options;  // the file system's own, by commas

  // The value of one option ("sec" of "sec=krb5p"); "" where it isn't there.
  std::string option(std::string_view name) const;
};

// kInvalid, with the line, for what isn't mountinfo.
Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

// Whether a path without links is that folder, or below it.
bool covers(std::string_view folder, std::string_view path);

// A view into the kernel, as /proc is: no file that anybody wrote lies there.
bool is_kernels_own(const Mount& mount);

// The mount that a path without links lies on; null: none.
const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path);

struct SwapArea {
  std::string path;
  bool is_file = false;
};
// kInvalid for what isn't /proc/swaps.
Result<std::vector<SwapArea>> parse_swaps(std::string_view text);

}  // namespace cloister::posture
