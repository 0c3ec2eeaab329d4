#include "keys/audit_rows.h"

#include <algorithm>
#include <bit>

#include "audit/origin.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kRowColumns =
    "sequence, time_ms, actor, action, tenant, subject, outcome, detail, previous, hash, tree_index, leaf, extras, "
    "peaks";
constexpr std::size_t kRowsAtOnceMax = 32;

Bytes peaks_bytes(const std::vector<audit::Hash>& peaks) {
  Bytes bytes;
  bytes.reserve(peaks.size() * sizeof(audit::Hash));
  for (const audit::Hash& peak : peaks) bytes.insert(bytes.end(), peak.begin(), peak.end());
  return bytes;
}

Result<std::vector<audit::Hash>> parse_peaks(const Bytes& bytes) {
  if (bytes.size() % sizeof(audit::Hash) != 0) return Error(Code::kCorrupt, "store: a tree's hashes are cut");
  std::vector<audit::Hash> peaks(bytes.size() / sizeof(audit::Hash));
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(i * sizeof(audit::Hash)), sizeof(audit::Hash),
                peaks[i].begin());
  }
  return peaks;
}

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
  read.index = static_cast<std::uint64_t>(row.number());
  CLOISTER_RETURN_IF_ERROR(row.blob_into(read.leaf));
  CLOISTER_TRY(read.extras, audit::Extras::parse(row.blob()).with_context("store: an audit row"));
  CLOISTER_TRY(read.peaks, parse_peaks(row.blob()));
  CLOISTER_RETURN_IF_ERROR(row.row_status());
  return read;
}

