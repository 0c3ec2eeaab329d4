// A Merkle tree over leaves that are only appended: its hashes, the frontier that grows it, proofs, and their
// verification. Pure: nodes come from and go to whoever stores them. RFC 9162 section 2.1; docs/formats/audit-log.md.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "crypto/hash.h"

namespace cloister::audit {

using Hash = crypto::Sha256Digest;

inline constexpr std::uint64_t kTreeSizeMax = std::uint64_t{1} << 62;

Hash leaf_hash(ByteView record);                      // SHA-256(00 || record)
Hash node_hash(const Hash& left, const Hash& right);  // SHA-256(01 || left || right)
Hash empty_root();                                    // SHA-256("")

// The node over leaves index * 2^level up to, not including, (index + 1) * 2^level. Level 0 are the leaf hashes.
struct NodeId {
  unsigned level = 0;
  std::uint64_t index = 0;
  friend bool operator==(const NodeId&, const NodeId&) = default;
};

// A complete node: all its leaves exist, so it never changes.
struct Node {
  NodeId id;
  Hash hash{};
};

// What must be kept of a tree to append to it and to know its root: at most 62 hashes. One thread at a time.
class Frontier {
 public:
  Frontier() = default;  // the empty tree
  // From the roots of the largest complete subtrees, left to right, as peaks() gave them. kInvalid for a size over
  // kTreeSizeMax or another number of peaks than the size has bits that are 1. The hashes aren't checked: compare
  // root().
  static Result<Frontier> restore(std::uint64_t size, std::vector<Hash> peaks);

  std::uint64_t size() const { return size_; }
  const std::vector<Hash>& peaks() const { return peaks_; }

  // The nodes that became complete, the leaf first, each the parent of the one before. The view is good until the next
  // append. kInvalid when the tree is full.
  Result<std::span<const Node>> append(const Hash& leaf);
  Hash root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Hash> peaks_;
  std::vector<Node> completed_;
};

// Reads a complete node. An error it returns ends the work and is passed on.
using NodeReader = std::function<Result<Hash>(const NodeId&)>;

// Root of the first `size` leaves. kInvalid for a size over kTreeSizeMax.
Result<Hash> root_at(std::uint64_t size, const NodeReader& read);

// RFC 9162 2.1.3.1, from the leaf up. kInvalid unless index < size <= kTreeSizeMax.
Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& read);

// RFC 9162 2.1.4.1. kInvalid unless 0 < older <= newer <= kTreeSizeMax; for equal sizes the proof is empty.
Result<std::vector<Hash>> consistency_proof(std::uint64_t older, std::uint64_t newer, const NodeReader& read);

// A tree's size and root, as a checkpoint states them.
struct TreeHead {
  std::uint64_t size = 0;
  Hash root{};
  friend bool operator==(const TreeHead&, const TreeHead&) = default;
};

// kInvalid for sizes no proof exists for (as above), kCorrupt when the proof has one hash more or less than the sizes
// ask for, or doesn't lead to the root.
Status verify_inclusion(const Hash& leaf, std::uint64_t index, const TreeHead& head, std::span<const Hash> proof);

// The same codes. A proof from the empty tree would prove nothing and is refused.
Status verify_consistency(const TreeHead& older, const TreeHead& newer, std::span<const Hash> proof);

}  // namespace cloister::audit
