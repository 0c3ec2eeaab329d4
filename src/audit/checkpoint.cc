#include "audit/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/reader.h"

namespace cloister::audit {
namespace {

Error bad_checkpoint(std::string_view why) { return Error(Code::kCorrupt, "a checkpoint " + std::string(why)); }
Error bad_trust(std::string_view why) { return Error(Code::kInvalid, std::string(why)); }

Result<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), size);
  // Written again it must be the same: no sign, no leading zero, nothing behind it.
  if (failure == std::errc() && std::to_string(size) == text) return size;
  return bad_checkpoint("has a size that isn't a decimal number of 64 bits");
}

Result<Hash> parse_root(std::string_view text) {
  const auto raw = from_base64(text);
  Hash root;
  if (!raw.ok() || raw->size() != root.size()) return bad_checkpoint("has a root that isn't 32 bytes in base64");
  std::ranges::copy(*raw, root.begin());
  return root;
}

Result<std::vector<std::string_view>> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return bad_checkpoint("doesn't end with a line feed");
    lines.push_back(text.substr(0, end));
    if (lines.back().empty()) return bad_checkpoint("has an empty line");
    if (!is_plain_utf8(lines.back())) return bad_checkpoint("isn't plain UTF-8 text");
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool one_key_twice(const CheckpointTrust& trust) {
  std::vector<crypto::Ed25519PublicKey> keys{trust.log_key.public_key()};
  for (const VerifierKey& witness : trust.witnesses) keys.push_back(witness.public_key());
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) != keys.end();
}

}  // namespace

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  if (text.size() > kNoteSizeMax) return bad_checkpoint("is over 131072 bytes");
  CLOISTER_TRY(const auto lines, split_lines(text));
  if (lines.size() < 3) return bad_checkpoint("has fewer than three lines");
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  CLOISTER_TRY(checkpoint.head.size, parse_size(lines[1]));
  CLOISTER_TRY(checkpoint.head.root, parse_root(lines[2]));
  if (checkpoint.head.size == 0 && checkpoint.head.root != empty_root()) {
    return bad_checkpoint("of an empty tree has a root that isn't the empty tree's");
  }
  checkpoint.extensions.assign(lines.begin() + 3, lines.end());
  return checkpoint;
}

Result<std::string> checkpoint_text(const Checkpoint& checkpoint) {
  const std::string size = std::to_string(checkpoint.head.size);
  std::string text = checkpoint.origin + "\n" + size + "\n" + to_base64(checkpoint.head.root) + "\n";
  for (const std::string& line : checkpoint.extensions) text += line + "\n";
  const auto read = parse_checkpoint(text);
  if (!read.ok()) return Error(Code::kInvalid, read.error().message());
  // A line feed in a line would have made two of it.
  if (read->origin == checkpoint.origin && read->extensions == checkpoint.extensions) return text;
  return Error(Code::kInvalid, "a checkpoint's lines don't hold line feeds");
}

Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& log) {
  if (log.verifier().type() != NoteKeyType::kEd25519 || log.verifier().name() != checkpoint.origin) {
    return Error(Code::kInvalid, "a checkpoint of " + checkpoint.origin + " is signed by the log's key of that name");
  }
  CLOISTER_TRY(std::string text, checkpoint_text(checkpoint));
  NoteSignature signature = log.sign(text, Time{});
  return write_note(SignedNote{std::move(text), {std::move(signature)}});
}

Status check_trust(const CheckpointTrust& trust) {
  if (trust.log_key.type() != NoteKeyType::kEd25519) return bad_trust("the log's key must be of type 1 (Ed25519)");
  for (const VerifierKey& witness : trust.witnesses) {
    if (witness.type() != NoteKeyType::kCosignatureV1) {
      return bad_trust("the key of witness " + witness.name() + " must be of type 4 (cosignature/v1)");
    }
  }
  if (one_key_twice(trust)) return bad_trust("two of the trusted keys are the same public key: that is one witness");
  if (trust.quorum > trust.witnesses.size()) return bad_trust("the quorum is larger than the number of witnesses");
  if (trust.quorum == 0 && !trust.witnesses.empty()) return bad_trust("witnesses are named, but no quorum of them");
  return {};
}

