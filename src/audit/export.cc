#include "audit/export.h"

#include <algorithm>

#include "audit/export_line.h"
#include "audit/origin.h"

namespace cloister::audit {
namespace {

constexpr std::size_t kReadSize = 65'536;

// Lines of at most kExportLineSizeMax bytes, each ended by a line feed.
class LineReader {
 public:
  explicit LineReader(const ByteSource& source) : source_(source), buffer_(kReadSize) {}

  // The next line without its line feed, good until the next call; nothing at the end.
  Result<std::optional<std::string_view>> next() {
    line_.clear();
    while (true) {
      const std::string_view ready = as_text(ByteView(buffer_).subspan(begin_, end_ - begin_));
      const std::size_t feed = ready.find('\n');
      const std::size_t count = std::min(feed, ready.size());
      if (line_.size() + count > kExportLineSizeMax) return Error(Code::kCorrupt, "it is over 262144 bytes");
      line_ += ready.substr(0, count);
      begin_ += count;
      if (feed != std::string_view::npos) {
        ++begin_;
        return std::optional<std::string_view>(line_);
      }
      CLOISTER_TRY(const std::size_t read, source_(buffer_));
      begin_ = 0;
      end_ = read;
      if (read != 0) continue;
      if (!line_.empty()) return Error(Code::kCorrupt, "it ends without a line feed");
      return std::optional<std::string_view>();
    }
  }

 private:
  const ByteSource& source_;
  Bytes buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string line_;
};

Status check_against(const Checkpoint& checkpoint, const Frontier& frontier) {
  if (checkpoint.head.size != frontier.size()) {
    return Error(Code::kCorrupt, "the checkpoint is of " + std::to_string(checkpoint.head.size) +
                                     " records, there are " + std::to_string(frontier.size()));
  }
  if (checkpoint.head.root == frontier.root()) return {};
  return Error(Code::kCorrupt,
               "the records don't have the root that was signed: one or more were changed, and their leaves with them");
}

// What has been read so far, and whether the next line fits it.
class ExportVerifier {
 public:
  explicit ExportVerifier(const CheckpointTrust& trust) : trust_(trust) {}

  bool finished() const { return summary_.has_value(); }
  Result<ExportSummary> summary() { return std::move(*summary_); }

  Status take(std::string_view line) {
    if (finished()) return Error(Code::kCorrupt, "it comes after the checkpoint");
    CLOISTER_TRY(const ExportLine parsed, parse_export_line(line));
    const auto* header = std::get_if<ExportHeader>(&parsed);
    if ((header != nullptr) == started_) {
      return Error(Code::kCorrupt, started_ ? "it is a second header" : "it isn't a header");
    }
    if (header != nullptr) return take_header(*header);
    if (const auto* record = std::get_if<ExportRecord>(&parsed)) return take_record(*record);
    return take_checkpoint(std::get<ExportCheckpoint>(parsed));
  }

 private:
  Status take_header(const ExportHeader& header) {
    started_ = true;
    if (!check_origin(header.origin).ok()) return Error(Code::kCorrupt, "its origin isn't that of an audit log");
    if (header.origin == trust_.log_key.name()) return {};
    return Error(Code::kDenied, "the log is " + header.origin + ", the trusted key of " + trust_.log_key.name());
  }

  Status take_record(const ExportRecord& line) {
    const LogRecord& record = line.record;
    if (record.index() != frontier_.size()) {
      return Error(Code::kCorrupt, "record " + std::to_string(record.index()) + " stands where record " +
                                       std::to_string(frontier_.size()) + " belongs");
    }
    if (!belongs_to_tree(trust_.log_key.name(), record.event().tenant)) {
      return Error(Code::kCorrupt, "the record is of another tenant than the log");
    }
    const Hash leaf = leaf_hash(record.encode());
    if (leaf != line.leaf)
      return Error(Code::kCorrupt, "the record was changed: its fields don't have the stated leaf");
    const Time time = record.event().time;
    earliest_ = std::min(earliest_.value_or(time), time);
    latest_ = std::max(latest_.value_or(time), time);
    return frontier_.append(leaf).ok() ? Status() : Error(Code::kCorrupt, "the log has too many records");
  }

  Status take_checkpoint(const ExportCheckpoint& line) {
    CLOISTER_TRY(auto verified, verify_checkpoint(line.note, trust_));
    CLOISTER_RETURN_IF_ERROR(check_against(verified.checkpoint, frontier_));
    summary_ = ExportSummary{std::move(verified), earliest_, latest_};
    return {};
  }

  const CheckpointTrust& trust_;
  bool started_ = false;
  Frontier frontier_;
  std::optional<Time> earliest_;
  std::optional<Time> latest_;
  std::optional<ExportSummary> summary_;
};

}  // namespace

Result<ExportWriter> ExportWriter::begin(ByteSink sink, std::string origin) {
  CLOISTER_RETURN_IF_ERROR(check_origin(origin));
  ExportWriter writer(std::move(sink), std::move(origin));
  CLOISTER_RETURN_IF_ERROR(writer.sink_(as_bytes(export_header_line(writer.origin_))));
  return writer;
}

Status ExportWriter::add(const LogRecord& record) {
  if (finished_) return Error(Code::kInvalid, "the export is finished");
  if (record.index() != frontier_.size()) {
    return Error(Code::kInvalid, "record " + std::to_string(record.index()) + " was given where record " +
                                     std::to_string(frontier_.size()) + " is due");
  }
  if (!belongs_to_tree(origin_, record.event().tenant)) {
    return Error(Code::kInvalid, "record " + std::to_string(record.index()) + " isn't of the tree " + origin_);
  }
  CLOISTER_RETURN_IF_ERROR(sink_(as_bytes(export_record_line(record))));
  CLOISTER_TRY([[maybe_unused]] const auto completed, frontier_.append(leaf_hash(record.encode())));
  return {};
}

Status ExportWriter::finish(std::string_view checkpoint_note) {
  if (finished_) return Error(Code::kInvalid, "the export is finished");
  const auto note = parse_note(checkpoint_note);
  if (!note.ok()) return Error(Code::kInvalid, note.error().message());
  const auto checkpoint = parse_checkpoint(note->text);
  if (!checkpoint.ok()) return Error(Code::kInvalid, checkpoint.error().message());
  if (checkpoint->origin != origin_) return Error(Code::kInvalid, "the checkpoint is of " + checkpoint->origin);
  const Status fits = check_against(*checkpoint, frontier_);
  if (!fits.ok()) return Error(Code::kInvalid, fits.error().message());
  const std::string line = export_checkpoint_line(checkpoint_note);
  if (line.size() > kExportLineSizeMax) return Error(Code::kInvalid, "the checkpoint is too long for a line");
  finished_ = true;
  return sink_(as_bytes(line));
}

Result<ExportSummary> verify_export(const ByteSource& source, const CheckpointTrust& trust) {
  CLOISTER_RETURN_IF_ERROR(check_trust(trust));
  LineReader lines(source);
  ExportVerifier verifier(trust);
  for (std::uint64_t number = 1;; ++number) {
    const std::string name = "line " + std::to_string(number);
    CLOISTER_TRY(const auto line, lines.next().with_context(name));
    if (line) {
      CLOISTER_RETURN_IF_ERROR(verifier.take(*line).with_context(name));
      continue;
    }
    if (verifier.finished()) return verifier.summary();
    return Error(Code::kCorrupt, name + ": the file ends here, without a checkpoint");
  }
}

}  // namespace cloister::audit
