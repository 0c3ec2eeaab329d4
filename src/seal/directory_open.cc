// Opening, verifying and re-keying sealed directories. docs/formats/manifest.md.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/parallel.h"
#include "seal/directory.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "seal/directory_manifest.h"
#include "seal/reader.h"

namespace cloister::seal {
namespace {

constexpr std::uint64_t kLargeFile = std::uint64_t{8} << 20;

// Calls `work(entry, threads)`: small objects side by side, large ones one after the other with all threads.
Status for_entries(const std::vector<ManifestEntry>& entries, unsigned threads, Progress& progress,
                   const std::function<Status(const ManifestEntry&, unsigned)>& work) {
  std::vector<const ManifestEntry*> small;
  std::vector<const ManifestEntry*> large;
  for (const ManifestEntry& entry : entries) {
    (entry.plaintext_len >= kLargeFile ? large : small).push_back(&entry);
    progress.expect(entry.plaintext_len);
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

std::int64_t modified_ns(Time time) { return time.unix_ms * 1'000'000; }

Status set_modified(const File& file, Time time) {
  const timespec stamp{static_cast<time_t>(time.unix_ms / 1000), static_cast<long>(time.unix_ms % 1000 * 1'000'000)};
  const timespec both[2] = {stamp, stamp};
  if (::futimens(file.descriptor(), both) != 0)
    return error_from_errno(errno, "set the time of " + file.path().string());
  return {};
}

// An opened file gets its size and time before its name: one that has both under its name was opened whole.
bool opened_before(const Path& target, const ObjectReader& reader) {
  struct stat info{};
  if (::lstat(target.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || !reader.meta().modified_at) return false;
  const auto there = static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec;
  return static_cast<std::uint64_t>(info.st_size) == reader.size() && there == modified_ns(*reader.meta().modified_at);
}

Status open_entry(const Path& object, const Path& target, const ManifestEntry& entry, const DirectoryKeys& keys,
                  Overwrite overwrite, unsigned threads, Progress& progress, bool& kept) {
  CLOISTER_TRY(File file, File::open(object));
  CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(file), keys.wrappers));
  CLOISTER_RETURN_IF_ERROR(check_entry(entry, reader).with_context("open " + object.string()));
  kept = overwrite == Overwrite::kRefuse && opened_before(target, reader);
  if (kept) {
    progress.add(reader.size());
    return {};
  }
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target.parent_path()));
  CLOISTER_TRY(auto replacement, FileReplacement::begin(target, overwrite, (entry.mode & 0777) | 0600));
  CLOISTER_RETURN_IF_ERROR(reader.copy_to(replacement.file(), threads, progress));
  if (reader.meta().modified_at) CLOISTER_RETURN_IF_ERROR(set_modified(replacement.file(), *reader.meta().modified_at));
  return replacement.commit(FileReplacement::Durable::kNo);
}

}  // namespace

Result<DirectorySummary> open_directory(const Path& source, const Path& target, const DirectoryKeys& keys,
                                        Overwrite overwrite, unsigned threads, Progress& progress) {
  CLOISTER_TRY(const Manifest manifest, read_manifest(source, keys));
  CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target));
  DirectorySummary summary;
  std::mutex mutex;
  const auto work = [&](const ManifestEntry& entry, unsigned with) -> Status {
    bool kept = false;
    CLOISTER_RETURN_IF_ERROR(open_entry(source / entry.stored_name, target / entry.original_name, entry, keys,
                                        overwrite, with, progress, kept));
    const std::lock_guard lock(mutex);
    ++(kept ? summary.objects_kept : summary.objects_sealed);
    if (!kept) summary.plaintext_bytes += entry.plaintext_len;
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(for_entries(manifest.entries, thread_count(threads), progress, work));
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
    if (!listed && name != kManifestName) {
      find(name, name == kJournalName ? "work on this directory was interrupted: run it again" : "not in the manifest");
    }
  }

  const auto work = [&](const ManifestEntry& entry, unsigned with) -> Status {
    if (!present.contains(entry.stored_name)) return {};
    const auto verify = [&]() -> Status {
      CLOISTER_TRY(File file, File::open(directory / entry.stored_name));
      CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(file), keys.wrappers));
      CLOISTER_RETURN_IF_ERROR(check_entry(entry, reader));
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
  CLOISTER_RETURN_IF_ERROR(for_entries(manifest.entries, thread_count(threads), progress, work));
  if (findings == 0) return summary;
  return Error(Code::kCorrupt, "verify " + directory.string() + ": " + std::to_string(findings) +
                                   (findings == 1 ? " finding" : " findings"));
}

}  // namespace cloister::seal
