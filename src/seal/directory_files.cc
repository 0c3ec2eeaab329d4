#include "seal/directory_files.h"

#include <sys/stat.h>

#include <algorithm>

#include "seal/reader.h"

namespace cloister::seal {
namespace {

namespace fs = std::filesystem;

Error listing_failed(const Path& path, const std::error_code& error) {
  return error_from_errno(error.value(), "list " + path.string());
}

}  // namespace

Result<std::vector<TreeFile>> list_tree(const Path& directory, SpecialFiles special) {
  std::vector<TreeFile> files;
  std::error_code error;
  fs::recursive_directory_iterator walk(directory, error);
  if (error) return listing_failed(directory, error);
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (error) return listing_failed(directory, error);
    const Path& path = walk->path();
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0) return error_from_errno(errno, "look at " + path.string());
    if (S_ISDIR(info.st_mode)) continue;
    if (!S_ISREG(info.st_mode) && special != SpecialFiles::kList) {
      if (special == SpecialFiles::kSkip) continue;
      return Error(
          Code::kInvalid,
          path.string() + " is not a regular file (a link, a device, a socket); skip such files or leave them out");
    }
    TreeFile file;
    file.name = path.lexically_relative(directory).generic_string();
    if (!is_safe_relative_name(file.name)) {
      return Error(Code::kInvalid, path.string() + ": the name is not plain UTF-8 of at most 4096 bytes");
    }
    file.size = static_cast<std::uint64_t>(info.st_size);
    file.modified_ns = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
    file.mode = info.st_mode & 07777;
    files.push_back(std::move(file));
  }
  if (error) return listing_failed(directory, error);
  std::ranges::sort(files, {}, &TreeFile::name);
  return files;
}

bool is_leftover(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? name : name.substr(slash + 1);
  return last.starts_with('.') && last.find(".part-") != std::string_view::npos;
}

Status check_entry(const ManifestEntry& entry, const ObjectReader& reader) {
  if (reader.preamble().object_id != entry.object_id) {
    return Error(Code::kCorrupt, "it is not the object the manifest lists under this name: swapped or renamed");
  }
  if (reader.object_digest() != entry.object_digest || reader.size() != entry.plaintext_len) {
    return Error(Code::kCorrupt, "it is another version of the object than the manifest lists");
  }
  return {};
}

}  // namespace cloister::seal
