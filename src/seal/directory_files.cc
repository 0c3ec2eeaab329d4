#include "seal/directory_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/parallel.h"
#include "seal/locked_file.h"
#include "seal/tags_digest.h"

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
    if (special != SpecialFiles::kList && !is_safe_relative_name(file.name)) {
      return Error(Code::kInvalid, path.string() + ": the name is not plain UTF-8 of at most 4096 bytes");
    }
    file.size = static_cast<std::uint64_t>(info.st_size);
    file.modified_ns = modified_ns(info);
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
  return last.ends_with(kWaitingSuffix) || (last.starts_with('.') && last.find(".part-") != std::string_view::npos);
}

std::int64_t modified_ns(const struct stat& info) {
  return static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
}

Result<File> open_stored(const Path& directory, std::string_view stored_name, File::Access access) {
  const Path path = directory / stored_name;
  int folder = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return error_from_errno(errno, "open " + directory.string());
  for (std::size_t start = 0;;) {
    const std::size_t slash = stored_name.find('/', start);
    const bool last = slash == std::string_view::npos;
    const std::string part(stored_name.substr(start, last ? slash : slash - start));
    // Without O_NONBLOCK a named pipe would keep us waiting.
    const int object_flags = O_NONBLOCK | (access == File::Access::kRead ? O_RDONLY : O_RDWR);
    const int next =
        ::openat(folder, part.c_str(), O_NOFOLLOW | O_CLOEXEC | (last ? object_flags : O_RDONLY | O_DIRECTORY));
    const int error_number = errno;
    ::close(folder);
    if (next < 0 && (error_number == ELOOP || error_number == ENOTDIR)) {
      return Error(Code::kCorrupt, "open " + path.string() + ": a symbolic link, or no directory, is on the way");
    }
    if (next < 0) return error_from_errno(error_number, "open " + path.string());
    folder = next;
    if (last) break;
    start = slash + 1;
  }
  File file = File::from_descriptor(folder, path, File::Owned::kYes);
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + path.string());
  if (!S_ISREG(info.st_mode)) return Error(Code::kCorrupt, "open " + path.string() + ": it is not a regular file");
  return file;
}

Result<File> lock_stored(const Path& directory, std::string_view stored_name) {
  return open_locked([&](File::Access access) { return open_stored(directory, stored_name, access); });
}

Result<ObjectReader> open_listed(const Path& directory, const ManifestEntry& entry, const DirectoryKeys& keys,
                                 Tags tags) {
  CLOISTER_TRY(File file, open_stored(directory, entry.stored_name));
  const int descriptor = ::dup(file.descriptor());
  if (descriptor < 0) return error_from_errno(errno, "open " + file.path().string());
  const File again = File::from_descriptor(descriptor, file.path(), File::Owned::kYes);
  const std::string doing = "open " + file.path().string();
  CLOISTER_TRY(ObjectReader reader, ObjectReader::open(std::move(file), keys.wrappers));
  if (reader.preamble().object_id != entry.object_id) {
    return Error(Code::kCorrupt,
                 doing + ": it is not the object the manifest lists under this name: swapped or renamed");
  }
  if (reader.object_digest() != entry.object_digest || reader.size() != entry.plaintext_len) {
    return Error(Code::kCorrupt, doing + ": it is another version of the object than the manifest lists");
  }
  if (tags == Tags::kLeaveToVerify) return reader;
  CLOISTER_TRY(const Layout layout, Layout::create(reader.preamble(), reader.size()));
  CLOISTER_TRY(const crypto::Sha256Digest digest, read_tags_digest(again, layout));
  if (digest != reader.footer().tags_digest) return Error(Code::kCorrupt, doing + ": the digest of all tags differs");
  return reader;
}

Status for_entries(const std::vector<const ManifestEntry*>& entries, unsigned threads, Progress& progress,
                   const EntryWork& work) {
  std::vector<const ManifestEntry*> small;
  std::vector<const ManifestEntry*> large;
  for (const ManifestEntry* entry : entries) {
    (entry->plaintext_len >= kLargeFile ? large : small).push_back(entry);
    progress.expect(entry->plaintext_len);
  }
  const auto one = [&](const ManifestEntry& entry, unsigned with) -> Status {
    if (progress.stop_requested()) return Error(Code::kUnavailable, "interrupted");
    CLOISTER_RETURN_IF_ERROR(work(entry, with));
    progress.add_object();
    return {};
  };
  const auto make_worker = [&]() -> PieceWorker { return [&](std::uint64_t i) { return one(*small[i], 1); }; };
  CLOISTER_RETURN_IF_ERROR(parallel_pieces(threads, small.size(), make_worker));
  for (const ManifestEntry* entry : large) CLOISTER_RETURN_IF_ERROR(one(*entry, threads));
  return {};
}

Status sync_file_system(const Path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "open " + directory.string());
  const int result = ::syncfs(descriptor);
  const int error_number = errno;
  ::close(descriptor);
  if (result != 0) return error_from_errno(error_number, "sync " + directory.string());
  return {};
}

}  // namespace cloister::seal
