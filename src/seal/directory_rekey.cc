// New DEKs for objects and directories, while readers of the old files go on.
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "base/parallel.h"
#include "seal/directory.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "seal/directory_manifest.h"
#include "seal/locked_file.h"
#include "seal/reader.h"

namespace cloister::seal {
namespace {

// The new object waits under this name until the journal knows it.
Path waiting_name(const Path& object) { return object.string() + std::string(kWaitingSuffix); }

SealOptions like(const ObjectReader& reader, const SealOptions& asked) {
  SealOptions options = asked;
  options.suite = reader.preamble().suite;
  options.chunk_log2 = reader.preamble().chunk_log2;
  options.meta = reader.meta();
  options.payload_digest = reader.footer().encrypted_digest ? PayloadDigest::kSha256 : PayloadDigest::kNone;
  return options;
}

Result<SealedSummary> seal_again(const ObjectReader& reader, FileReplacement& target, const SealOptions& asked,
                                 const DirectoryKeys& keys, crypto::Random& random, Progress& progress) {
  // What was looked at to choose the keys may not be what lies there now.
  const PublicContext& owner = reader.preamble().context;
  if (owner.tenant != asked.context.tenant || owner.dataset != asked.context.dataset) {
    return Error(Code::kDenied, "it belongs to " + owner.tenant + (owner.dataset.empty() ? "" : "/" + owner.dataset) +
                                    ", not to whom it is to be sealed for again");
  }
  if (shares_needed(reader.slots().newest.slots) != 0) {
    return Error(Code::kUnsupported, "its key is shared, and would not be after this: open it and seal it again");
  }
  // The new object's digest would be made of what lies there now.
  if (reader.footer().encrypted_digest) {
    progress.expect(reader.size());
    CLOISTER_RETURN_IF_ERROR(reader.verify(asked.threads, progress));
  }
  const PayloadSource source{
      reader.size(), [&reader](std::uint64_t offset, MutableByteView out) { return reader.read_at(offset, out); }};
  return seal_source(source, target.file(), like(reader, asked), keys.wrappers, random, progress);
}

mode_t mode_of(const Path& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0644;
}

Status rename_waiting(const Path& object) {
  const Path waiting = waiting_name(object);
  if (::rename(waiting.c_str(), object.c_str()) != 0 && errno != ENOENT) {
    return error_from_errno(errno, "name " + object.string());
  }
  return {};
}

class DirectoryRekey {
 public:
  DirectoryRekey(const Path& directory, const SealOptions& object, const DirectoryKeys& keys, crypto::Random& random,
                 Progress& progress)
      : directory_(directory), object_(object), keys_(keys), random_(random), progress_(progress) {}

  Result<DirectorySummary> run(Time now) {
    Manifest manifest;
    const auto read_base = [&]() -> Result<JournalBase> {
      CLOISTER_TRY(SignedManifest read, read_signed_manifest(directory_, keys_));
      manifest = std::move(read.manifest);
      return JournalBase{manifest.directory_id, manifest.sequence, read.digest};
    };
    // Once before anything is written here: not every folder is a sealed directory, or one of ours.
    CLOISTER_RETURN_IF_ERROR(read_base());
    CLOISTER_TRY(journal_, Journal::open_rekey(directory_, object_, keys_, random_, read_base));
    // What the journal knows may take its final name; what it doesn't, may not.
    journal_->set_settle([this](const std::vector<JournalEntry>& durable) -> Status {
      for (const JournalEntry& entry : durable) {
        CLOISTER_RETURN_IF_ERROR(rename_waiting(directory_ / entry.object.stored_name));
        const std::lock_guard lock(mutex_);
        locked_.erase(entry.object.stored_name);
      }
      return {};
    });
    Status done = rekey_all(manifest);
    const Status flushed = journal_->flush();
    CLOISTER_RETURN_IF_ERROR(std::move(done));
    CLOISTER_RETURN_IF_ERROR(flushed);
    for (ManifestEntry& entry : manifest.entries) entry = journal_->done().at(entry.original_name).object;
    CLOISTER_RETURN_IF_ERROR(remove_leftovers(manifest));
    CLOISTER_RETURN_IF_ERROR(sync_file_system(directory_));  // MF-3: the new names too
    ++manifest.sequence;
    manifest.created = now;
    CLOISTER_RETURN_IF_ERROR(write_manifest(directory_, std::move(manifest), object_, keys_, random_));
    CLOISTER_RETURN_IF_ERROR(journal_->remove());
    return summary_;
  }

 private:
  Status rekey_all(const Manifest& manifest) {
    std::vector<const ManifestEntry*> todo;
    for (const ManifestEntry& entry : manifest.entries) {
      CLOISTER_TRY(const bool done, done_before(entry));
      if (!done) todo.push_back(&entry);
    }
    const auto work = [this](const ManifestEntry& entry, unsigned threads) { return rekey_one(entry, threads); };
    return for_entries(todo, thread_count(object_.threads), progress_, work);
  }

