// Sealing a directory. docs/formats/manifest.md.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/parallel.h"
#include "seal/directory.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "seal/directory_manifest.h"

namespace cloister::seal {
namespace {

// What follows a stored name while it is written aside must still fit into a file name of 255 bytes.
constexpr std::size_t kLastPartMax = 200;
constexpr std::size_t kStoredNameMax = 4000;

struct Piece {
  TreeFile source;
  std::string stored_name;
};

std::string random_name(crypto::Random& random) { return to_hex(crypto::random_array<16>(random)) + ".sealed"; }

bool fits(std::string_view stored) {
  return stored.size() <= kStoredNameMax && stored.size() - (stored.rfind('/') + 1) <= kLastPartMax;
}

// A folder of that name would lie where the manifest or the journal goes.
bool below_reserved(std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::string_view top = name.substr(0, slash);
  return slash != std::string_view::npos && (top == kManifestName || top == kJournalName);
}

// Stored names that can't collide: with the manifest, the journal or a folder.
std::vector<Piece> plan(std::vector<TreeFile> files, StoredNames names, const Journal& journal,
                        crypto::Random& random) {
  std::set<std::string> folders;
  for (const TreeFile& file : files) {
    for (std::size_t slash = file.name.find('/'); slash != std::string::npos; slash = file.name.find('/', slash + 1)) {
      folders.insert(file.name.substr(0, slash));
    }
  }
  std::vector<Piece> pieces;
  for (TreeFile& file : files) {
    std::string stored = file.name + ".sealed";
    const bool taken = stored == kManifestName || stored == kJournalName || folders.contains(stored) ||
                       below_reserved(stored) || !fits(stored);
    const auto done = journal.done().find(file.name);
    if (done != journal.done().end()) {
      stored = done->second.object.stored_name;
    } else if (names == StoredNames::kRandom || taken) {
      stored = random_name(random);
    }
    pieces.push_back(Piece{std::move(file), std::move(stored)});
  }
  return pieces;
}

// Hours before the manifest is written.
Status check_manifest_fits(const std::vector<Piece>& pieces) {
  std::uint64_t name_bytes = 0;
  for (const Piece& piece : pieces) name_bytes += piece.source.name.size() + piece.stored_name.size();
  return check_manifest_size(pieces.size(), name_bytes);
}

class DirectorySealer {
 public:
  DirectorySealer(const Path& source, const Path& target, const DirectorySealOptions& options,
                  const DirectoryKeys& keys, crypto::Random& random, Progress& progress)
      : source_(source), target_(target), options_(options), keys_(keys), random_(random), progress_(progress) {}

  Result<DirectorySummary> run() {
    CLOISTER_RETURN_IF_ERROR(check_target());
    const SpecialFiles special = options_.skip_special ? SpecialFiles::kSkip : SpecialFiles::kRefuse;
    CLOISTER_TRY(auto files, list_tree(source_, special));
    CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target_));
    CLOISTER_TRY(journal_, Journal::open_seal(target_, options_.object, keys_, random_));
    CLOISTER_RETURN_IF_ERROR(check_previous_manifest());
    const std::vector<Piece> pieces = plan(std::move(files), options_.stored_names, *journal_, random_);
    CLOISTER_RETURN_IF_ERROR(check_manifest_fits(pieces));
    for (const Piece& piece : pieces) progress_.expect(piece.source.size);
    Status sealed = seal_all(pieces);
    // Whatever was done stays done, also when the rest failed.
    const Status flushed = journal_->flush();
    CLOISTER_RETURN_IF_ERROR(std::move(sealed));
    CLOISTER_RETURN_IF_ERROR(flushed);
    CLOISTER_RETURN_IF_ERROR(finish());
    return summary_;
  }

 private:
  Status check_target() const {
    std::error_code error;
    const Path source = std::filesystem::weakly_canonical(source_, error);
    const Path target = std::filesystem::weakly_canonical(target_, error);
    const auto [end, rest] = std::ranges::mismatch(source, target);
    if (end == source.end()) return Error(Code::kInvalid, target_.string() + " lies within " + source_.string());
    if (!std::filesystem::exists(target, error)) return {};
    if (!std::filesystem::is_directory(target, error)) {
      return Error(Code::kExists, target_.string() + " exists and is no directory");
    }
    const bool ours = std::filesystem::exists(target / kJournalName, error);
    if (!ours && std::filesystem::exists(target / kManifestName, error)) return sealed_already();
    if (!ours && !std::filesystem::is_empty(target, error)) {
      return Error(Code::kExists, target_.string() + " is not empty and holds no interrupted work to go on with");
    }
    return {};
  }

  Error sealed_already() const { return Error(Code::kExists, target_.string() + " is a sealed directory already"); }

  // Stopped between the manifest and the end of the journal, the work is this directory's own and is done once more.
  Status check_previous_manifest() {
    std::error_code error;
    if (!std::filesystem::exists(target_ / kManifestName, error)) return {};
    CLOISTER_TRY(const Manifest manifest, read_manifest(target_, keys_));
    if (journal_->resumed() && manifest.directory_id == journal_->directory_id()) {
      sequence_ = manifest.sequence + 1;
      return {};
    }
    if (!journal_->resumed()) CLOISTER_RETURN_IF_ERROR(journal_->remove());
    return sealed_already();
  }

