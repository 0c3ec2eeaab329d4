// Vectors of other people's transparency logs: RFC 6962 trees and proofs, signed notes, checkpoints.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "audit/checkpoint.h"
#include "base/base64.h"
#include "tests/support/hex.h"
#include "tests/support/vectors.h"

namespace cloister::audit {
namespace {

using cloister::testing::load_json;
using cloister::testing::unhex;
using Json = nlohmann::json;

// Nothing when it isn't base64 of 32 bytes: such a root or hash can't even be passed to a verifier.
std::optional<Hash> hash_of(const Json& text) {
  const auto raw = from_base64(text.get<std::string>());
  Hash hash;
  if (!raw.ok() || raw->size() != hash.size()) return std::nullopt;
  std::ranges::copy(*raw, hash.begin());
  return hash;
}

std::optional<std::vector<Hash>> proof_of(const Json& texts) {
  std::vector<Hash> proof;
  for (const Json& text : texts) {
    const auto hash = hash_of(text);
    if (!hash) return std::nullopt;
    proof.push_back(*hash);
  }
  return proof;
}

struct Verdicts {
  int accepted = 0;
  int refused = 0;
  void count(bool ok) { ++(ok ? accepted : refused); }
};

TEST(Rfc6962, Hashes) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/rfc6962-hashes-and-roots.json");
  const Json file = load_json(path);
  const Json& hashes = file.at("hashes");
  ASSERT_EQ(hashes.size(), 4u);
  EXPECT_EQ(to_hex(empty_root()), hashes[0].at("expected_hex"));
  for (const std::size_t i : {1u, 2u}) {
    EXPECT_EQ(to_hex(leaf_hash(unhex(hashes[i].at("input_hex").get<std::string>()))), hashes[i].at("expected_hex"));
  }
  // The last one's halves aren't 32 bytes each, which a node of a tree can't have.
  Bytes node{1};
  for (const char* half : {"left_hex", "right_hex"}) {
    const Bytes bytes = unhex(hashes[3].at(half).get<std::string>());
    node.insert(node.end(), bytes.begin(), bytes.end());
  }
  EXPECT_EQ(to_hex(crypto::sha256(node)), hashes[3].at("expected_hex"));
}

TEST(Rfc6962, Roots) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/rfc6962-hashes-and-roots.json");
  const Json file = load_json(path);
  std::map<std::uint64_t, std::string> expected;
  for (const Json& root : file.at("roots")) expected[root.at("size")] = root.at("root_hex");
  EXPECT_EQ(expected.size(), 11u);
  Frontier frontier;
  for (std::uint64_t i = 0; i < expected.rbegin()->first; ++i) {
    const Bytes leaf{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8)};
    ASSERT_TRUE(frontier.append(leaf_hash(leaf)).ok());
    const auto found = expected.find(frontier.size());
    if (found != expected.end()) {
      EXPECT_EQ(to_hex(frontier.root()), found->second) << frontier.size();
    }
  }
}

TEST(Rfc6962, InclusionProofs) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/rfc6962-inclusion.json");
  Verdicts verdicts;
  for (const Json& test : load_json(path)) {
    SCOPED_TRACE(test.at("id").get<std::string>());
    const auto leaf = hash_of(test.at("leafHash"));
    const auto root = hash_of(test.at("root"));
    const auto proof = proof_of(test.at("proof"));
    const bool ok = leaf && root && proof &&
                    verify_inclusion(*leaf, test.at("leafIdx"), TreeHead{test.at("treeSize"), *root}, *proof).ok();
    EXPECT_EQ(ok, !test.at("wantErr").get<bool>());
    verdicts.count(ok);
  }
  EXPECT_EQ(verdicts.accepted, 6);
  EXPECT_EQ(verdicts.refused, 92);
}

TEST(Rfc6962, ConsistencyProofs) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/rfc6962-consistency.json");
  // Equal roots of 12 bytes, which are accepted where roots may have any length; here they are no roots at all.
  constexpr std::string_view kShortRoots = "consistency/additional/sizes-are-equal-one-and-proof-is-empty";
  Verdicts verdicts;
  for (const Json& test : load_json(path)) {
    SCOPED_TRACE(test.at("id").get<std::string>());
    const auto older = hash_of(test.at("root1"));
    const auto newer = hash_of(test.at("root2"));
    const auto proof = proof_of(test.at("proof"));
    const bool ok = older && newer && proof &&
                    verify_consistency({test.at("size1"), *older}, {test.at("size2"), *newer}, *proof).ok();
    EXPECT_EQ(ok, !test.at("wantErr").get<bool>() && test.at("id") != kShortRoots);
    verdicts.count(ok);
  }
  EXPECT_EQ(verdicts.accepted, 5);
  EXPECT_EQ(verdicts.refused, 93);
}