  Result<bool> done_before(const ManifestEntry& entry) {
    const auto done = journal_->done().find(entry.original_name);
    if (done == journal_->done().end()) return false;
    const ManifestEntry& object = done->second.object;
    if (object.stored_name != entry.stored_name || object.plaintext_len != entry.plaintext_len) return false;
    {
      const auto old = lock_stored(directory_, entry.stored_name);
      if (!old.ok() && old.error().code() != Code::kNotFound) return old.error();
      CLOISTER_RETURN_IF_ERROR(rename_waiting(directory_ / entry.stored_name));
    }
    if (!open_listed(directory_, object, keys_, Tags::kLeaveToVerify).ok()) return false;
    ++summary_.objects_kept;
    progress_.expect(entry.plaintext_len);
    progress_.add(entry.plaintext_len);
    return true;
  }

  Status rekey_one(const ManifestEntry& entry, unsigned threads) {
    const Path path = directory_ / entry.stored_name;
    CLOISTER_RETURN_IF_ERROR(lock_until_renamed(entry));
    CLOISTER_TRY(const ObjectReader reader, open_listed(directory_, entry, keys_, Tags::kCheck));
    CLOISTER_TRY(auto replacement, FileReplacement::begin(waiting_name(path), Overwrite::kReplace, mode_of(path)));
    SealOptions object = object_;
    object.threads = threads;
    CLOISTER_TRY(const SealedSummary sealed, seal_again(reader, replacement, object, keys_, random_, progress_));
    CLOISTER_RETURN_IF_ERROR(replacement.commit(FileReplacement::Durable::kNo));
    ManifestEntry renewed = entry;
    renewed.object_id = sealed.object_id;
    renewed.object_digest = sealed.object_digest;
    {
      const std::lock_guard lock(mutex_);
      ++summary_.objects_sealed;
      summary_.plaintext_bytes += sealed.plaintext_bytes;
      summary_.object_bytes += sealed.object_bytes;
    }
    return journal_->add(JournalEntry{entry.plaintext_len, 0, std::move(renewed)});
  }

  // A rewrap of what is about to be replaced would be lost, and said to be done.
  Status lock_until_renamed(const ManifestEntry& entry) {
    CLOISTER_TRY(File file, lock_stored(directory_, entry.stored_name));
    const std::lock_guard lock(mutex_);
    locked_.insert_or_assign(entry.stored_name, std::move(file));
    return {};
  }

  Status remove_leftovers(const Manifest& manifest) const {
    std::set<std::string_view> listed;
    for (const ManifestEntry& entry : manifest.entries) listed.insert(entry.stored_name);
    CLOISTER_TRY(const auto files, list_tree(directory_, SpecialFiles::kList));
    for (const TreeFile& file : files) {
      if (!is_leftover(file.name) || listed.contains(file.name)) continue;
      const Path path = directory_ / file.name;
      if (::unlink(path.c_str()) != 0) return error_from_errno(errno, "remove " + path.string());
    }
    return {};
  }

  const Path& directory_;
  const SealOptions& object_;
  const DirectoryKeys& keys_;
  crypto::Random& random_;
  Progress& progress_;
  std::unique_ptr<Journal> journal_;
  std::mutex mutex_;
  std::map<std::string, File> locked_;  // by stored name; the journal settles often enough to keep them few
  DirectorySummary summary_;
};

}  // namespace

Result<DirectorySummary> rekey_directory(const Path& directory, const SealOptions& object, const DirectoryKeys& keys,
                                         Time now, crypto::Random& random, Progress& progress) {
  const std::string doing = "re-key " + directory.string();
  if (const Status checked = check_seal_options(object); !checked.ok()) return checked.error().with_context(doing);
  if (keys.signing_key == nullptr) return Error(Code::kDenied, doing + ": no key to sign the new manifest with");
  DirectoryRekey work(directory, object, keys, random, progress);
  return work.run(now).with_context(doing);
}

Result<SealedSummary> rekey_object(const Path& file, const SealOptions& object, const DirectoryKeys& keys,
                                   crypto::Random& random, Progress& progress) {
  const auto rekey = [&]() -> Result<SealedSummary> {
    // The object itself, not a link to it: a new name in the link's place would leave the object under its old key.
    std::error_code error;
    const Path path = std::filesystem::canonical(file, error);
    if (error) return error_from_errno(error.value(), "find it");
    for (Path folder = path.parent_path(); !folder.empty(); folder = folder.parent_path()) {
      if (std::filesystem::exists(folder / kManifestName, error)) {
        return Error(Code::kInvalid, "it belongs to the sealed directory " + folder.string() + ": re-key that");
      }
      if (folder == folder.root_path()) break;
    }
    CLOISTER_TRY(File source, open_locked([&](File::Access access) { return File::open(path, access); }));
    CLOISTER_TRY(const ObjectReader reader, ObjectReader::open(std::move(source), keys.wrappers));
    progress.expect(reader.size());
    CLOISTER_TRY(auto replacement, FileReplacement::begin(path, Overwrite::kReplace, mode_of(path)));
    CLOISTER_TRY(const SealedSummary sealed, seal_again(reader, replacement, object, keys, random, progress));
    CLOISTER_RETURN_IF_ERROR(replacement.commit());
    return sealed;
  };
  return rekey().with_context("re-key " + file.string());
}

}  // namespace cloister::seal
