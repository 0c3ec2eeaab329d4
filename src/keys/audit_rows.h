// The audit table: the newest row and its note, appending, reading. docs/formats/audit.md.
#pragma once

#include "audit/event.h"
#include "keys/database.h"

namespace cloister::keys {

// The newest audit row: noted elsewhere, it anchors every row up to it.
struct AuditHead {
  std::uint64_t rows = 0;
  audit::RowHash hash{};
};

// AU-4: how a store notes its newest row.
Mark audit_mark(const AuditHead& head);

// kCorrupt unless the newest row is the one that was noted.
Result<AuditHead> read_audit_head(Connection& connection);
// Chains `event` to the newest row that `latest` sees, writes it through `connection` and returns the mark to leave.
Result<Mark> append_audit_row(Connection& connection, Connection& latest, const audit::Event& event);

Status write_audit_row(Connection& connection, const audit::Row& row);
// At most `count_max` rows, in order, from the one after `sequence`.
Result<std::vector<audit::Row>> read_audit_rows(Connection& connection, std::uint64_t sequence,
                                                std::uint64_t count_max);

}  // namespace cloister::keys
