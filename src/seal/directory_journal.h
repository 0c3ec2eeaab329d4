// What of a directory is done, so that interrupted work goes on. docs/formats/manifest.md, "The journal".
// Used by directory*.cc alone.
#pragma once

#include <map>
#include <mutex>

#include "base/reader.h"
#include "seal/append_log.h"
#include "seal/directory.h"

namespace cloister::seal {

inline constexpr std::string_view kJournalName = ".cloister-journal.sealed";

enum class JournalWork : std::uint8_t { kSeal = 1, kRekey = 2 };

struct JournalEntry {
  std::uint64_t source_size = 0;
  std::int64_t source_modified_ns = 0;
  ManifestEntry object;
};

// The manifest a re-key starts from. MF-5.
struct JournalBase {
  Id directory_id{};
  std::uint64_t sequence = 0;
  crypto::Sha256Digest manifest_digest{};

  bool operator==(const JournalBase&) const = default;
};

void write_journal_entry(const JournalEntry& entry, Writer& writer);
// Those of one frame, to its end. kCorrupt, also for a name that leaves the directory.
Result<std::vector<JournalEntry>> parse_journal_entries(Reader& reader);

// Any thread may call add(); the rest is for one.
class Journal {
 public:
  // Goes on with the journal in `directory` or starts one. kExists when it is about other work. `keys` outlives it.
  static Result<std::unique_ptr<Journal>> open_seal(const Path& directory, const SealOptions& object,
                                                    const DirectoryKeys& keys, crypto::Random& random);
  // The same for a re-key of the manifest that `read_base` finds once the journal is locked. A journal of work that was
  // finished is dropped for a new one; kCorrupt when it is about another directory or manifest.
  using ReadBase = std::function<Result<JournalBase>()>;
  static Result<std::unique_ptr<Journal>> open_rekey(const Path& directory, const SealOptions& object,
                                                     const DirectoryKeys& keys, crypto::Random& random,
                                                     const ReadBase& read_base);

  const Id& directory_id() const { return base_.directory_id; }
  bool resumed() const { return resumed_; }
  // By original name.
  const std::map<std::string, JournalEntry>& done() const { return done_; }

  // Notes an object. From time to time everything noted so far is made durable, objects first, then the journal; then
  // `settle` is called with what is durable now.
  using Settle = std::function<Status(const std::vector<JournalEntry>&)>;
  void set_settle(Settle settle) { settle_ = std::move(settle); }
  Status add(JournalEntry entry);
  Status flush();
  // Removes the journal: the work is done and the manifest durable.
  Status remove();

 private:
  Journal(Path directory, const DirectoryKeys& keys)
      : directory_(std::move(directory)), path_(directory_ / kJournalName), keys_(keys) {}
  static Result<std::unique_ptr<Journal>> open(const Path& directory, JournalWork work, const SealOptions& object,
                                               const DirectoryKeys& keys, crypto::Random& random);
  Status read(JournalWork work);
  Status begin(JournalWork work, const JournalBase& base);
  Status append(ByteView records);
  Status flush_locked();

  Path directory_;
  Path path_;
  const DirectoryKeys& keys_;
  JournalBase base_;  // of a seal: the directory_id alone
  std::uint64_t frames_ = 0;
  bool resumed_ = false;
  std::map<std::string, JournalEntry> done_;
  std::optional<LogWriter> writer_;
  Settle settle_;
  std::mutex mutex_;
  std::vector<JournalEntry> waiting_;
  double flushed_at_ = 0;
};

}  // namespace cloister::seal
