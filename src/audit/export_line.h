// The lines of an exported audit log: JSON of one fixed shape. docs/formats/audit-log.md.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "audit/merkle.h"
#include "audit/record.h"

namespace cloister::audit {

inline constexpr std::size_t kExportLineSizeMax = 262'144;  // without its line feed

struct ExportHeader {
  std::string origin;
};

struct ExportRecord {
  LogRecord record;
  Hash leaf{};  // as the line states it, which need not be the record's
};

struct ExportCheckpoint {
  std::string note;
};

using ExportLine = std::variant<ExportHeader, ExportRecord, ExportCheckpoint>;

// `line` comes without its line feed. kCorrupt for what isn't one of the three, kUnsupported for a header of a newer
// version and a record with an extra by a name this program doesn't know.
Result<ExportLine> parse_export_line(std::string_view line);

// Each with its line feed.
std::string export_header_line(std::string_view origin);
std::string export_record_line(const LogRecord& record);
std::string export_checkpoint_line(std::string_view note);

}  // namespace cloister::audit
