#include "audit/checkpoint.h"

#include "base/base64.h"
#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

const std::string kRoot = to_base64(Bytes(32, 7));

std::string body(std::string_view origin, std::string_view size, std::string_view root, std::string_view more = "") {
  return std::string(origin) + "\n" + std::string(size) + "\n" + std::string(root) + "\n" + std::string(more);
}

TEST(CheckpointText, IsReadAsItWasWritten) {
  Checkpoint checkpoint{"example.com/log42", TreeHead{20'852'163, {}}, {"one", "two \u2014 three"}};
  checkpoint.head.root.fill(7);
  const std::string text = value_of(checkpoint_text(checkpoint));
  EXPECT_EQ(text, body("example.com/log42", "20852163", kRoot, "one\ntwo \u2014 three\n"));
  const Checkpoint read = value_of(parse_checkpoint(text));
  EXPECT_EQ(read.origin, checkpoint.origin);
  EXPECT_EQ(read.head, checkpoint.head);
  EXPECT_EQ(read.extensions, checkpoint.extensions);
}

TEST(CheckpointText, OfAnEmptyTree) {
  const std::string text = value_of(checkpoint_text({"o", TreeHead{0, empty_root()}, {}}));
  EXPECT_EQ(text, "o\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  expect_refused(parse_checkpoint(body("o", "0", kRoot)), Code::kCorrupt, "empty tree");
}

TEST(CheckpointText, LargestSize) {
  EXPECT_EQ(value_of(parse_checkpoint(body("o", "18446744073709551615", kRoot))).head.size, ~std::uint64_t{0});
}

TEST(CheckpointText, Malformed) {
  for (const std::string_view size :
       {"", "01", "+1", "-1", "0x1", "1 ", " 1", "18446744073709551616", "1.0", "1e3", "one"}) {
    expect_refused(parse_checkpoint(body("o", size, kRoot)), Code::kCorrupt, size.empty() ? "empty line" : "size");
  }
  for (const std::string& root : {to_base64(Bytes(31)), to_base64(Bytes(33)), kRoot.substr(1), kRoot + "=",
                                  "_" + kRoot.substr(1), kRoot + " ", to_base64(Bytes(64))}) {
    expect_refused(parse_checkpoint(body("o", "1", root)), Code::kCorrupt, "root");
  }
  expect_refused(parse_checkpoint(""), Code::kCorrupt, "three lines");
  expect_refused(parse_checkpoint("o\n1\n"), Code::kCorrupt, "three lines");
  expect_refused(parse_checkpoint(body("", "1", kRoot)), Code::kCorrupt, "empty line");
  expect_refused(parse_checkpoint(body("o", "1", kRoot, "\n")), Code::kCorrupt, "empty line");
  expect_refused(parse_checkpoint(body("o", "1", kRoot, "\nx\n")), Code::kCorrupt, "empty line");
  expect_refused(parse_checkpoint(body("o", "1", kRoot, "x")), Code::kCorrupt, "line feed");
  expect_refused(parse_checkpoint("o\r\n1\r\n" + kRoot + "\r\n"), Code::kCorrupt, "plain");
  expect_refused(parse_checkpoint(body("o\xff", "1", kRoot)), Code::kCorrupt, "plain");
  expect_refused(parse_checkpoint(body("o", "1", kRoot, std::string(kNoteSizeMax, 'x') + "\n")), Code::kCorrupt,
                 "131072");
}

TEST(CheckpointText, WhatAReaderWouldRefuseIsNotWritten) {
  const TreeHead head{1, {}};
  expect_refused(checkpoint_text({"", head, {}}), Code::kInvalid, "empty line");
  expect_refused(checkpoint_text({"o", head, {""}}), Code::kInvalid, "empty line");
  expect_refused(checkpoint_text({"o", head, {"two\nlines"}}), Code::kInvalid, "line feeds");
  expect_refused(checkpoint_text({"o", TreeHead{0, {}}, {}}), Code::kInvalid, "empty tree");
}

class Checkpoints : public ::testing::Test {
 protected:
  Checkpoint checkpoint() const { return checkpoint_of(frontier_of(example_records())); }
  std::string note() const { return value_of(sign_checkpoint(checkpoint(), keys_.log)); }

  LogKeys keys_;
};

TEST_F(Checkpoints, SignedByTheLog) {
  const auto verified = value_of(verify_checkpoint(note(), keys_.trust()));
  EXPECT_EQ(verified.checkpoint.origin, kOrigin);
  EXPECT_EQ(verified.checkpoint.head.size, 3u);
  EXPECT_TRUE(verified.cosignatures.empty());
}

TEST_F(Checkpoints, CosignedByWitnesses) {
  const std::string once = with_cosignature(note(), keys_.witness);
  const auto verified = value_of(verify_checkpoint(once, keys_.trust(1)));
  ASSERT_EQ(verified.cosignatures.size(), 1u);
  EXPECT_EQ(verified.cosignatures[0].witness, kWitness);
  EXPECT_EQ(verified.cosignatures[0].unix_seconds, 1'700'000'100u);
  expect_refused(verify_checkpoint(once, keys_.trust(2)), Code::kDenied, "cosigned by 1 of");
  expect_refused(verify_checkpoint(note(), keys_.trust(1)), Code::kDenied, "cosigned by 0 of");
  const std::string twice = with_cosignature(once, keys_.other_witness);
  EXPECT_EQ(value_of(verify_checkpoint(twice, keys_.trust(2))).cosignatures.size(), 2u);
}

TEST_F(Checkpoints, OneWitnessTwiceIsOneWitness) {
  const std::string twice = with_cosignature(with_cosignature(note(), keys_.witness), keys_.witness);
  expect_refused(verify_checkpoint(twice, keys_.trust(2)), Code::kDenied, "cosigned by 1 of");
}

TEST_F(Checkpoints, UnknownWitnessDoesNotCount) {
  const auto key = signing_key(9);
  const auto unknown = value_of(NoteSigner::make("witness.example.org/w9", NoteKeyType::kCosignatureV1, key));
  expect_refused(verify_checkpoint(with_cosignature(note(), unknown), keys_.trust(1)), Code::kDenied, "cosigned by 0");
}

TEST_F(Checkpoints, WitnessesAloneAreNotEnough) {
  SignedNote parsed = value_of(parse_note(note()));
  parsed.signatures = {keys_.witness.sign(parsed.text, kNow), keys_.other_witness.sign(parsed.text, kNow)};
  expect_refused(verify_checkpoint(value_of(write_note(parsed)), keys_.trust(1)), Code::kDenied, "log's key");
}

TEST_F(Checkpoints, OriginIsTheKeysName) {
  // The log's own key, by its own name, over the checkpoint of another tenant's tree: right signature, wrong tree.
  Checkpoint other = checkpoint();
  other.origin = "audit.example.com/rival";
  const std::string text = value_of(checkpoint_text(other));
  const std::string forged = value_of(write_note(SignedNote{text, {keys_.log.sign(text, kNow)}}));
  expect_refused(verify_checkpoint(forged, keys_.trust()), Code::kDenied, "rival");
  expect_refused(sign_checkpoint(other, keys_.log), Code::kInvalid, "of that name");
  expect_refused(sign_checkpoint(checkpoint(), keys_.witness), Code::kInvalid, "of that name");
}

TEST_F(Checkpoints, CosignatureByTheLogsNameIsNotTheLogs) {
  const auto dressed = value_of(NoteSigner::make(kOrigin, NoteKeyType::kCosignatureV1, keys_.log_key));
  const std::string text = value_of(checkpoint_text(checkpoint()));
  const std::string forged = value_of(write_note(SignedNote{text, {dressed.sign(text, kNow)}}));
  expect_refused(verify_checkpoint(forged, keys_.trust()), Code::kDenied, "no trusted key");
}

TEST_F(Checkpoints, NoteThatIsNoCheckpoint) {
  const std::string text = "something else\n";
  const std::string other = value_of(write_note(SignedNote{text, {keys_.log.sign(text, kNow)}}));
  expect_refused(verify_checkpoint(other, keys_.trust()), Code::kCorrupt, "three lines");
  expect_refused(verify_checkpoint("", keys_.trust()), Code::kCorrupt, "line feed");
}

TEST_F(Checkpoints, TrustThatMakesNoSense) {
  const VerifierKey log = keys_.log.verifier();
  const VerifierKey witness = keys_.witness.verifier();
  const auto renamed = value_of(VerifierKey::make("w9", NoteKeyType::kCosignatureV1, witness.public_key()));
  const auto log_as_witness = value_of(VerifierKey::make("w9", NoteKeyType::kCosignatureV1, log.public_key()));
  const auto refused = [&](const CheckpointTrust& trust, std::string_view part) {
    expect_refused(verify_checkpoint(note(), trust), Code::kInvalid, part);
  };
  refused({witness}, "type 1");
  refused({log, {log}, 1}, "type 4");
  refused({log, {witness, witness}, 1}, "same public key");
  refused({log, {witness, renamed}, 2}, "same public key");
  refused({log, {log_as_witness}, 1}, "same public key");
  refused({log, {witness}, 0}, "no quorum");
  refused({log, {witness}, 2}, "quorum is larger");
  refused({log, {}, 1}, "quorum is larger");
}

class WitnessRule : public Checkpoints {
 protected:
  WitnessRule() {
    for (std::uint8_t i = 0; i < 20; ++i) {
      for (const Node& node : value_of(frontier_.append(leaf_hash(Bytes{i})))) nodes_.push_back(node);
      heads_.push_back(checkpoint_of(frontier_));
    }
  }

  const Checkpoint& at(std::size_t size) const { return heads_[size - 1]; }
  std::vector<Hash> proof(std::uint64_t older, std::uint64_t newer) const {
    return value_of(consistency_proof(older, newer, [this](const NodeId& id) -> Result<Hash> {
      for (const Node& node : nodes_) {
        if (node.id == id) return node.hash;
      }
      return Error(Code::kNotFound, "no such node");
    }));
  }
  Result<WitnessAnswer> ask(const std::optional<Checkpoint>& last, const Checkpoint& next,
                            const std::vector<Hash>& hashes) const {
    const std::string signed_note = value_of(sign_checkpoint(next, keys_.log));
    return cosign_checkpoint(signed_note, keys_.log.verifier(), last, hashes, keys_.witness, kNow);
  }

  Frontier frontier_;
  std::vector<Node> nodes_;
  std::vector<Checkpoint> heads_;
};

TEST_F(WitnessRule, CosignsWhatContinuesTheLog) {
  for (const auto& [older, newer] : {std::pair{1, 2}, {3, 7}, {8, 20}, {19, 20}, {7, 7}}) {
    const auto answer = value_of(ask(at(older), at(newer), proof(older, newer)));
    EXPECT_EQ(answer.cosigned.head, at(newer).head);
    SignedNote note = value_of(parse_note(value_of(sign_checkpoint(at(newer), keys_.log))));
    note.signatures.push_back(value_of(parse_note_signature(write_note_signature(answer.signature))));
    EXPECT_TRUE(
        verify_checkpoint(value_of(write_note(note)), {keys_.log.verifier(), {keys_.witness.verifier()}, 1}).ok());
  }
}

TEST_F(WitnessRule, FirstCheckpoint) {
  EXPECT_TRUE(ask(std::nullopt, at(9), {}).ok());
  const Checkpoint empty{std::string(kOrigin), TreeHead{0, empty_root()}, {}};
  EXPECT_TRUE(ask(std::nullopt, empty, {}).ok());
  EXPECT_TRUE(ask(empty, empty, {}).ok());
  EXPECT_TRUE(ask(empty, at(9), {}).ok());
  expect_refused(ask(std::nullopt, at(9), {Hash{}}), Code::kDenied, "nothing yet");
  expect_refused(ask(empty, at(9), {Hash{}}), Code::kDenied, "nothing yet");
}

TEST_F(WitnessRule, SmallerSize) {
  expect_refused(ask(at(9), at(8), proof(8, 9)), Code::kDenied, "shrank from 9 leaves to 8");
  expect_refused(ask(at(9), at(8), {}), Code::kDenied, "shrank");
  const Checkpoint empty{std::string(kOrigin), TreeHead{0, empty_root()}, {}};
  expect_refused(ask(at(9), empty, {}), Code::kDenied, "shrank");
}

TEST_F(WitnessRule, SameSizeAnotherRoot) {
  Checkpoint forked = at(9);
  forked.head.root[5] ^= 1;
  expect_refused(ask(at(9), forked, {}), Code::kDenied, "different roots");
  expect_refused(ask(at(9), at(9), {Hash{}}), Code::kDenied, "wrong number");
}

TEST_F(WitnessRule, BadProof) {
  expect_refused(ask(at(9), at(12), {}), Code::kDenied, "wrong number");
  expect_refused(ask(at(9), at(12), proof(9, 13)), Code::kDenied, "proof");
  expect_refused(ask(at(9), at(12), proof(8, 12)), Code::kDenied, "proof");
  auto longer = proof(9, 12);
  longer.push_back(Hash{});
  expect_refused(ask(at(9), at(12), longer), Code::kDenied, "wrong number");
  Checkpoint rewritten = at(12);
  rewritten.head.root[0] ^= 1;
  expect_refused(ask(at(9), rewritten, proof(9, 12)), Code::kDenied, "doesn't lead");
}

TEST_F(WitnessRule, SizeBeyondTheLargestTree) {
  Checkpoint beyond = at(9);
  beyond.head.size = kTreeSizeMax + 1;
  expect_refused(check_witness_rule(std::nullopt, beyond, {}), Code::kDenied, "2^62");
  expect_refused(check_witness_rule(at(9), beyond, {}), Code::kDenied, "2^62");
}

TEST_F(WitnessRule, AnotherLog) {
  Checkpoint other = at(8);
  other.origin = "audit.example.com/rival";
  expect_refused(check_witness_rule(other, at(9), proof(8, 9)), Code::kInvalid, "two logs");
}

TEST_F(WitnessRule, NotSignedByTheLog) {
  const auto key = signing_key(9);
  const auto forger = value_of(NoteSigner::make(kOrigin, NoteKeyType::kEd25519, key));
  const std::string forged = value_of(sign_checkpoint(at(9), forger));
  expect_refused(cosign_checkpoint(forged, keys_.log.verifier(), at(8), proof(8, 9), keys_.witness, kNow),
                 Code::kDenied, "no trusted key");
}

TEST_F(WitnessRule, KeysOfTheWrongKind) {
  const std::string good = value_of(sign_checkpoint(at(9), keys_.log));
  expect_refused(cosign_checkpoint(good, keys_.log.verifier(), at(8), proof(8, 9), keys_.log, kNow), Code::kInvalid,
                 "type 4");
  const auto own = value_of(NoteSigner::make("w", NoteKeyType::kCosignatureV1, keys_.log_key));
  expect_refused(cosign_checkpoint(good, keys_.log.verifier(), at(8), proof(8, 9), own, kNow), Code::kInvalid,
                 "its own witness");
}

}  // namespace
}  // namespace cloister::audit
