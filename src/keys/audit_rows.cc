#include "keys/audit_rows.h"

namespace cloister::keys {
namespace {

Result<audit::Row> read_row(Statement& row) {
  audit::Row read;
  read.sequence = static_cast<std::uint64_t>(row.number());
  read.event.time = Time{row.number()};
  read.event.actor = row.text();
  read.event.action = row.text();
  read.event.tenant = row.text();
  read.event.subject = row.text();
  CLOISTER_TRY(read.event.outcome, audit::parse_outcome(row.text()));
  read.event.detail = row.text();
  CLOISTER_RETURN_IF_ERROR(row.blob_into(read.previous));
  CLOISTER_RETURN_IF_ERROR(row.blob_into(read.hash));
  CLOISTER_RETURN_IF_ERROR(row.row_status());
  return read;
}

Result<AuditHead> newest_row(Connection& connection) {
  Statement newest(connection, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1");
  CLOISTER_TRY(const bool row, newest.step());
  AuditHead head;
  if (!row) return head;
  head.rows = static_cast<std::uint64_t>(newest.number());
  CLOISTER_RETURN_IF_ERROR(newest.blob_into(head.hash));
  return head;
}

}  // namespace

Mark audit_mark(const AuditHead& head) { return {head.rows, std::to_string(head.rows) + ":" + to_hex(head.hash)}; }

Result<AuditHead> read_audit_head(Connection& connection) {
  CLOISTER_TRY(const AuditHead head, newest_row(connection));
  CLOISTER_TRY(const auto noted, connection.newest_mark());
  if (!noted && head.rows == 0) return head;
  if (!noted || *noted != audit_mark(head).text) {
    return Error(Code::kCorrupt, "the audit ends at row " + std::to_string(head.rows) +
                                     ", which isn't its recorded head: rows were removed or added behind our back");
  }
  return head;
}

Result<Mark> append_audit_row(Connection& connection, Connection& latest, const audit::Event& event) {
  CLOISTER_TRY(const AuditHead head, read_audit_head(latest));
  const audit::Row row = audit::chain(head.rows + 1, head.hash, event);
  CLOISTER_RETURN_IF_ERROR(write_audit_row(connection, row));
  return audit_mark({row.sequence, row.hash});
}

Status write_audit_row(Connection& connection, const audit::Row& row) {
  Statement statement(connection, "INSERT INTO audit VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
  statement.bind(row.sequence).bind(row.event.time.unix_ms).bind(row.event.actor).bind(row.event.action);
  statement.bind(row.event.tenant).bind(row.event.subject).bind(audit::outcome_name(row.event.outcome));
  statement.bind(row.event.detail).bind_blob(row.previous).bind_blob(row.hash);
  return statement.execute();
}

Result<std::vector<audit::Row>> read_audit_rows(Connection& connection, std::uint64_t sequence,
                                                std::uint64_t count_max) {
  Statement rows(connection,
                 "SELECT sequence, time_ms, actor, action, tenant, subject, outcome, detail, previous, hash "
                 "FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2");
  rows.bind(sequence).bind(count_max);
  std::vector<audit::Row> read;
  while (true) {
    CLOISTER_TRY(const bool more, rows.step());
    if (!more) return read;
    CLOISTER_TRY(audit::Row row, read_row(rows));
    read.push_back(std::move(row));
  }
}

}  // namespace cloister::keys