TEST(SignedNotes, Cases) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/signed-note-cases.json");
  Verdicts verdicts;
  const Json file = load_json(path);
  for (const Json& test : file.at("notes")) {
    SCOPED_TRACE(test.at("id").get<std::string>());
    std::vector<VerifierKey> keys;
    for (const Json& text : test.at("verifier_keys")) {
      auto key = VerifierKey::parse(text.get<std::string>());
      ASSERT_TRUE(key.ok()) << key.error().message();
      keys.push_back(std::move(key).value());
    }
    const Bytes note = unhex(test.at("note_hex").get<std::string>());
    const auto parsed = parse_note(as_text(note));
    const auto verified = parsed.ok() ? verify_note(*parsed, keys) : parsed.error();
    ASSERT_EQ(verified.ok(), test.at("expected") == "accept");
    verdicts.count(verified.ok());
    if (!verified.ok()) continue;
    EXPECT_EQ(parsed->text, test.at("text"));
    std::set<std::string> names;
    for (const VerifiedSignature& signature : *verified) names.insert(keys[signature.key].name());
    EXPECT_EQ(names, test.at("verified_by").get<std::set<std::string>>());
  }
  EXPECT_GE(verdicts.accepted, 4);
  EXPECT_GE(verdicts.refused, 10);
}

TEST(SignedNotes, VerifierKeys) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/signed-note-cases.json");
  const Json file = load_json(path);
  for (const Json& text : file.at("valid_verifier_keys")) {
    const auto key = text.get<std::string>();
    const auto parsed = VerifierKey::parse(key);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    EXPECT_EQ(parsed->text(), key);
    for (std::size_t begin = 0; begin < key.size(); ++begin) {
      for (std::size_t size = 0; begin + size <= key.size(); ++size) {
        if (size == key.size()) continue;
        ASSERT_FALSE(VerifierKey::parse(key.substr(begin, size)).ok());
      }
      for (int byte = 0; byte < 256; ++byte) {
        std::string changed = key;
        changed[begin] = static_cast<char>(byte);
        if (changed == key) continue;
        ASSERT_FALSE(VerifierKey::parse(changed).ok()) << changed;
      }
    }
  }
  EXPECT_EQ(file.at("invalid_verifier_keys").size(), 5u);
  for (const Json& test : file.at("invalid_verifier_keys")) {
    EXPECT_FALSE(VerifierKey::parse(test.at("vkey").get<std::string>()).ok()) << test.at("reason");
  }
}

TEST(Checkpoints, Cases) {
  CLOISTER_VECTORS_OR_SKIP(path, "tlog/checkpoint-cases.json");
  const Json file = load_json(path);
  for (const Json& test : file.at("checkpoints")) {
    const auto note = parse_note(test.at("checkpoint").get<std::string>());
    ASSERT_TRUE(note.ok()) << note.error().message();
    const auto checkpoint = parse_checkpoint(note->text);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message();
    EXPECT_EQ(checkpoint->origin, test.at("origin"));
    EXPECT_EQ(checkpoint->head.size, test.at("size"));
    EXPECT_EQ(to_base64(checkpoint->head.root), test.at("root_base64"));
  }
  Verdicts verdicts;
  for (const Json& test : file.at("bodies")) {
    SCOPED_TRACE(test.at("id").get<std::string>());
    const auto body = test.at("body").get<std::string>();
    const auto checkpoint = parse_checkpoint(body);
    EXPECT_EQ(checkpoint.ok(), test.at("expected") == "accept");
    verdicts.count(checkpoint.ok());
    if (!checkpoint.ok()) continue;
    const auto written = checkpoint_text(*checkpoint);
    ASSERT_TRUE(written.ok());
    EXPECT_EQ(*written, body);
  }
  EXPECT_EQ(verdicts.accepted, 2);
  EXPECT_EQ(verdicts.refused, 13);
}

}  // namespace
}  // namespace cloister::audit
