// Opening and verifying sealed directories. docs/formats/manifest.md.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/parallel.h"
#include "base/reader.h"
#include "crypto/plain_buffer.h"
#include "seal/directory.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "seal/directory_manifest.h"
#include "seal/reader.h"

namespace cloister::seal {
namespace {

constexpr std::size_t kPieceMax = std::size_t{4} << 20;

std::string printable(std::string name) {
  if (is_plain_utf8(name)) return name;
  for (char& c : name) {
    if (c < 0x20 || c > 0x7E) c = '?';
  }
  return name;
}

std::int64_t modified_ns(Time time) { return time.unix_ms * 1'000'000; }

Status set_modified(const File& file, Time time) {
  const timespec stamp{static_cast<time_t>(time.unix_ms / 1000), static_cast<long>(time.unix_ms % 1000 * 1'000'000)};
  const timespec both[2] = {stamp, stamp};
  if (::futimens(file.descriptor(), both) != 0)
    return error_from_errno(errno, "set the time of " + file.path().string());
  return {};
}

// Size and time are quick to compare; a power cut can keep both and lose the bytes, so those are compared too.
Result<bool> opened_before(const Path& target, const ObjectReader& reader, unsigned threads, Progress& progress) {
  struct stat info{};
  if (::lstat(target.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  const auto there = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  const auto& sealed = reader.meta().modified_at;
  if (static_cast<std::uint64_t>(info.st_size) != reader.size() || (sealed && there != modified_ns(*sealed))) {
    return false;
  }
  CLOISTER_TRY(const File file, File::open(target));
  crypto::PlainBuffer buffer(kPieceMax);
  bool same = true;
  const auto compare = [&](std::uint64_t offset, ByteView piece) -> Status {
    const MutableByteView found = buffer.first(piece.size());
    same = file.read_at(offset, found).ok() && equal(found, piece);
    return same ? ok_status() : Error(Code::kExists, "it holds something else");
  };
  const Status read = reader.read_all(threads, compare, progress);
  if (!read.ok() && same) return read.error();
  return same;
}

// The manifest is signed, its entry names the footer, and the footer has the payload's digest: where all three are
// there, not even a holder of the DEK could have made these bytes.
Status check_opened(const ObjectReader& reader, const File& opened) {
  const std::string doing = "open " + reader.path().string();
  CLOISTER_TRY(const auto expected, reader.payload_digest().with_context(doing));
  if (!expected) return {};
  crypto::Sha256 hash;
  crypto::PlainBuffer buffer(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < reader.size();) {
    const MutableByteView piece = buffer.first(std::min<std::uint64_t>(buffer.size(), reader.size() - at));
    CLOISTER_RETURN_IF_ERROR(opened.read_at(at, piece));
    hash.update(piece);
    at += piece.size();
  }
  if (hash.finish() == *expected) return {};
  return Error(Code::kCorrupt, doing + ": the payload's digest differs: somebody who has its data key made it");
}

struct HowToOpen {
  Overwrite overwrite;
  mode_t umask;
  unsigned threads;
};

Result<bool> open_entry(const ObjectReader& reader, const Path& target, const ManifestEntry& entry,
                        const HowToOpen& how, Progress& progress) {
  if (how.overwrite == Overwrite::kRefuse) {
    CLOISTER_TRY(const bool before, opened_before(target, reader, how.threads, progress));
    if (before) return true;
  }
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target.parent_path()));
  CLOISTER_TRY(auto replacement, FileReplacement::begin(target, how.overwrite, 0600));
  CLOISTER_RETURN_IF_ERROR(reader.copy_to(replacement.file(), how.threads, progress));
  CLOISTER_RETURN_IF_ERROR(check_opened(reader, replacement.file()));
  if (reader.meta().modified_at) CLOISTER_RETURN_IF_ERROR(set_modified(replacement.file(), *reader.meta().modified_at));
  // Never set-user-id and the like.
  if (::fchmod(replacement.file().descriptor(), entry.mode & 0777 & ~how.umask) != 0) {
    return error_from_errno(errno, "set the mode of " + target.string());
  }
  CLOISTER_RETURN_IF_ERROR(replacement.commit(FileReplacement::Durable::kNo));
  return false;
}

std::vector<const ManifestEntry*> pointers(const Manifest& manifest) {
  std::vector<const ManifestEntry*> entries;
  for (const ManifestEntry& entry : manifest.entries) entries.push_back(&entry);
  return entries;
}

Status verify_manifest_object(const Path& directory, const DirectoryKeys& keys, Progress& progress) {
  CLOISTER_TRY(File file, open_stored(directory, kManifestName));
  CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(file), keys.wrappers));
  return reader.verify(1, progress);
}

}  // namespace