Result<VerifiedCheckpoint> verify_checkpoint(std::string_view note, const CheckpointTrust& trust) {
  CLOISTER_RETURN_IF_ERROR(check_trust(trust));
  CLOISTER_TRY(const SignedNote parsed, parse_note(note));
  CLOISTER_TRY(Checkpoint checkpoint, parse_checkpoint(parsed.text));
  if (checkpoint.origin != trust.log_key.name()) {
    return Error(Code::kDenied,
                 "the checkpoint is of " + checkpoint.origin + ", the trusted key of " + trust.log_key.name());
  }
  std::vector<VerifierKey> keys{trust.log_key};
  keys.insert(keys.end(), trust.witnesses.begin(), trust.witnesses.end());
  CLOISTER_TRY(const auto signatures, verify_note(parsed, keys));
  if (std::ranges::find(signatures, std::size_t{0}, &VerifiedSignature::key) == signatures.end()) {
    return Error(Code::kDenied, "the checkpoint isn't signed by the log's key");
  }
  VerifiedCheckpoint verified{std::move(checkpoint), {}};
  for (const VerifiedSignature& signature : signatures) {
    if (signature.key != 0) {
      verified.cosignatures.push_back(Cosignature{keys[signature.key].name(), signature.unix_seconds.value_or(0)});
    }
  }
  if (verified.cosignatures.size() >= trust.quorum) return verified;
  return Error(Code::kDenied, "the checkpoint is cosigned by " + std::to_string(verified.cosignatures.size()) +
                                  " of the trusted witnesses, " + std::to_string(trust.quorum) + " are needed");
}

Status check_witness_rule(const std::optional<Checkpoint>& last, const Checkpoint& next, std::span<const Hash> proof) {
  if (last && last->origin != next.origin) return Error(Code::kInvalid, "the checkpoints are of two logs");
  if (next.head.size > kTreeSizeMax) return Error(Code::kDenied, "the checkpoint has more than 2^62 leaves");
  if (!last || last->head.size == 0) {
    if (proof.empty()) return {};
    return Error(Code::kDenied, "there is nothing yet that a consistency proof could start from");
  }
  if (next.head.size < last->head.size) {
    return Error(Code::kDenied, "the log shrank from " + std::to_string(last->head.size) + " leaves to " +
                                    std::to_string(next.head.size));
  }
  const Status status = verify_consistency(last->head, next.head, proof);
  if (status.ok()) return {};
  return Error(Code::kDenied, "the log doesn't continue what was cosigned: " + status.error().message());
}

Result<WitnessAnswer> cosign_checkpoint(std::string_view note, const VerifierKey& log_key,
                                        const std::optional<Checkpoint>& last, std::span<const Hash> proof,
                                        const NoteSigner& witness, Time now) {
  if (witness.verifier().type() != NoteKeyType::kCosignatureV1) {
    return bad_trust("a witness signs with a key of type 4 (cosignature/v1)");
  }
  if (witness.verifier().public_key() == log_key.public_key()) return bad_trust("a log isn't its own witness");
  CLOISTER_TRY(VerifiedCheckpoint verified, verify_checkpoint(note, CheckpointTrust{log_key}));
  CLOISTER_RETURN_IF_ERROR(check_witness_rule(last, verified.checkpoint, proof));
  CLOISTER_TRY(const SignedNote parsed, parse_note(note));
  NoteSignature signature = witness.sign(parsed.text, now);
  return WitnessAnswer{std::move(verified.checkpoint), std::move(signature)};
}

}  // namespace cloister::audit
