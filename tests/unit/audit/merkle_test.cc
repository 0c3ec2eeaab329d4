// Trees, proofs and their refusals, held against a slow implementation that follows RFC 9162's definitions word by
// word.
#include "audit/merkle.h"

#include <map>

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

Bytes leaf_data(std::uint64_t i) { return {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)}; }

// RFC 9162 2.1.1, 2.1.3.1 and 2.1.4.1 as they are written: no frontier, no stored nodes, hashes made by hand.
class SlowTree {
 public:
  explicit SlowTree(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) leaves_.push_back(leaf_data(i));
  }

  Hash root(std::size_t begin, std::size_t end) const {
    if (begin == end) return crypto::sha256({});
    Bytes bytes{static_cast<std::uint8_t>(end - begin == 1 ? 0 : 1)};
    if (end - begin == 1) {
      bytes.insert(bytes.end(), leaves_[begin].begin(), leaves_[begin].end());
    } else {
      for (const Hash& half : {root(begin, begin + split(end - begin)), root(begin + split(end - begin), end)}) {
        bytes.insert(bytes.end(), half.begin(), half.end());
      }
    }
    return crypto::sha256(bytes);
  }

  std::vector<Hash> path(std::size_t m, std::size_t begin, std::size_t end) const {
    if (end - begin == 1) return {};
    const std::size_t k = split(end - begin);
    std::vector<Hash> hashes = m < k ? path(m, begin, begin + k) : path(m - k, begin + k, end);
    hashes.push_back(m < k ? root(begin + k, end) : root(begin, begin + k));
    return hashes;
  }

  std::vector<Hash> subproof(std::size_t m, std::size_t begin, std::size_t end, bool known) const {
    if (m == end - begin) return known ? std::vector<Hash>{} : std::vector<Hash>{root(begin, end)};
    const std::size_t k = split(end - begin);
    std::vector<Hash> hashes = m <= k ? subproof(m, begin, begin + k, known) : subproof(m - k, begin + k, end, false);
    hashes.push_back(m <= k ? root(begin + k, end) : root(begin, begin + k));
    return hashes;
  }

 private:
  static std::size_t split(std::size_t n) {
    std::size_t k = 1;
    while (2 * k < n) k *= 2;
    return k;
  }
  std::vector<Bytes> leaves_;
};

// Nodes as a store would keep them: each written once, when it becomes complete.
class Nodes {
 public:
  explicit Nodes(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) append(leaf_hash(leaf_data(i)));
  }

  void append(const Hash& leaf) {
    for (const Node& node : value_of(frontier_.append(leaf))) {
      EXPECT_TRUE(nodes_.emplace(std::pair(node.id.level, node.id.index), node.hash).second) << "written twice";
    }
  }

  const Frontier& frontier() const { return frontier_; }
  NodeReader reader() const {
    return [this](const NodeId& id) -> Result<Hash> {
      const auto found = nodes_.find({id.level, id.index});
      if (found == nodes_.end()) return Error(Code::kNotFound, "node isn't complete");
      return found->second;
    };
  }

 private:
  Frontier frontier_;
  std::map<std::pair<unsigned, std::uint64_t>, Hash> nodes_;
};

constexpr std::size_t kSizes = 66;  // past a power of two, so that every shape of tree is met

