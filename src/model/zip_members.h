// What a zip archive says is in it, without unpacking anything: checkpoints of PyTorch and arrays of NumPy are
// archives.
#pragma once

#include <string>
#include <vector>

#include "base/file.h"

namespace cloister::model {

inline constexpr std::size_t kZipMembersMax = 65'535;
// How many times as long a member may become; honest data doesn't shrink as much.
inline constexpr std::uint64_t kZipRatioMax = 200;

struct ZipMember {
  std::string name;
  std::uint64_t packed = 0, size = 0;
  std::uint64_t offset = 0;  // of its local header
  bool stored = false;       // as it is, not compressed
};

// kCorrupt: what readers of archives don't agree on (several ends, ends that differ, a directory that isn't right
// before the end), lengths that lie, names that lead out, a name twice, members over each other, or that would grow
// more than kZipRatioMax times. kUnsupported: encrypted, or in several parts.
Result<std::vector<ZipMember>> read_zip_members(const File& file);
// The bytes of a stored member; kCorrupt when its own header tells another story, kUnsupported for another or a longer
// one.
Result<Bytes> read_stored(const File& file, const ZipMember& member, std::uint64_t size_max);
// The same, and of a longer one its first bytes.
Result<Bytes> read_stored_start(const File& file, const ZipMember& member, std::uint64_t size_max);

}  // namespace cloister::model
