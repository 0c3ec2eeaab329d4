#include "seal/directory_journal.h"

#include <unistd.h>

#include "crypto/hkdf.h"
#include "seal/directory_files.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRJNL1";
constexpr std::size_t kNameMax = 4096;
constexpr std::size_t kSignatureSize = 64;
constexpr std::size_t kBatch = 256;
constexpr double kBatchSeconds = 1.0;

// MF-5.
Bytes signed_message(const Id& directory_id, std::uint64_t frame, ByteView records) {
  crypto::Info info("CLSR1 journal");
  info.field(directory_id).field_u64(frame).field(crypto::sha256(records));
  return to_bytes(info.view());
}

Result<JournalEntry> parse_entry(Reader& reader) {
  JournalEntry entry;
  CLOISTER_TRY(entry.source_size, reader.u64("journal source size"));
  CLOISTER_TRY(const std::uint64_t modified, reader.u64("journal source time"));
  entry.source_modified_ns = static_cast<std::int64_t>(modified);
  CLOISTER_TRY(entry.object.stored_name, reader.text16(kNameMax, "journal stored name"));
  CLOISTER_TRY(entry.object.original_name, reader.text16(kNameMax, "journal original name"));
  CLOISTER_TRY(entry.object.plaintext_len, reader.u64("journal payload length"));
  CLOISTER_TRY(entry.object.mode, reader.u32("journal permission bits"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.object.object_id, "journal object id"));
  CLOISTER_RETURN_IF_ERROR(reader.fill(entry.object.object_digest, "journal object digest"));
  if (!is_safe_relative_name(entry.object.stored_name) || !is_safe_relative_name(entry.object.original_name)) {
    return Error(Code::kCorrupt, "the journal has a name that leaves the directory");
  }
  return entry;
}

struct JournalHead {
  JournalWork work = JournalWork::kSeal;
  JournalBase base;
};

Bytes serialize_head(const JournalHead& head) {
  Writer writer;
  writer.bytes(as_bytes(kMagic)).u8(static_cast<std::uint8_t>(head.work)).bytes(head.base.directory_id);
  if (head.work == JournalWork::kRekey) writer.u64(head.base.sequence).bytes(head.base.manifest_digest);
  return writer.take();
}

Result<JournalHead> parse_head(Reader& reader) {
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "journal magic"));
  if (!equal(magic, as_bytes(kMagic))) return Error(Code::kCorrupt, "the journal has the wrong magic");
  JournalHead head;
  CLOISTER_TRY(const std::uint8_t work, reader.u8("journal work"));
  head.work = static_cast<JournalWork>(work);
  CLOISTER_RETURN_IF_ERROR(reader.fill(head.base.directory_id, "journal directory id"));
  if (head.work == JournalWork::kRekey) {
    CLOISTER_TRY(head.base.sequence, reader.u64("journal manifest sequence"));
    CLOISTER_RETURN_IF_ERROR(reader.fill(head.base.manifest_digest, "journal manifest digest"));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the journal's first frame"));
  return head;
}

}  // namespace

void write_journal_entry(const JournalEntry& entry, Writer& writer) {
  writer.u64(entry.source_size).u64(static_cast<std::uint64_t>(entry.source_modified_ns));
  writer.text16(entry.object.stored_name).text16(entry.object.original_name).u64(entry.object.plaintext_len);
  writer.u32(entry.object.mode).bytes(entry.object.object_id).bytes(entry.object.object_digest);
}

