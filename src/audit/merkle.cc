#include "audit/merkle.h"

#include <algorithm>
#include <bit>

namespace cloister::audit {
namespace {

std::size_t count_of_ones(std::uint64_t value) { return static_cast<std::size_t>(std::popcount(value)); }

// The largest power of two below `size`, which is at least 2: where RFC 9162 splits a tree.
std::uint64_t split_of(std::uint64_t size) { return std::bit_floor(size - 1); }

// Roots of complete subtrees, left to right, make one root: the rightmost two first.
Hash fold(std::span<const Hash> peaks) {
  Hash root = peaks.back();
  for (std::size_t i = peaks.size() - 1; i-- > 0;) root = node_hash(peaks[i], root);
  return root;
}

// Root over `count` > 0 leaves from `begin`, a multiple of the smallest power of two that isn't below count.
Result<Hash> range_root(std::uint64_t begin, std::uint64_t count, const NodeReader& read) {
  std::vector<Hash> peaks;
  while (count != 0) {
    const auto level = static_cast<unsigned>(std::bit_width(count) - 1);
    CLOISTER_TRY(const Hash hash, read(NodeId{level, begin >> level}));
    peaks.push_back(hash);
    begin += std::uint64_t{1} << level;
    count -= std::uint64_t{1} << level;
  }
  return fold(peaks);
}

// One step of a verifier from a node to its parent: `last` is the position of the rightmost node of the level.
struct Climb {
  std::uint64_t at;
  std::uint64_t last;

