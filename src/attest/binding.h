// What a worker's evidence is bound to: the question it answers, the key that answers are sealed to, what it says it
// is. docs/formats/attestation-binding.md.
#pragma once

#include <optional>
#include <string>

#include "attest/evidence.h"
#include "base/bytes.h"
#include "crypto/hash.h"

namespace cloister::attest {

struct Binding {
  std::string role;                              // "infer", "train", "aggregate", "kms"
  Bytes nonce;                                   // of the verifier: 32 bytes; for a bundle without one, its epoch
  Bytes recipient;                               // HPKE public key: crypto::HpkePublicKey::bytes()
  crypto::Sha256Digest manifest{};               // of the workload manifest's bytes
  std::optional<Bytes> exporter;                 // RFC 9266 tls-exporter of the connection it travels on, 32 bytes
  std::optional<crypto::Sha256Digest> peer_key;  // of the SPKI that the worker shows on that connection
  crypto::Sha256Digest devices{};                // devices_digest()
};

// What devices are asked with, before their evidence is part of the machine's own: 32 bytes.
Bytes device_nonce(const Binding& binding);
// Over the devices' evidence as encode() has it; all zero where there are none.
crypto::Sha256Digest devices_digest(const EvidenceSet& set);
// The 64 bytes that the machine's own evidence must carry: SHA-512 over all of it, each part with its length.
Bytes report_data(const Binding& binding);

}  // namespace cloister::attest
