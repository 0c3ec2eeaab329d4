// Checkpoints: the signed head of a tree (c2sp.org/tlog-checkpoint), what makes one trusted, and when a witness may
// cosign one (c2sp.org/tlog-witness). Pure. docs/formats/audit-log.md.
#pragma once

#include "audit/merkle.h"
#include "audit/signed_note.h"

namespace cloister::audit {

struct Checkpoint {
  std::string origin;
  TreeHead head;
  std::vector<std::string> extensions;  // opaque; Cloister writes none
};

// The text of the note: origin, size in decimal, root in base64, extension lines. kCorrupt for any other form.
Result<Checkpoint> parse_checkpoint(std::string_view text);
// kInvalid for what parse_checkpoint() would refuse.
Result<std::string> checkpoint_text(const Checkpoint& checkpoint);

// The whole note, signed by the log. kInvalid unless the signer is of type kEd25519 and named as the origin.
Result<std::string> sign_checkpoint(const Checkpoint& checkpoint, const NoteSigner& log);

// Whose word is taken. Without witnesses `quorum` is 0; with them, 1 to their number: how many must have cosigned.
struct CheckpointTrust {
  VerifierKey log_key;
  std::vector<VerifierKey> witnesses = {};
  std::size_t quorum = 0;
};

// kInvalid for keys of the wrong type, one public key twice, and a quorum out of range.
Status check_trust(const CheckpointTrust& trust);

struct Cosignature {
  std::string witness;
  std::uint64_t unix_seconds = 0;
};

struct VerifiedCheckpoint {
  Checkpoint checkpoint;
  std::vector<Cosignature> cosignatures;  // of trusted witnesses, each once
};

// kDenied when the log's key didn't sign, when its name isn't the origin, or when witnesses are short of the quorum;
// kCorrupt for a malformed note or a wrong signature of any trusted key; kInvalid as check_trust().
Result<VerifiedCheckpoint> verify_checkpoint(std::string_view note, const CheckpointTrust& trust);

// Whether a witness may cosign `next` after `last`, the newest it cosigned for this origin (nothing: none yet).
// kInvalid for another origin; kDenied for a smaller size, the same size with another root, and a proof that isn't
// exactly the one from last to next. Equal heads may be cosigned again, with an empty proof; the first one, and the one
// after an empty tree, come with an empty proof too.
Status check_witness_rule(const std::optional<Checkpoint>& last, const Checkpoint& next, std::span<const Hash> proof);

struct WitnessAnswer {
  Checkpoint cosigned;      // to be stored as the newest, in one step with the comparison, before anybody is answered
  NoteSignature signature;  // over the note's text
};

// What a witness does with a note: verifies the log's signature, applies the rule, signs. `witness` is of type
// kCosignatureV1. The codes of verify_checkpoint() and check_witness_rule().
Result<WitnessAnswer> cosign_checkpoint(std::string_view note, const VerifierKey& log_key,
                                        const std::optional<Checkpoint>& last, std::span<const Hash> proof,
                                        const NoteSigner& witness, Time now);

}  // namespace cloister::audit
