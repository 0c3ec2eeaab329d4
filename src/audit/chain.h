// The rows of a store's audit: each chained to the one before by its hash, and each the next leaf of its tenant's tree.
// docs/formats/audit.md.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "audit/merkle.h"
#include "audit/record.h"

namespace cloister::audit {

using RowHash = crypto::Sha256Digest;

struct Row {
  std::uint64_t sequence = 0;  // 1, 2, 3, … without gaps
  Event event;
  Extras extras;
  std::uint64_t index = 0;  // of the leaf in its tree
  Hash leaf{};
  // Of the tree up to this leaf, as Frontier::peaks(). Only the last of the rows that were written together with it has
  // them, in each tree.
  std::vector<Hash> peaks;
  RowHash previous{};  // of the row before; zero for the first
  RowHash hash{};

  std::string tree() const;  // tree_name() of its tenant
  LogRecord record() const;  // whose leaf it is
};

// A row that isn't chained yet. The event is made as a record holds it: recordable(), in_its_tree(), its time in
// bounds.
Row make_row(std::uint64_t index, Event event, const Extras& extras);

// hash = SHA-256(lp("CLSR1 audit 2") || u64 sequence || previous || leaf || lp(peaks)).
void chain(Row& row, std::uint64_t sequence, const RowHash& previous);

// How rows were chained before they had leaves: the fields of the event in place of leaf and peaks.
RowHash older_row_hash(std::uint64_t sequence, const RowHash& previous, const Event& event);

// Checks rows one after the other, from the first, and grows every tree anew from them.
class ChainVerifier {
 public:
  // kCorrupt at the first row that was changed, left out, put in or moved, in the chain or in its tree.
  Status next(const Row& row);
  // After the last: kCorrupt where a tree's newest row doesn't say how the tree stands.
  Status finish() const;

  std::uint64_t rows() const { return sequence_; }
  const RowHash& head() const { return head_; }
  // By their names in this server.
  std::map<std::string, TreeHead> trees() const;
  // The nodes that the last row completed, its leaf first. Good until the next one.
  std::span<const Node> completed() const { return completed_; }

 private:
  struct Tree {
    Frontier frontier;
    bool stated = false;  // by the newest row
  };
  Result<bool> is_current_form(const Row& row, const std::string& name) const;
  Status grow(const Row& row, const std::string& name);

  std::uint64_t sequence_ = 0;
  RowHash head_{};
  std::map<std::string, Tree> trees_;
  std::span<const Node> completed_;
  bool saw_current_form_ = false;
};

}  // namespace cloister::audit
