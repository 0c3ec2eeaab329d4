// The files of a directory tree, as sealing and verifying see them. Used by directory*.cc alone.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <vector>

#include "base/file.h"
#include "seal/directory.h"
#include "seal/reader.h"

namespace cloister::seal {

// Files from here up are worked on one at a time by all threads, smaller ones side by side.
inline constexpr std::uint64_t kLargeFile = std::uint64_t{8} << 20;

struct TreeFile {
  std::string name;  // relative, with '/'
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t mode = 0;
};

enum class SpecialFiles { kRefuse, kSkip, kList };

// Regular files, sorted by name; symbolic links are never followed. Other kinds are kInvalid, left out, or listed.
// kInvalid for names that aren't UTF-8, unless other kinds are listed too.
Result<std::vector<TreeFile>> list_tree(const Path& directory, SpecialFiles special);

// A file that interrupted work left behind: written aside, or waiting for its name.
bool is_leftover(std::string_view name);
inline constexpr std::string_view kWaitingSuffix = ".rekeyed";

std::int64_t modified_ns(const struct stat& info);

// Opens a stored object without following a symbolic link anywhere below `directory`. kNotFound; kCorrupt for anything
// but a regular file.
Result<File> open_stored(const Path& directory, std::string_view stored_name,
                         File::Access access = File::Access::kRead);
// The same, locked against rewraps.
Result<File> lock_stored(const Path& directory, std::string_view stored_name);

// The object the entry lists. kCorrupt when another one, or another version, lies there, or when its tags aren't those
// its footer digests. A holder of the DEK can make other chunks with the same tags: only a payload digest tells those.
enum class Tags { kCheck, kLeaveToVerify };
Result<ObjectReader> open_listed(const Path& directory, const ManifestEntry& entry, const DirectoryKeys& keys,
                                 Tags tags);

// Calls `work(entry, threads)`: small objects side by side, large ones one after the other with all threads.
using EntryWork = std::function<Status(const ManifestEntry& entry, unsigned threads)>;
Status for_entries(const std::vector<const ManifestEntry*>& entries, unsigned threads, Progress& progress,
                   const EntryWork& work);

// Everything written below `directory`, and its neighbours on the same file system, survives a power cut.
Status sync_file_system(const Path& directory);

}  // namespace cloister::seal
