// A small audit log with its keys, and words to say that something must be refused.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "audit/export.h"
#include "audit/export_line.h"
#include "tests/support/hex.h"

namespace cloister::audit {

template <typename ResultOrStatus>
void expect_refused(const ResultOrStatus& result, Code code, std::string_view part) {
  ASSERT_FALSE(result.ok()) << "not refused: " << part;
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().message();
}

template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.error().message();
    std::abort();
  }
  return std::move(result).value();
}

inline constexpr std::string_view kOrigin = "audit.example.com/acme";
inline constexpr std::string_view kWitness = "witness.example.org/w1";
inline constexpr Time kNow{1'700'000'100'500};

inline Event event_of(std::string action) {
  return Event{
      Time{1'700'000'000'000}, "uid:1000 alice", std::move(action), "acme", "kek:00:1", Outcome::kAllowed, "ok"};
}

inline crypto::SigningKey signing_key(std::uint8_t byte) {
  return crypto::SigningKey::from_seed(testing::key_of_byte(byte));
}

// The log's key has the seed 01…, the witnesses' 02… and 03…: as in docs/formats/audit-log.md.
struct LogKeys {
  crypto::SigningKey log_key = signing_key(1);
  crypto::SigningKey witness_key = signing_key(2);
  crypto::SigningKey other_witness_key = signing_key(3);
  NoteSigner log = value_of(NoteSigner::make(kOrigin, NoteKeyType::kEd25519, log_key));
  NoteSigner witness = value_of(NoteSigner::make(kWitness, NoteKeyType::kCosignatureV1, witness_key));
  NoteSigner other_witness =
      value_of(NoteSigner::make("witness.example.net/w2", NoteKeyType::kCosignatureV1, other_witness_key));

  CheckpointTrust trust() const { return CheckpointTrust{log.verifier()}; }
  CheckpointTrust trust(std::size_t quorum) const {
    return CheckpointTrust{log.verifier(), {witness.verifier(), other_witness.verifier()}, quorum};
  }
};

// Three records: a plain one, one with every extra, one with an extra of a type nobody knows.
inline std::vector<LogRecord> example_records() {
  Extras all;
  crypto::Sha256Digest digest;
  for (const ExtraField& field : extra_fields()) {
    digest.fill(static_cast<std::uint8_t>(field.type));
    if (field.kind == ExtraKind::kText) all.set_text(field.type, "some " + std::string(field.name));
    if (field.kind == ExtraKind::kNumber) all.set_number(field.type, 7);
    if (field.kind == ExtraKind::kDigest) all.set_digest(field.type, digest);
  }
  Event refused{Time{1'700'000'000'001},
                "spiffe://example.com/w",
                "key.release",
                "acme/production",
                "mnist",
                Outcome::kRefused,
                "the policy \"gpu\" says no: Größe 7 µm"};
  Extras unknown;
  unknown.set_text(Extra::kRequestId, "r-3");
  EXPECT_TRUE(unknown.add(4711, Bytes{0, 1, 0xff}).ok());
  Event failed = event_of("kek.destroy");
  failed.time.unix_ms = 1'699'999'999'999;
  failed.outcome = Outcome::kFailed;
  return {LogRecord::make(0, event_of("kek.rotate"), {}), LogRecord::make(1, std::move(refused), std::move(all)),
          LogRecord::make(2, std::move(failed), std::move(unknown))};
}

inline Frontier frontier_of(const std::vector<LogRecord>& records) {
  Frontier frontier;
  for (const LogRecord& record : records) value_of(frontier.append(leaf_hash(record.encode())));
  return frontier;
}

inline Checkpoint checkpoint_of(const Frontier& frontier) {
  return Checkpoint{std::string(kOrigin), TreeHead{frontier.size(), frontier.root()}, {}};
}

inline std::string with_cosignature(std::string_view note, const NoteSigner& witness) {
  SignedNote parsed = value_of(parse_note(note));
  parsed.signatures.push_back(witness.sign(parsed.text, kNow));
  return value_of(write_note(parsed));
}

// The log's checkpoint with both witnesses' cosignatures.
inline std::string note_of(const Frontier& frontier, const LogKeys& keys) {
  const std::string note = value_of(sign_checkpoint(checkpoint_of(frontier), keys.log));
  return with_cosignature(with_cosignature(note, keys.witness), keys.other_witness);
}

inline ByteSink sink_to(std::string& text) {
  return [&text](ByteView bytes) -> Status {
    text += as_text(bytes);
    return {};
  };
}

// Hands out at most `step` bytes at a time.
inline ByteSource source_of(std::string_view text, std::size_t step = 4096) {
  return [text, step](MutableByteView out) mutable -> Result<std::size_t> {
    const std::size_t count = std::min({out.size(), text.size(), step});
    if (count != 0) std::memcpy(out.data(), text.data(), count);
    text.remove_prefix(count);
    return count;
  };
}

inline std::string export_of(const std::vector<LogRecord>& records, const LogKeys& keys) {
  std::string text;
  auto writer = value_of(ExportWriter::begin(sink_to(text), std::string(kOrigin)));
  for (const LogRecord& record : records) EXPECT_TRUE(writer.add(record).ok());
  EXPECT_TRUE(writer.finish(note_of(writer.frontier(), keys)).ok());
  return text;
}

}  // namespace cloister::audit