Result<DirectorySummary> open_directory(const Path& source, const Path& target, const DirectoryKeys& keys,
                                        Overwrite overwrite, unsigned threads, Progress& progress) {
  CLOISTER_TRY(const Manifest manifest, read_manifest(source, keys));
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target));
  DirectorySummary summary;
  std::mutex mutex;
  const mode_t mask = current_umask();
  const auto work = [&](const ManifestEntry& entry, unsigned with) -> Status {
    CLOISTER_TRY(const ObjectReader reader, open_listed(source, entry, keys, Tags::kCheck));
    const HowToOpen how{overwrite, mask, with};
    CLOISTER_TRY(const bool kept, open_entry(reader, target / entry.original_name, entry, how, progress));
    const std::lock_guard lock(mutex);
    ++(kept ? summary.objects_kept : summary.objects_sealed);
    if (!kept) summary.plaintext_bytes += entry.plaintext_len;
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(for_entries(pointers(manifest), thread_count(threads), progress, work));
  CLOISTER_RETURN_IF_ERROR(sync_file_system(target));
  return summary;
}

Result<DirectorySummary> verify_directory(const Path& directory, const DirectoryKeys& keys, unsigned threads,
                                          const std::function<void(const DirectoryFinding&)>& report,
                                          Progress& progress) {
  CLOISTER_TRY(const Manifest manifest, read_manifest(directory, keys));
  std::uint64_t findings = 0;
  std::mutex mutex;
  DirectorySummary summary;
  const auto find = [&](const std::string& name, std::string problem) {
    const std::lock_guard lock(mutex);
    ++findings;
    report(DirectoryFinding{name, std::move(problem)});
  };

  const Status manifest_object = verify_manifest_object(directory, keys, progress);
  if (!manifest_object.ok()) find(std::string(kManifestName), manifest_object.error().message());
  CLOISTER_TRY(const auto files, list_tree(directory, SpecialFiles::kList));
  std::map<std::string, bool> present;
  for (const TreeFile& file : files) present[file.name] = false;
  for (const ManifestEntry& entry : manifest.entries) {
    const auto found = present.find(entry.stored_name);
    if (found == present.end()) {
      find(entry.stored_name, "missing");
    } else {
      found->second = true;
    }
  }
  for (const auto& [name, listed] : present) {
    if (listed || name == kManifestName) continue;
    if (name == kJournalName) {
      find(name, "work on this directory was interrupted: run it again");
    } else {
      find(printable(name), is_leftover(name) ? "left behind by interrupted work" : "not in the manifest");
    }
  }

  const auto work = [&](const ManifestEntry& entry, unsigned with) -> Status {
    if (!present.contains(entry.stored_name)) return {};
    const auto verify = [&]() -> Status {
      CLOISTER_TRY(const ObjectReader reader, open_listed(directory, entry, keys, Tags::kLeaveToVerify));
      return reader.verify(with, progress);
    };
    const Status verified = verify();
    if (!verified.ok()) {
      if (verified.error().code() == Code::kUnavailable) return verified;
      find(entry.stored_name, verified.error().message());
      return {};
    }
    const std::lock_guard lock(mutex);
    ++summary.objects_kept;
    summary.plaintext_bytes += entry.plaintext_len;
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(for_entries(pointers(manifest), thread_count(threads), progress, work));
  if (findings == 0) return summary;
  return Error(Code::kCorrupt, "verify " + directory.string() + ": " + std::to_string(findings) +
                                   (findings == 1 ? " finding" : " findings"));
}

}  // namespace cloister::seal