Result<std::vector<JournalEntry>> parse_journal_entries(Reader& reader) {
  std::vector<JournalEntry> entries;
  while (!reader.at_end()) {
    CLOISTER_TRY(JournalEntry entry, parse_entry(reader));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::unique_ptr<Journal>> Journal::open(const Path& directory, JournalWork work, const SealOptions& object,
                                               const DirectoryKeys& keys, crypto::Random& random) {
  std::unique_ptr<Journal> journal(new Journal(directory, keys));
  LogOptions options{object.suite, 16, object.context, {}};
  options.meta.content_type = "application/vnd.cloister.journal";
  // The writer first: its lock keeps others from adding to what is read next.
  CLOISTER_TRY(LogWriter writer, LogWriter::open(journal->path_, options, keys.wrappers, random, Links::kRefuse));
  journal->writer_.emplace(std::move(writer));
  CLOISTER_RETURN_IF_ERROR(journal->read(work));
  journal->flushed_at_ = monotonic_seconds();
  return journal;
}

Status Journal::begin(JournalWork work, const JournalBase& base) {
  base_ = base;
  return append(serialize_head(JournalHead{work, base}));
}

Result<std::unique_ptr<Journal>> Journal::open_seal(const Path& directory, const SealOptions& object,
                                                    const DirectoryKeys& keys, crypto::Random& random) {
  CLOISTER_TRY(auto journal, open(directory, JournalWork::kSeal, object, keys, random));
  if (journal->resumed_) return journal;
  CLOISTER_RETURN_IF_ERROR(journal->begin(JournalWork::kSeal, JournalBase{crypto::random_array<16>(random), 0, {}}));
  return journal;
}

Result<std::unique_ptr<Journal>> Journal::open_rekey(const Path& directory, const SealOptions& object,
                                                     const DirectoryKeys& keys, crypto::Random& random,
                                                     const ReadBase& read_base) {
  CLOISTER_TRY(auto journal, open(directory, JournalWork::kRekey, object, keys, random));
  CLOISTER_TRY(const JournalBase base, read_base());
  const JournalBase& found = journal->base_;
  if (journal->resumed_ && found.directory_id == base.directory_id && found.sequence + 1 == base.sequence) {
    CLOISTER_RETURN_IF_ERROR(journal->remove());
    CLOISTER_TRY(journal, open(directory, JournalWork::kRekey, object, keys, random));
  }
  if (!journal->resumed_) {
    CLOISTER_RETURN_IF_ERROR(journal->begin(JournalWork::kRekey, base));
  } else if (journal->base_ != base) {
    return Error(Code::kCorrupt, journal->path_.string() + " tells of a re-key of another directory or manifest");
  }
  return journal;
}

Status Journal::read(JournalWork work) {
  const auto take = [&](ByteView piece) -> Status {
    if (piece.size() < kSignatureSize) return Error(Code::kCorrupt, "a frame of the journal is too short");
    const ByteView records = piece.first(piece.size() - kSignatureSize);
    Reader reader(records);
    if (frames_ == 0) {
      CLOISTER_TRY(const JournalHead head, parse_head(reader));
      base_ = head.base;
      if (head.work != work) {
        return Error(Code::kExists, directory_.string() + " holds other work that was interrupted: finish that first");
      }
    }
    const Bytes message = signed_message(base_.directory_id, frames_++, records);
    CLOISTER_RETURN_IF_ERROR(
        crypto::verify_ed25519(keys_.signing_public_key, message, piece.last(kSignatureSize)).with_context("journal"));
    resumed_ = true;
    CLOISTER_TRY(std::vector<JournalEntry> entries, parse_journal_entries(reader));
    for (JournalEntry& entry : entries) done_.insert_or_assign(entry.object.original_name, std::move(entry));
    return {};
  };
  CLOISTER_TRY(const File file, open_stored(directory_, kJournalName));
  CLOISTER_TRY(const LogSummary summary, read_log(file, keys_.wrappers, take));
  ignore_result(summary);
  return {};
}

Status Journal::append(ByteView records) {
  Bytes frame = to_bytes(records);
  const auto signature = keys_.signing_key->sign(signed_message(base_.directory_id, frames_++, records));
  frame.insert(frame.end(), signature.begin(), signature.end());
  return writer_->append(frame);
}

Status Journal::add(JournalEntry entry) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(entry));
  if (waiting_.size() < kBatch && monotonic_seconds() - flushed_at_ < kBatchSeconds) return {};
  return flush_locked();
}

Status Journal::flush() {
  const std::lock_guard lock(mutex_);
  return flush_locked();
}

Status Journal::flush_locked() {
  flushed_at_ = monotonic_seconds();
  if (waiting_.empty()) return {};
  CLOISTER_RETURN_IF_ERROR(sync_file_system(directory_));
  Writer records;
  for (const JournalEntry& entry : waiting_) {
    Writer one;
    write_journal_entry(entry, one);
    if (records.size() + one.size() + kSignatureSize > writer_->frame_capacity()) {
      CLOISTER_RETURN_IF_ERROR(append(records.view()));
      records = Writer();
    }
    records.bytes(one.view());
  }
  CLOISTER_RETURN_IF_ERROR(append(records.view()));
  if (settle_) CLOISTER_RETURN_IF_ERROR(settle_(waiting_));
  for (JournalEntry& entry : waiting_) done_.insert_or_assign(entry.object.original_name, std::move(entry));
  waiting_.clear();
  return {};
}

Status Journal::remove() {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return error_from_errno(errno, "remove " + path_.string());
  writer_.reset();  // the lock goes last: whoever waits for it finds that the journal is gone
  return sync_directory(directory_);
}

}  // namespace cloister::seal
