#include "seal/directory_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/reader.h"

namespace cloister::seal {
namespace {

constexpr std::string_view kMagic = "CLSRJNL1";
constexpr std::size_t kNameMax = 4096;
constexpr std::size_t kBatch = 256;
constexpr double kBatchSeconds = 1.0;

Status sync_file_system(const Path& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return error_from_errno(errno, "open " + directory.string());
  const int result = ::syncfs(descriptor);
  const int error_number = errno;
  ::close(descriptor);
  if (result != 0) return error_from_errno(error_number, "sync " + directory.string());
  return {};
}

void write_entry(const JournalEntry& entry, Writer& writer) {
  writer.u64(entry.source_size).u64(static_cast<std::uint64_t>(entry.source_modified_ns));
  writer.text16(entry.object.stored_name).text16(entry.object.original_name).u64(entry.object.plaintext_len);
  writer.u32(entry.object.mode).bytes(entry.object.object_id).bytes(entry.object.object_digest);
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
  return entry;
}

struct JournalHead {
  JournalWork work = JournalWork::kSeal;
  Id directory_id{};
};

Result<JournalHead> parse_head(Reader& reader) {
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "journal magic"));
  if (!equal(magic, as_bytes(kMagic))) return Error(Code::kCorrupt, "the journal has the wrong magic");
  JournalHead head;
  CLOISTER_TRY(const std::uint8_t work, reader.u8("journal work"));
  head.work = static_cast<JournalWork>(work);
  CLOISTER_RETURN_IF_ERROR(reader.fill(head.directory_id, "journal directory id"));
  return head;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(const Path& directory, JournalWork work, const SealOptions& object,
                                               const DirectoryKeys& keys, crypto::Random& random) {
  std::unique_ptr<Journal> journal(new Journal(directory, directory / kJournalName));
  std::optional<JournalHead> head;
  auto file = File::open(journal->path_);
  if (!file.ok() && file.error().code() != Code::kNotFound) return file.error();
  if (file.ok() && probe_log_started(*file)) {
    const auto take = [&](ByteView piece) -> Status {
      Reader reader(piece);
      if (!head) {
        CLOISTER_TRY(head, parse_head(reader));
      }
      while (!reader.at_end()) {
        CLOISTER_TRY(JournalEntry entry, parse_entry(reader));
        journal->done_.insert_or_assign(entry.object.original_name, std::move(entry));
      }
      return {};
    };
    CLOISTER_TRY(const LogSummary summary, read_log(*file, keys.wrappers, take));
    ignore_result(summary);
  }
  if (head && head->work != work) {
    return Error(Code::kExists, directory.string() + " holds other work that was interrupted: finish that first");
  }
  LogOptions options{object.suite, 16, object.context, {}};
  CLOISTER_TRY(LogWriter writer, LogWriter::open(journal->path_, options, keys.wrappers, random));
  journal->writer_.emplace(std::move(writer));
  journal->flushed_at_ = monotonic_seconds();
  journal->resumed_ = head.has_value();
  if (head) {
    journal->directory_id_ = head->directory_id;
    return journal;
  }
  journal->directory_id_ = crypto::random_array<16>(random);
  Writer start;
  start.bytes(as_bytes(kMagic)).u8(static_cast<std::uint8_t>(work)).bytes(journal->directory_id_);
  CLOISTER_RETURN_IF_ERROR(journal->writer_->append(start.view()));
  return journal;
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
  Writer frame;
  for (const JournalEntry& entry : waiting_) {
    Writer one;
    write_entry(entry, one);
    if (frame.size() + one.size() > writer_->frame_capacity()) {
      CLOISTER_RETURN_IF_ERROR(writer_->append(frame.view()));
      frame = Writer();
    }
    frame.bytes(one.view());
  }
  CLOISTER_RETURN_IF_ERROR(writer_->append(frame.view()));
  if (settle_) CLOISTER_RETURN_IF_ERROR(settle_(waiting_));
  for (JournalEntry& entry : waiting_) done_.insert_or_assign(entry.object.original_name, std::move(entry));
  waiting_.clear();
  return {};
}

Status Journal::remove() {
  writer_.reset();
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return error_from_errno(errno, "remove " + path_.string());
  return sync_directory(directory_);
}

}  // namespace cloister::seal
