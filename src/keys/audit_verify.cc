#include "keys/audit_verify.h"

namespace cloister::keys {
namespace {

// A node that is kept, as it is kept.
Result<audit::Hash> kept_node(Connection& connection, const std::string& tree, const audit::NodeId& id) {
  Statement query(connection, "SELECT hash FROM nodes WHERE tree = $1 AND level = $2 AND node_index = $3");
  CLOISTER_TRY(const bool row, query.bind(tree).bind(std::uint64_t{id.level}).bind(id.index).step());
  audit::Hash hash{};
  if (!row) return hash;
  CLOISTER_RETURN_IF_ERROR(query.blob_into(hash));
  return hash;
}

Status check_node(Connection& connection, const std::string& tree, const audit::Node& node) {
  CLOISTER_TRY(const audit::Hash kept, kept_node(connection, tree, node.id));
  if (kept == node.hash) return {};
  return Error(Code::kCorrupt, "node " + std::to_string(node.id.index) + " of level " + std::to_string(node.id.level) +
                                   " of the tree " + tree + " is missing, or another than its rows make");
}

Result<std::uint64_t> count_nodes(Connection& connection) {
  Statement query(connection, "SELECT count(*) FROM nodes");
  CLOISTER_RETURN_IF_ERROR(query.expect_row());
  return static_cast<std::uint64_t>(query.number());
}

}  // namespace

Result<AuditSummary> verify_audit(Store& store) {
  audit::ChainVerifier verifier;
  std::uint64_t nodes = 0;
  const Status rows = store.for_each_audit_row([&](const audit::Row& row) -> Status {
    CLOISTER_RETURN_IF_ERROR(verifier.next(row));
    for (const audit::Node& node : verifier.completed()) {
      if (!is_kept(node.id)) continue;
      CLOISTER_RETURN_IF_ERROR(check_node(store.database(), row.tree(), node));
      ++nodes;
    }
    return {};
  });
  CLOISTER_RETURN_IF_ERROR(rows);
  CLOISTER_RETURN_IF_ERROR(verifier.finish());
  CLOISTER_TRY(const std::uint64_t kept, count_nodes(store.database()));
  // Those of rows that came meanwhile are more as well.
  CLOISTER_TRY(const AuditHead head, store.audit_head());
  if (kept > nodes && head.rows == verifier.rows()) {
    return Error(Code::kCorrupt, "the trees have " + std::to_string(kept - nodes) + " more nodes than their rows make");
  }
  return AuditSummary{verifier.rows(), verifier.head(), verifier.trees()};
}

}  // namespace cloister::keys
