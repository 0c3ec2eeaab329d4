// One record of the audit log and its one encoding, the leaf of the tenant's Merkle tree. docs/formats/audit-log.md.
#pragma once

#include "audit/event.h"
#include "audit/extras.h"

namespace cloister::audit {

inline constexpr std::size_t kRecordSizeMax = 11'486;
inline constexpr std::int64_t kRecordTimeMax = 253'402'300'799'999;  // the end of year 9999

// Always encodable: whoever has one has every field within its bound.
class LogRecord {
 public:
  // For writers: refuses nothing. Texts are made recordable(), a time out of bounds is moved to the nearer bound.
  // An index above kNumberMax stops the process.
  static LogRecord make(std::uint64_t index, Event event, Extras extras);
  // For readers of other forms: kCorrupt, naming the field, for what make() would have had to change.
  static Result<LogRecord> check(std::uint64_t index, Event event, Extras extras);
  // kUnsupported for another version; kCorrupt for anything but what encode() gives.
  static Result<LogRecord> parse(ByteView bytes);

  std::uint64_t index() const { return index_; }  // the leaf's position in its tree, from 0
  const Event& event() const { return event_; }
  const Extras& extras() const { return extras_; }

  Bytes encode() const;

 private:
  LogRecord(std::uint64_t index, Event event, Extras extras)
      : index_(index), event_(std::move(event)), extras_(std::move(extras)) {}

  std::uint64_t index_;
  Event event_;
  Extras extras_;
};

}  // namespace cloister::audit