  bool at_root() const { return last == 0; }
  bool sibling_is_left() const { return (at & 1) != 0 || at == last; }
  void up() {
    // A rightmost node without a sibling is its own parent, until there is one to its left.
    if (at == last) {
      while ((at & 1) == 0 && at != 0) up_one();
    }
    up_one();
  }
  void up_one() {
    at >>= 1;
    last >>= 1;
  }
};

Error size_error(std::string_view what) { return Error(Code::kInvalid, std::string(what)); }

Status check_inclusion_sizes(std::uint64_t index, std::uint64_t size) {
  if (size > kTreeSizeMax) return size_error("a tree has at most 2^62 leaves");
  if (index < size) return {};
  return size_error("leaf " + std::to_string(index) + " isn't in a tree of " + std::to_string(size));
}

Status check_consistency_sizes(std::uint64_t older, std::uint64_t newer) {
  if (newer > kTreeSizeMax) return size_error("a tree has at most 2^62 leaves");
  if (older == 0) return size_error("there is no consistency proof from an empty tree: everything follows it");
  if (older <= newer) return {};
  return size_error("a tree of " + std::to_string(newer) + " leaves can't have grown out of one of " +
                    std::to_string(older));
}

Error proof_size_error(std::string_view kind) {
  return Error(Code::kCorrupt, "the " + std::string(kind) + " proof has the wrong number of hashes");
}

}  // namespace

Hash leaf_hash(ByteView record) {
  static constexpr std::uint8_t kPrefix[] = {0};
  crypto::Sha256 hash;
  hash.update(kPrefix);
  hash.update(record);
  return hash.finish();
}

Hash node_hash(const Hash& left, const Hash& right) {
  std::array<std::uint8_t, 1 + 2 * sizeof(Hash)> bytes;
  bytes[0] = 1;
  std::ranges::copy(left, bytes.begin() + 1);
  std::ranges::copy(right, bytes.begin() + 1 + sizeof(Hash));
  return crypto::sha256(bytes);
}

Hash empty_root() { return crypto::sha256({}); }

Result<Frontier> Frontier::restore(std::uint64_t size, std::vector<Hash> peaks) {
  if (size > kTreeSizeMax) return size_error("a tree has at most 2^62 leaves");
  if (peaks.size() != count_of_ones(size)) {
    return size_error("a frontier of " + std::to_string(size) + " leaves has " + std::to_string(count_of_ones(size)) +
                      " hashes, not " + std::to_string(peaks.size()));
  }
  Frontier frontier;
  frontier.size_ = size;
  frontier.peaks_ = std::move(peaks);
  return frontier;
}

Result<std::span<const Node>> Frontier::append(const Hash& leaf) {
  if (size_ == kTreeSizeMax) return size_error("the tree is full: it has 2^62 leaves");
  completed_.clear();
  completed_.push_back(Node{NodeId{0, size_}, leaf});
  // Adding one carries over every 1 at the end of the size: each carry joins two subtrees of one height.
  for (unsigned level = 0; (size_ >> level & 1) != 0; ++level) {
    const Hash joined = node_hash(peaks_.back(), completed_.back().hash);
    peaks_.pop_back();
    completed_.push_back(Node{NodeId{level + 1, size_ >> (level + 1)}, joined});
  }
  peaks_.push_back(completed_.back().hash);
  ++size_;
  return std::span<const Node>(completed_);
}

Hash Frontier::root() const { return peaks_.empty() ? empty_root() : fold(peaks_); }

Result<Hash> root_at(std::uint64_t size, const NodeReader& read) {
  if (size > kTreeSizeMax) return size_error("a tree has at most 2^62 leaves");
  if (size == 0) return empty_root();
  return range_root(0, size, read);
}

Result<std::vector<Hash>> inclusion_proof(std::uint64_t index, std::uint64_t size, const NodeReader& read) {
  CLOISTER_RETURN_IF_ERROR(check_inclusion_sizes(index, size));
  std::vector<Hash> proof;
  std::uint64_t begin = 0;
  for (std::uint64_t count = size; count > 1;) {
    const std::uint64_t split = split_of(count);
    const bool in_left = index - begin < split;
    CLOISTER_TRY(const Hash sibling,
                 in_left ? range_root(begin + split, count - split, read) : range_root(begin, split, read));
    proof.push_back(sibling);
    begin += in_left ? 0 : split;
    count = in_left ? split : count - split;
  }
  std::ranges::reverse(proof);
  return proof;
}

Result<std::vector<Hash>> consistency_proof(std::uint64_t older, std::uint64_t newer, const NodeReader& read) {
  CLOISTER_RETURN_IF_ERROR(check_consistency_sizes(older, newer));
  std::vector<Hash> proof;
  std::uint64_t begin = 0;
  std::uint64_t count = newer;
  bool older_is_known = true;  // the older root itself is what the subtree at `begin` hashes to: no need to send it
  for (std::uint64_t left = older; left != count;) {
    const std::uint64_t split = split_of(count);
    if (left <= split) {
      CLOISTER_TRY(const Hash right, range_root(begin + split, count - split, read));
      proof.push_back(right);
      count = split;
    } else {
      CLOISTER_TRY(const Hash whole, range_root(begin, split, read));
      proof.push_back(whole);
      begin += split;
      left -= split;
      count -= split;
      older_is_known = false;
    }
  }
  if (!older_is_known) {
    CLOISTER_TRY(const Hash last, range_root(begin, count, read));
    proof.push_back(last);
  }
  std::ranges::reverse(proof);
  return proof;
}

// RFC 9162 2.1.3.2.
Status verify_inclusion(const Hash& leaf, std::uint64_t index, const TreeHead& head, std::span<const Hash> proof) {
  CLOISTER_RETURN_IF_ERROR(check_inclusion_sizes(index, head.size));
  Climb climb{index, head.size - 1};
  Hash root = leaf;
  for (const Hash& sibling : proof) {
    if (climb.at_root()) return proof_size_error("inclusion");
    root = climb.sibling_is_left() ? node_hash(sibling, root) : node_hash(root, sibling);
    climb.up();
  }
  if (!climb.at_root()) return proof_size_error("inclusion");
  if (root == head.root) return {};
  return Error(Code::kCorrupt, "the inclusion proof doesn't lead from this leaf to the tree's root");
}

// RFC 9162 2.1.4.2.
Status verify_consistency(const TreeHead& older, const TreeHead& newer, std::span<const Hash> proof) {
  CLOISTER_RETURN_IF_ERROR(check_consistency_sizes(older.size, newer.size));
  if (older.size == newer.size) {
    if (!proof.empty()) return proof_size_error("consistency");
    if (older.root == newer.root) return {};
    return Error(Code::kCorrupt, "two trees of one size have different roots");
  }
  Climb climb{older.size - 1, newer.size - 1};
  while ((climb.at & 1) != 0) climb.up_one();
  // When the older tree is one complete subtree, its root starts the climb and isn't part of the proof.
  const bool older_is_complete = std::has_single_bit(older.size);
  if (!older_is_complete && proof.empty()) return proof_size_error("consistency");
  Hash older_root = older_is_complete ? older.root : proof.front();
  Hash newer_root = older_root;
  for (const Hash& sibling : proof.subspan(older_is_complete ? 0 : 1)) {
    if (climb.at_root()) return proof_size_error("consistency");
    if (climb.sibling_is_left()) {
      older_root = node_hash(sibling, older_root);
      newer_root = node_hash(sibling, newer_root);
    } else {
      newer_root = node_hash(newer_root, sibling);
    }
    climb.up();
  }
  if (!climb.at_root()) return proof_size_error("consistency");
  if (older_root == older.root && newer_root == newer.root) return {};
  return Error(Code::kCorrupt, "the consistency proof doesn't lead from the older root to the newer one");
}

}  // namespace cloister::audit
