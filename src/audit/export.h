// The exported log: every record of one tree and its signed head in one text file, written line by line and verified
// from nothing but the file and public keys. docs/formats/audit-log.md.
#pragma once

#include <functional>

#include "audit/checkpoint.h"
#include "audit/record.h"

namespace cloister::audit {

// Takes bytes in order. An error ends the export and is passed on.
using ByteSink = std::function<Status(ByteView)>;
// Fills the front of `out` and says with how many bytes; 0 at the end.
using ByteSource = std::function<Result<std::size_t>(MutableByteView out)>;

// Writes nothing verify_export() would refuse for a reason that can be seen without keys. One thread at a time.
class ExportWriter {
 public:
  // kInvalid for an origin that is none (origin.h).
  static Result<ExportWriter> begin(ByteSink sink, std::string origin);

  // Records from index 0 on, without gaps, of this tree. kInvalid for any other.
  Status add(const LogRecord& record);

  // kInvalid unless it is a checkpoint of this origin whose size and root are those of what was added. Nothing can be
  // added afterwards.
  Status finish(std::string_view checkpoint_note);

  const Frontier& frontier() const { return frontier_; }

 private:
  ExportWriter(ByteSink sink, std::string origin) : sink_(std::move(sink)), origin_(std::move(origin)) {}

  ByteSink sink_;
  std::string origin_;
  Frontier frontier_;
  bool finished_ = false;
};

struct ExportSummary {
  VerifiedCheckpoint checkpoint;
  std::optional<Time> earliest;  // of the records' times; nothing for an empty log
  std::optional<Time> latest;
};

// Reads to the end. Memory is bounded by the longest line, whatever the length of the log. Errors name the first line
// that is wrong ("line 17: …"): kCorrupt for lines that aren't what the format asks for and for records that aren't
// those that were signed; kDenied and kInvalid as verify_checkpoint(); kUnsupported for a newer version; errors of
// `source` as they are.
Result<ExportSummary> verify_export(const ByteSource& source, const CheckpointTrust& trust);

}  // namespace cloister::audit
