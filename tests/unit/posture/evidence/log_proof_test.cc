#include "posture/evidence/log_proof.h"

#include <map>

#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kRun = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kRoot = "cm9vdA==";

// A log of a few rows, of which the fifth is the run's.
struct ProofOfARun : ::testing::Test {
  ProofOfARun() {
    for (std::uint64_t i = 0; i < 11; ++i) {
      const bool run = i == 5;
      const audit::LogRecord record = audit::LogRecord::make(
          i,
          {kRunTime, "ada", run ? std::string(kRunAction) : "other", "", run ? std::string(kRun) : "x",
           audit::Outcome::kAllowed, run ? "root " + std::string(kRoot) : ""},
          {});
      records.push_back(record);
      for (const audit::Node& node : testing::value_of(frontier.append(audit::leaf_hash(record.encode())))) {
        nodes[{node.id.level, node.id.index}] = node.hash;
      }
    }
  }
  LogProof proof(std::uint64_t index = 5) const {
    const audit::TreeHead head{frontier.size(), frontier.root()};
    return {records[index],
            testing::value_of(audit::inclusion_proof(
                index, head.size,
                [&](const audit::NodeId& id) -> Result<audit::Hash> { return nodes.at({id.level, id.index}); })),
            testing::value_of(audit::sign_checkpoint({std::string(kSignerName), head, {}}, signer.note))};
  }
  Result<audit::TreeHead> verify(const LogProof& proof) const {
    return verify_log_proof(proof, {signer.note.verifier()}, kRun, kRoot);
  }

  Signer signer;
  std::vector<audit::LogRecord> records;
  audit::Frontier frontier;
  std::map<std::pair<unsigned, std::uint64_t>, audit::Hash> nodes;
};

TEST_F(ProofOfARun, Verifies) {
  const LogProof read = testing::value_of(parse_log_proof(format_log_proof(proof())));
  const audit::TreeHead head = testing::value_of(verify(read));
  EXPECT_EQ(head.size, 11U);
  EXPECT_EQ(head.root, frontier.root());
}

TEST_F(ProofOfARun, OfAnotherRow) { testing::expect_refused(verify(proof(4)), Code::kDenied, "something else"); }

TEST_F(ProofOfARun, OfAnotherRun) {
  testing::expect_refused(verify_log_proof(proof(), {signer.note.verifier()}, "another", kRoot), Code::kDenied,
                          "something else");
}

TEST_F(ProofOfARun, OfAnotherRoot) {
  testing::expect_refused(verify_log_proof(proof(), {signer.note.verifier()}, kRun, "b3RoZXI="), Code::kCorrupt,
                          "another root");
}

TEST_F(ProofOfARun, RecordThatIsNotInTheLog) {
  LogProof made_up = proof();
  audit::Event event = made_up.record.event();
  event.actor = "eve";
  made_up.record = audit::LogRecord::make(5, event, {});
  testing::expect_refused(verify(made_up), Code::kCorrupt, "doesn't have the run");
}

TEST_F(ProofOfARun, HashChangedOrLeftOut) {
  LogProof changed = proof();
  changed.path.front()[0] ^= 1;
  testing::expect_refused(verify(changed), Code::kCorrupt, "doesn't have the run");
  changed = proof();
  changed.path.pop_back();
  testing::expect_refused(verify(changed), Code::kCorrupt, "doesn't have the run");
}

TEST_F(ProofOfARun, CheckpointOfSomebodyElse) {
  const crypto::SigningKey key = audit::signing_key(8);
  const auto other = testing::value_of(audit::NoteSigner::make(kSignerName, audit::NoteKeyType::kEd25519, key));
  EXPECT_FALSE(verify_log_proof(proof(), {other.verifier()}, kRun, kRoot).ok());
}

TEST_F(ProofOfARun, Malformed) {
  const std::string text = format_log_proof(proof());
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, std::size_t{31}, text.find("hash"), text.find("\n\n")}) {
    testing::expect_refused(parse_log_proof(text.substr(0, size)), Code::kInvalid, "not the proof");
  }
  std::string newer = text;
  newer.replace(newer.find("v1"), 2, "v2");
  testing::expect_refused(parse_log_proof(newer), Code::kUnsupported, "newer");
  std::string twice = text;
  twice.insert(twice.find("hash"), "hash AAAA\n");
  testing::expect_refused(parse_log_proof(twice), Code::kInvalid, "not the proof");
  testing::expect_refused(parse_log_proof(std::string(70'000, 'x')), Code::kInvalid, "not the proof");
  std::string long_path = text;
  const std::string line = text.substr(text.find("hash"), 50);
  for (int i = 0; i < 70; ++i) long_path.insert(long_path.find("hash"), line);
  testing::expect_refused(parse_log_proof(long_path), Code::kInvalid, "not the proof");
}

}  // namespace
}  // namespace cloister::posture