TEST(Merkle, KnownHashes) {
  EXPECT_EQ(to_hex(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(leaf_hash({})), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  Frontier frontier;
  for (std::size_t i = 0; i < 10; ++i) value_of(frontier.append(leaf_hash(leaf_data(i))));
  EXPECT_EQ(to_hex(frontier.root()), "56358c3d260db42b8236517f44b9d0cba1dcc1293a0888a97f19be85eb6d03ee");
}

TEST(Merkle, RootsAndNodesAreThoseOfTheDefinition) {
  Nodes nodes(0);
  const SlowTree slow(kSizes);
  for (std::size_t size = 0; size <= kSizes; ++size) {
    EXPECT_EQ(nodes.frontier().root(), slow.root(0, size));
    EXPECT_EQ(value_of(root_at(size, nodes.reader())), slow.root(0, size));
    for (unsigned level = 0; size >> level != 0; ++level) {
      const std::size_t last = (size >> level) - 1;
      EXPECT_EQ(value_of(nodes.reader()({level, last})), slow.root(last << level, (last + 1) << level));
    }
    nodes.append(leaf_hash(leaf_data(size)));
  }
}

TEST(Merkle, AppendTellsTheNodesThatBecameComplete) {
  Frontier frontier;
  std::vector<std::vector<NodeId>> told;
  for (std::size_t i = 0; i < 8; ++i) {
    told.emplace_back();
    for (const Node& node : value_of(frontier.append(leaf_hash(leaf_data(i))))) told.back().push_back(node.id);
  }
  EXPECT_EQ(told[0], (std::vector<NodeId>{{0, 0}}));
  EXPECT_EQ(told[1], (std::vector<NodeId>{{0, 1}, {1, 0}}));
  EXPECT_EQ(told[2], (std::vector<NodeId>{{0, 2}}));
  EXPECT_EQ(told[5], (std::vector<NodeId>{{0, 5}, {1, 2}}));
  EXPECT_EQ(told[7], (std::vector<NodeId>{{0, 7}, {1, 3}, {2, 1}, {3, 0}}));
}

TEST(Merkle, RestoredFrontierGoesOn) {
  for (std::size_t size = 0; size < 20; ++size) {
    Nodes nodes(size);
    Frontier restored = value_of(Frontier::restore(size, nodes.frontier().peaks()));
    EXPECT_EQ(restored.root(), nodes.frontier().root());
    nodes.append(leaf_hash(leaf_data(99)));
    value_of(restored.append(leaf_hash(leaf_data(99))));
    EXPECT_EQ(restored.root(), nodes.frontier().root());
    EXPECT_EQ(restored.size(), size + 1);
  }
}

TEST(Merkle, FrontierThatCantBe) {
  expect_refused(Frontier::restore(3, {Hash{}}), Code::kInvalid, "has 2 hashes, not 1");
  expect_refused(Frontier::restore(0, {Hash{}}), Code::kInvalid, "has 0 hashes");
  expect_refused(Frontier::restore(4, {Hash{}, Hash{}}), Code::kInvalid, "has 1 hashes");
  expect_refused(Frontier::restore(kTreeSizeMax + 1, {Hash{}, Hash{}}), Code::kInvalid, "2^62");
  Frontier full = value_of(Frontier::restore(kTreeSizeMax, {Hash{}}));
  expect_refused(full.append(Hash{}), Code::kInvalid, "full");
  EXPECT_EQ(full.size(), kTreeSizeMax);
}

TEST(Merkle, LastLeafOfTheLargestTree) {
  Frontier frontier = value_of(Frontier::restore(kTreeSizeMax - 1, std::vector<Hash>(62)));
  const auto completed = value_of(frontier.append(Hash{}));
  ASSERT_EQ(completed.size(), 63u);
  EXPECT_EQ(completed.back().id, (NodeId{62, 0}));
  EXPECT_EQ(frontier.peaks().size(), 1u);
}

TEST(Merkle, InclusionProofsAreThoseOfTheDefinition) {
  const Nodes nodes(kSizes);
  const SlowTree slow(kSizes);
  for (std::size_t size = 1; size <= kSizes; ++size) {
    const TreeHead head{size, slow.root(0, size)};
    for (std::size_t index = 0; index < size; ++index) {
      const auto proof = value_of(inclusion_proof(index, size, nodes.reader()));
      ASSERT_EQ(proof, slow.path(index, 0, size));
      ASSERT_TRUE(verify_inclusion(leaf_hash(leaf_data(index)), index, head, proof).ok());
    }
  }
}

TEST(Merkle, ConsistencyProofsAreThoseOfTheDefinition) {
  const Nodes nodes(kSizes);
  const SlowTree slow(kSizes);
  for (std::size_t newer = 1; newer <= kSizes; ++newer) {
    for (std::size_t older = 1; older <= newer; ++older) {
      const auto proof = value_of(consistency_proof(older, newer, nodes.reader()));
      ASSERT_EQ(proof, slow.subproof(older, 0, newer, true));
      ASSERT_TRUE(
          verify_consistency(TreeHead{older, slow.root(0, older)}, TreeHead{newer, slow.root(0, newer)}, proof).ok());
    }
  }
}

// One hash more at either end, one less, one changed, two swapped.
std::vector<std::vector<Hash>> damaged(const std::vector<Hash>& proof) {
  std::vector<std::vector<Hash>> all;
  for (const Hash& more : {Hash{}, proof.empty() ? leaf_hash({}) : proof.front()}) {
    all.push_back(proof);
    all.back().push_back(more);
    all.push_back(proof);
    all.back().insert(all.back().begin(), more);
  }
  for (std::size_t i = 0; i < proof.size(); ++i) {
    all.push_back(proof);
    all.back().erase(all.back().begin() + static_cast<std::ptrdiff_t>(i));
    all.push_back(proof);
    all.back()[i][i % 32] ^= 0x80;
    if (i == 0) continue;
    all.push_back(proof);
    std::swap(all.back()[i], all.back()[i - 1]);
  }
  return all;
}

TEST(Merkle, DamagedInclusionProofs) {
  const Nodes nodes(kSizes);
  const SlowTree slow(kSizes);
  for (std::size_t size = 1; size <= 20; ++size) {
    const TreeHead head{size, slow.root(0, size)};
    for (std::size_t index = 0; index < size; ++index) {
      const Hash leaf = leaf_hash(leaf_data(index));
      const auto proof = value_of(inclusion_proof(index, size, nodes.reader()));
      for (const auto& wrong : damaged(proof)) ASSERT_FALSE(verify_inclusion(leaf, index, head, wrong).ok());
      Hash changed = head.root;
      changed[31] ^= 1;
      ASSERT_FALSE(verify_inclusion(leaf, index, TreeHead{size, changed}, proof).ok());
      ASSERT_FALSE(verify_inclusion(leaf_hash(leaf_data(index + 1)), index, head, proof).ok());
      for (std::size_t other = 0; other <= size; ++other) {
        if (other != index) {
          ASSERT_FALSE(verify_inclusion(leaf, other, head, proof).ok());
        }
      }
      expect_refused(verify_inclusion(leaf, index, TreeHead{0, empty_root()}, {}), Code::kInvalid, "tree of 0");
    }
  }
}

TEST(Merkle, DamagedConsistencyProofs) {
  const Nodes nodes(kSizes);
  const SlowTree slow(kSizes);
  const auto head = [&slow](std::size_t size) { return TreeHead{size, slow.root(0, size)}; };
  for (std::size_t newer = 1; newer <= 20; ++newer) {
    for (std::size_t older = 1; older <= newer; ++older) {
      const auto proof = value_of(consistency_proof(older, newer, nodes.reader()));
      for (const auto& wrong : damaged(proof)) {
        ASSERT_FALSE(verify_consistency(head(older), head(newer), wrong).ok()) << older << " " << newer;
      }
      TreeHead forked = head(newer);
      forked.root[0] ^= 1;
      ASSERT_FALSE(verify_consistency(head(older), forked, proof).ok());
      forked = head(older);
      forked.root[0] ^= 1;
      ASSERT_FALSE(verify_consistency(forked, head(newer), proof).ok());
      if (older != newer) {
        ASSERT_FALSE(verify_consistency(head(newer), head(older), proof).ok());
      }
    }
  }
}

TEST(Merkle, SizesNoProofExistsFor) {
  const Nodes nodes(4);
  const TreeHead empty{0, empty_root()};
  const TreeHead four{4, nodes.frontier().root()};
  const TreeHead beyond{kTreeSizeMax + 1, Hash{}};
  expect_refused(inclusion_proof(4, 4, nodes.reader()), Code::kInvalid, "leaf 4 isn't in a tree of 4");
  expect_refused(inclusion_proof(0, 0, nodes.reader()), Code::kInvalid, "tree of 0");
  expect_refused(inclusion_proof(0, kTreeSizeMax + 1, nodes.reader()), Code::kInvalid, "2^62");
  expect_refused(consistency_proof(0, 4, nodes.reader()), Code::kInvalid, "empty tree");
  expect_refused(consistency_proof(5, 4, nodes.reader()), Code::kInvalid, "can't have grown");
  expect_refused(consistency_proof(1, kTreeSizeMax + 1, nodes.reader()), Code::kInvalid, "2^62");
  expect_refused(root_at(kTreeSizeMax + 1, nodes.reader()), Code::kInvalid, "2^62");
  expect_refused(verify_consistency(empty, four, {}), Code::kInvalid, "empty tree");
  expect_refused(verify_consistency(empty, empty, {}), Code::kInvalid, "empty tree");
  expect_refused(verify_consistency(four, beyond, {}), Code::kInvalid, "2^62");
  expect_refused(verify_inclusion(Hash{}, 0, beyond, {}), Code::kInvalid, "2^62");
}

TEST(Merkle, ProofsInTheLargestTree) {
  // Nodes whose hash says only where they are: what matters is how many hashes there are and that they fit together.
  const NodeReader read = [](const NodeId& id) -> Result<Hash> {
    Hash hash{};
    store_le(hash.data(), id.index);
    hash[31] = static_cast<std::uint8_t>(id.level);
    return hash;
  };
  const std::uint64_t size = kTreeSizeMax - 1;
  const TreeHead head{size, value_of(root_at(size, read))};
  for (const std::uint64_t index : {std::uint64_t{0}, size - 1, size / 2, std::uint64_t{1} << 61}) {
    const auto proof = value_of(inclusion_proof(index, size, read));
    EXPECT_LE(proof.size(), 62u);
    // Complete nodes are made up here, so that only roots of ragged ranges can be compared: at the right edge.
    if (index != size - 1) continue;
    EXPECT_TRUE(verify_inclusion(value_of(read({0, index})), index, head, proof).ok());
    expect_refused(verify_inclusion(value_of(read({0, index})), index, TreeHead{size - 1, head.root}, proof),
                   Code::kInvalid, "isn't in a tree");
  }
  EXPECT_LE(value_of(consistency_proof(size / 2, size, read)).size(), 63u);
}

TEST(Merkle, ErrorsOfTheStoreArePassedOn) {
  const NodeReader broken = [](const NodeId&) -> Result<Hash> { return Error(Code::kUnavailable, "disk away"); };
  expect_refused(root_at(3, broken), Code::kUnavailable, "disk away");
  expect_refused(inclusion_proof(0, 3, broken), Code::kUnavailable, "disk away");
  expect_refused(consistency_proof(1, 3, broken), Code::kUnavailable, "disk away");
  EXPECT_EQ(value_of(root_at(0, broken)), empty_root());
}

TEST(Merkle, ALeafIsNotANode) {
  // The two bytes 01 and 00 in front keep a node's two halves from being passed off as a record.
  const Hash left = leaf_hash(leaf_data(0));
  const Hash right = leaf_hash(leaf_data(1));
  Bytes both(left.begin(), left.end());
  both.insert(both.end(), right.begin(), right.end());
  EXPECT_NE(leaf_hash(both), node_hash(left, right));
  EXPECT_FALSE(verify_inclusion(leaf_hash(both), 0, TreeHead{1, node_hash(left, right)}, {}).ok());
}

}  // namespace
}  // namespace cloister::audit
