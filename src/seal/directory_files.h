// The files of a directory tree, as sealing and verifying see them. Used by directory*.cc alone.
#pragma once

#include <vector>

#include "base/file.h"
#include "seal/manifest.h"

namespace cloister::seal {

struct TreeFile {
  std::string name;  // relative, with '/'
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t mode = 0;
};

enum class SpecialFiles { kRefuse, kSkip, kList };

// Regular files, sorted by name; symbolic links are never followed. Other kinds are kInvalid, left out, or listed.
// kInvalid for names that aren't UTF-8.
Result<std::vector<TreeFile>> list_tree(const Path& directory, SpecialFiles special);

// A file another process wrote aside and never finished.
bool is_leftover(std::string_view name);

// kCorrupt unless the object at `file` is the one the entry lists.
class ObjectReader;
Status check_entry(const ManifestEntry& entry, const ObjectReader& reader);

}  // namespace cloister::seal
