#include "keys/audit_upgrade.h"

#include <functional>

#include "audit/origin.h"
#include "keys/audit_rows.h"
#include "keys/sqlite.h"

namespace cloister::keys {
namespace {

constexpr std::uint64_t kRowsAtOnce = 256;

Result<audit::Row> read_older_row(Statement& row) {
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

using Piece = std::vector<audit::Row>;

Status for_each_piece(Connection& connection, const std::function<Status(Piece&)>& body) {
  std::uint64_t sequence = 0;
  while (true) {
    Piece piece;
    Statement rows(connection,
                   "SELECT sequence, time_ms, actor, action, tenant, subject, outcome, detail, previous, hash "
                   "FROM audit_1 WHERE sequence > $1 ORDER BY sequence LIMIT $2");
    rows.bind(sequence).bind(kRowsAtOnce);
    while (true) {
      CLOISTER_TRY(const bool more, rows.step());
      if (!more) break;
      CLOISTER_TRY(audit::Row row, read_older_row(rows));
      piece.push_back(std::move(row));
    }
    if (piece.empty()) return {};
    sequence = piece.back().sequence;
    CLOISTER_RETURN_IF_ERROR(body(piece));
  }
}

Result<std::map<std::string, std::uint64_t>> newest_of_trees(Connection& connection) {
  std::map<std::string, std::uint64_t> newest;
  CLOISTER_RETURN_IF_ERROR(for_each_piece(connection, [&](const Piece& piece) -> Status {
    for (const audit::Row& row : piece) newest[row.tree()] = row.sequence;
    return {};
  }));
  return newest;
}

}  // namespace

Status rows_become_leaves(Connection& connection) {
  CLOISTER_TRY(const auto moved_to, sqlite_moved_to(connection));
  if (moved_to) return Error(Code::kDenied, "it was moved to " + *moved_to);
  CLOISTER_TRY(const auto newest, newest_of_trees(connection));
  std::map<std::string, audit::Frontier> trees;
  audit::RowHash head{};
  const Status filled = for_each_piece(connection, [&](Piece& piece) -> Status {
    for (audit::Row& row : piece) {
      const std::string name = "upgrade the audit: row " + std::to_string(row.sequence);
      // A chain that doesn't hold must not be made to look as if it had been right until today.
      CLOISTER_RETURN_IF_ERROR(check_recordable(row.event).with_context(name));
      if (row.previous != head || row.hash != older_row_hash(row.sequence, row.previous, row.event)) {
        return Error(Code::kCorrupt, name + " was changed after it was written");
      }
      head = row.hash;
      const std::string tree_name = row.tree();
      audit::Frontier& tree = trees[tree_name];
      row.index = tree.size();
      row.leaf = audit::leaf_hash(row.record().encode());
      CLOISTER_TRY(const auto completed, tree.append(row.leaf));
      for (const audit::Node& node : completed) {
        if (is_kept(node.id)) CLOISTER_RETURN_IF_ERROR(write_node(connection, tree_name, node));
      }
      if (newest.at(tree_name) == row.sequence) row.peaks = tree.peaks();
    }
    return write_audit_rows(connection, piece);
  });
  CLOISTER_RETURN_IF_ERROR(filled);
  return Statement(connection, "DROP TABLE audit_1").execute();
}

}  // namespace cloister::keys