  Status seal_all(const std::vector<Piece>& pieces) {
    std::vector<const Piece*> small;
    std::vector<const Piece*> large;
    for (const Piece& piece : pieces) {
      if (!done_before(piece)) (piece.source.size >= kLargeFile ? large : small).push_back(&piece);
    }
    const unsigned threads = thread_count(options_.object.threads);
    const auto make_worker = [&]() -> PieceWorker { return [&](std::uint64_t i) { return seal_one(*small[i], 1); }; };
    CLOISTER_RETURN_IF_ERROR(parallel_pieces(threads, small.size(), make_worker));
    for (const Piece* piece : large) CLOISTER_RETURN_IF_ERROR(seal_one(*piece, threads));
    return {};
  }

  bool done_before(const Piece& piece) {
    const auto done = journal_->done().find(piece.source.name);
    if (done == journal_->done().end()) return false;
    const JournalEntry& entry = done->second;
    if (entry.source_size != piece.source.size || entry.source_modified_ns != piece.source.modified_ns) return false;
    if (entry.object.plaintext_len != entry.source_size) return false;
    if (!open_listed(target_, entry.object, keys_, Tags::kLeaveToVerify).ok()) return false;
    entries_.push_back(entry.object);
    ++summary_.objects_kept;
    progress_.add(piece.source.size);
    return true;
  }

  // Listing may lie hours back: a link may have taken a file's place since, or another file.
  Result<File> open_source(const TreeFile& listed) const {
    auto file = open_stored(source_, listed.name);
    if (!file.ok() && file.error().code() == Code::kCorrupt) return Error(Code::kInvalid, file.error().message());
    if (!file.ok()) return file;
    struct stat info{};
    if (::fstat(file->descriptor(), &info) != 0) return error_from_errno(errno, "look at " + file->path().string());
    if (static_cast<std::uint64_t>(info.st_size) == listed.size && modified_ns(info) == listed.modified_ns) return file;
    return Error(Code::kUnavailable, file->path().string() + " changed after it was listed: seal again");
  }

  Status seal_one(const Piece& piece, unsigned threads) {
    if (progress_.stop_requested()) return Error(Code::kUnavailable, "interrupted");
    SealOptions object = options_.object;
    object.threads = threads;
    object.meta.name = piece.source.name;
    object.meta.mode = piece.source.mode;
    if (piece.source.modified_ns >= 0) object.meta.modified_at = Time{piece.source.modified_ns / 1'000'000};
    object.meta.sealed_at = options_.now;
    const Path target = target_ / piece.stored_name;
    CLOISTER_TRY(const File source, open_source(piece.source));
    CLOISTER_RETURN_IF_ERROR(cloister::create_directories(target.parent_path()));
    CLOISTER_TRY(auto replacement, FileReplacement::begin(target, Overwrite::kReplace));
    CLOISTER_TRY(const SealedSummary sealed,
                 seal_payload(source, replacement.file(), object, keys_.wrappers, random_, progress_));
    CLOISTER_RETURN_IF_ERROR(replacement.commit(FileReplacement::Durable::kNo));
    const ManifestEntry entry{piece.stored_name, piece.source.name, sealed.plaintext_bytes,
                              piece.source.mode, sealed.object_id,  sealed.object_digest};
    {
      const std::lock_guard lock(mutex_);
      entries_.push_back(entry);
      ++summary_.objects_sealed;
      summary_.plaintext_bytes += sealed.plaintext_bytes;
      summary_.object_bytes += sealed.object_bytes;
    }
    progress_.add_object();
    return journal_->add(JournalEntry{piece.source.size, piece.source.modified_ns, entry});
  }

  // Removes what an interrupted run left behind and no manifest lists, then writes the manifest, then drops the
  // journal.
  Status finish() {
    std::set<std::string> listed;
    for (const ManifestEntry& entry : entries_) listed.insert(entry.stored_name);
    CLOISTER_TRY(const auto stored, list_tree(target_, SpecialFiles::kList));
    for (const TreeFile& file : stored) {
      const bool ours = file.name.ends_with(".sealed") || is_leftover(file.name);
      if (!ours || listed.contains(file.name) || file.name == kJournalName || file.name == kManifestName) continue;
      const Path path = target_ / file.name;
      if (::unlink(path.c_str()) != 0) return error_from_errno(errno, "remove " + path.string());
      ++summary_.objects_removed;
    }
    Manifest manifest{{}, journal_->directory_id(), sequence_, options_.now, entries_};
    CLOISTER_RETURN_IF_ERROR(sync_file_system(target_));  // MF-3: the folders' names too
    CLOISTER_RETURN_IF_ERROR(write_manifest(target_, std::move(manifest), options_.object, keys_, random_));
    return journal_->remove();
  }

  const Path& source_;
  const Path& target_;
  const DirectorySealOptions& options_;
  const DirectoryKeys& keys_;
  crypto::Random& random_;
  Progress& progress_;
  std::unique_ptr<Journal> journal_;
  std::mutex mutex_;
  std::vector<ManifestEntry> entries_;
  std::uint64_t sequence_ = 1;
  DirectorySummary summary_;
};

}  // namespace

Result<DirectorySummary> seal_directory(const Path& source, const Path& target, const DirectorySealOptions& options,
                                        const DirectoryKeys& keys, crypto::Random& random, Progress& progress) {
  const std::string doing = "seal " + source.string();
  if (const Status checked = check_seal_options(options.object); !checked.ok()) {
    return checked.error().with_context(doing);
  }
  if (keys.signing_key == nullptr) return Error(Code::kDenied, doing + ": no key to sign the manifest with");
  DirectorySealer sealer(source, target, options, keys, random, progress);
  return sealer.run().with_context(doing);
}

}  // namespace cloister::seal