Result<std::vector<audit::Row>> read_rows(Statement rows) {
  std::vector<audit::Row> read;
  while (true) {
    CLOISTER_TRY(const bool more, rows.step());
    if (!more) return read;
    CLOISTER_TRY(audit::Row row, read_row(rows));
    read.push_back(std::move(row));
  }
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

// One statement for that many rows: powers of two, so that few shapes are ever prepared.
std::string insert_rows_sql(std::size_t count) {
  constexpr std::size_t kColumns = 15;
  std::string sql = "INSERT INTO audit VALUES ";
  for (std::size_t i = 0; i < count; ++i) {
    sql += i == 0 ? "(" : ", (";
    for (std::size_t c = 1; c <= kColumns; ++c) sql += (c == 1 ? "$" : ", $") + std::to_string(i * kColumns + c);
    sql += ")";
  }
  return sql;
}

void bind_row(Statement& statement, const audit::Row& row) {
  statement.bind(row.sequence).bind(row.event.time.unix_ms).bind(row.event.actor).bind(row.event.action);
  statement.bind(row.event.tenant).bind(row.event.subject).bind(audit::outcome_name(row.event.outcome));
  statement.bind(row.event.detail).bind_blob(row.previous).bind_blob(row.hash);
  statement.bind(row.tree()).bind(row.index).bind_blob(row.leaf).bind_blob(row.extras.encode());
  statement.bind_blob(peaks_bytes(row.peaks));
}

// The nodes of a level that is kept, or the leaves.
Result<std::vector<audit::Hash>> read_level(Connection& connection, std::string_view tree, unsigned level,
                                            std::uint64_t first, std::uint64_t count) {
  Statement query(connection, level == 0
                                  ? "SELECT leaf FROM audit WHERE tree = $1 AND tree_index >= $2 AND tree_index < $3 "
                                    "ORDER BY tree_index"
                                  : "SELECT hash FROM nodes WHERE tree = $1 AND node_index >= $2 AND node_index < $3 "
                                    "AND level = $4 ORDER BY node_index");
  query.bind(tree).bind(first).bind(first + count);
  if (level != 0) query.bind(std::uint64_t{level});
  std::vector<audit::Hash> hashes;
  while (true) {
    CLOISTER_TRY(const bool more, query.step());
    if (!more) return hashes;
    CLOISTER_RETURN_IF_ERROR(query.blob_into(hashes.emplace_back()));
  }
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

Result<AuditAppender> AuditAppender::begin(Connection& latest) {
  CLOISTER_TRY(const AuditHead head, read_audit_head(latest));
  return AuditAppender(latest, head);
}

Result<AuditAppender::Tree*> AuditAppender::tree(const std::string& name) {
  const auto known = trees_.find(name);
  if (known != trees_.end()) return &known->second;
  CLOISTER_TRY(audit::Frontier frontier, read_tree(*latest_, name));
  return &trees_.emplace(name, Tree{std::move(frontier), 0}).first->second;
}

Result<AuditAppender::Place> AuditAppender::add(audit::Event event, const audit::Extras& extras) {
  const std::string name = audit::tree_name(event.tenant);
  CLOISTER_TRY(Tree * grown, tree(name));
  audit::Row row = audit::make_row(grown->frontier.size(), std::move(event), extras);
  CLOISTER_TRY(const auto completed, grown->frontier.append(row.leaf));
  for (const audit::Node& node : completed) {
    if (is_kept(node.id)) nodes_.push_back({name, node});
  }
  grown->newest = rows_.size();
  Place place{name, row.index};
  rows_.push_back(std::move(row));
  return place;
}

Result<Mark> AuditAppender::write(Connection& connection) {
  for (const auto& [name, tree] : trees_) rows_[tree.newest].peaks = tree.frontier.peaks();
  for (audit::Row& row : rows_) {
    audit::chain(row, head_.rows + 1, head_.hash);
    head_ = {row.sequence, row.hash};
  }
  CLOISTER_RETURN_IF_ERROR(write_audit_rows(connection, rows_));
  for (const TreeNode& node : nodes_) CLOISTER_RETURN_IF_ERROR(write_node(connection, node.tree, node.node));
  return audit_mark(head_);
}

Status write_audit_rows(Connection& connection, std::span<const audit::Row> rows) {
  while (!rows.empty()) {
    const std::size_t count = std::min(kRowsAtOnceMax, std::bit_floor(rows.size()));
    Statement statement(connection, insert_rows_sql(count));
    for (const audit::Row& row : rows.first(count)) bind_row(statement, row);
    CLOISTER_RETURN_IF_ERROR(statement.execute());
    rows = rows.subspan(count);
  }
  return {};
}

Result<std::vector<audit::Row>> read_audit_rows(Connection& connection, std::uint64_t sequence,
                                                std::uint64_t count_max) {
  Statement rows(connection,
                 "SELECT " + std::string(kRowColumns) + " FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2");
  rows.bind(sequence).bind(count_max);
  return read_rows(std::move(rows));
}

Status write_node(Connection& connection, std::string_view tree, const audit::Node& node) {
  Statement statement(connection, "INSERT INTO nodes VALUES ($1, $2, $3, $4)");
  statement.bind(tree).bind(std::uint64_t{node.id.level}).bind(node.id.index).bind_blob(node.hash);
  return statement.execute();
}

Result<audit::Frontier> read_tree(Connection& connection, std::string_view tree) {
  Statement newest(connection, "SELECT tree_index, peaks FROM audit WHERE tree = $1 ORDER BY tree_index DESC LIMIT 1");
  CLOISTER_TRY(const bool row, newest.bind(tree).step());
  if (!row) return audit::Frontier();
  const auto size = static_cast<std::uint64_t>(newest.number()) + 1;
  CLOISTER_TRY(auto peaks, parse_peaks(newest.blob()));
  CLOISTER_RETURN_IF_ERROR(newest.row_status());
  auto frontier = audit::Frontier::restore(size, std::move(peaks));
  if (frontier.ok()) return frontier;
  return Error(Code::kCorrupt, "the newest row of the tree " + std::string(tree) +
                                   " doesn't say how the tree stands: rows were removed or changed behind our back");
}

Result<std::vector<std::string>> read_tree_names(Connection& connection) {
  std::vector<std::string> names;
  std::string last;
  while (true) {
    // One step in the index for each, however many leaves they have.
    Statement next(connection, "SELECT tree FROM audit WHERE tree > $1 ORDER BY tree LIMIT 1");
    CLOISTER_TRY(const bool row, next.bind(last).step());
    if (!row) return names;
    last = next.text();
    CLOISTER_RETURN_IF_ERROR(next.row_status());
    names.push_back(last);
  }
}

Result<std::vector<audit::Row>> read_tree_rows(Connection& connection, std::string_view tree, std::uint64_t from,
                                               std::uint64_t count_max) {
  Statement rows(connection, "SELECT " + std::string(kRowColumns) +
                                 " FROM audit WHERE tree = $1 AND tree_index >= $2 ORDER BY tree_index LIMIT $3");
  rows.bind(tree).bind(from).bind(count_max);
  return read_rows(std::move(rows));
}

Result<audit::Hash> read_node(Connection& connection, std::string_view tree, const audit::NodeId& id) {
  const Error incomplete(Code::kNotFound, "node " + std::to_string(id.index) + " of level " + std::to_string(id.level) +
                                              " isn't complete in the tree " + std::string(tree));
  if (id.level > 62 || id.index >= (audit::kTreeSizeMax >> id.level)) return incomplete;
  const unsigned above = id.level % 8;
  const std::uint64_t count = std::uint64_t{1} << above;
  CLOISTER_TRY(auto hashes, read_level(connection, tree, id.level - above, id.index << above, count));
  if (hashes.size() != count) return incomplete;
  for (; hashes.size() > 1; hashes.resize(hashes.size() / 2)) {
    for (std::size_t i = 0; i < hashes.size() / 2; ++i) hashes[i] = audit::node_hash(hashes[2 * i], hashes[2 * i + 1]);
  }
  return hashes[0];
}

}  // namespace cloister::keys
