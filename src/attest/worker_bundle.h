// What a worker shows before it is told anything: the key to seal requests to, what runs there, and the evidence that
// binds them. docs/formats/worker-bundle.md.
#pragma once

#include "attest/binding.h"
#include "attest/evidence.h"
#include "attest/verifier.h"
#include "base/clock.h"
#include "crypto/signature.h"

namespace cloister::attest {

inline constexpr Duration kWorkerBundleLifeMax = hours(24);
inline constexpr std::size_t kWorkerBundleSizeMax = 16 << 20;

struct WorkerBundle {
  std::string role;  // "infer"
  Time not_before, not_after;
  Bytes key_configuration;                 // RFC 9458 3.1, of an X25519 key
  crypto::Ed25519PublicKey receipt_key{};  // signs what the worker says of its answers
  Bytes manifest;                          // the workload manifest's bytes
  EvidenceSet evidence;
  friend bool operator==(const WorkerBundle&, const WorkerBundle&) = default;
};

// What the evidence must be bound to. Its nonce is a digest over the dates, the key configuration and the receipt key:
// an old bundle can't be given new dates. kInvalid when the key configuration isn't one of an X25519 key.
Result<Binding> bundle_binding(const WorkerBundle& bundle);

Bytes encode(const WorkerBundle& bundle);
// kInvalid for what isn't exactly one, within the limits. Nothing in it has been verified yet.
Result<WorkerBundle> decode_worker_bundle(ByteView bytes);

// kExpired outside its dates; kInvalid when they are further apart than kWorkerBundleLifeMax, or in the wrong order.
Status check_dates(const WorkerBundle& bundle, Time now);

// The evidence, asked for what bundle_binding() says: `question.report_data` is filled in here.
Result<SetVerdict> verify(const WorkerBundle& bundle, Question question);

// How receipts name the evidence: SHA-256 of encode(evidence).
crypto::Sha256Digest evidence_id(const EvidenceSet& evidence);

}  // namespace cloister::attest
