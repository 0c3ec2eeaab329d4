// The audit table and the trees that its rows make: the newest row and its note, appending, reading.
// docs/formats/audit.md.
#pragma once

#include <map>

#include "audit/chain.h"
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

// The rows of one transaction. They come behind the newest that `latest` sees: nobody else may append until this one's
// transaction is over.
class AuditAppender {
 public:
  static Result<AuditAppender> begin(Connection& latest);

  struct Place {
    std::string tree;
    std::uint64_t index = 0;
  };
  // A row to be, and where its record stands. kCorrupt when its tree isn't what its newest row says.
  Result<Place> add(audit::Event event, const audit::Extras& extras);
  bool empty() const { return rows_.empty(); }
  // All of them, through `connection`, and the nodes of trees they completed. Returns the mark to leave. Ends this.
  Result<Mark> write(Connection& connection);

 private:
  struct Tree {
    audit::Frontier frontier;
    std::size_t newest = 0;  // in rows_
  };
  struct TreeNode {
    std::string tree;
    audit::Node node;
  };
  AuditAppender(Connection& latest, const AuditHead& head) : latest_(&latest), head_(head) {}
  Result<Tree*> tree(const std::string& name);

  Connection* latest_;
  AuditHead head_;
  std::vector<audit::Row> rows_;
  std::map<std::string, Tree> trees_;
  std::vector<TreeNode> nodes_;
};

// Rows that follow each other, as they are.
Status write_audit_rows(Connection& connection, std::span<const audit::Row> rows);
// At most `count_max` rows, in order, from the one after `sequence`.
Result<std::vector<audit::Row>> read_audit_rows(Connection& connection, std::uint64_t sequence,
                                                std::uint64_t count_max);

// Nodes of every eighth level are kept; those in between are computed from them, and the leaves are in the rows.
inline bool is_kept(const audit::NodeId& id) { return id.level != 0 && id.level % 8 == 0; }
Status write_node(Connection& connection, std::string_view tree, const audit::Node& node);

// The tree up to its newest leaf; the empty one when it has none. kCorrupt when its newest row doesn't say how it
// stands.
Result<audit::Frontier> read_tree(Connection& connection, std::string_view tree);
// Those that have leaves, in order.
Result<std::vector<std::string>> read_tree_names(Connection& connection);
// At most `count_max`, in order, from leaf `from` on.
Result<std::vector<audit::Row>> read_tree_rows(Connection& connection, std::string_view tree, std::uint64_t from,
                                               std::uint64_t count_max);
// kNotFound for a node that isn't complete.
Result<audit::Hash> read_node(Connection& connection, std::string_view tree, const audit::NodeId& id);

}  // namespace cloister::keys
