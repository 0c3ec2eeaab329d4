// What a worker signs at the end of an answer: which request it answered with what, as which model, under which
// evidence. Kept by who asked. docs/formats/inference-receipt.md.
#pragma once

#include <optional>

#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/signature.h"

namespace cloister::attest {

struct InferenceReceipt {
  std::uint64_t sequence = 0;       // of this worker since it started, from 1
  crypto::Sha256Digest previous{};  // SHA-256 of the receipt before it; zeros for the first
  Time time;
  crypto::Sha256Digest request{};             // of the sealed request, all of it
  crypto::Sha256Digest response{};            // of the sealed response up to its last chunk
  std::optional<crypto::Sha256Digest> model;  // of the model's plaintext
  crypto::Sha256Digest manifest{};            // of the workload manifest
  crypto::Sha256Digest evidence{};            // evidence_id()
  std::string policy;  // the id of the policy under which the model's key was released; may be empty
  friend bool operator==(const InferenceReceipt&, const InferenceReceipt&) = default;
};

Bytes sign_receipt(const InferenceReceipt& receipt, const crypto::SigningKey& key);
// kInvalid: it isn't one. kCorrupt: it isn't that key's.
Result<InferenceReceipt> open_receipt(ByteView bytes, const crypto::Ed25519PublicKey& key);

}  // namespace cloister::attest
