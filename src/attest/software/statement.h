// What a worker without hardware says of itself, signed by a key on the same host: insecure_software. It proves that
// somebody with that key said so, and nothing about who reads the worker's memory. docs/formats/insecure-software.md.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/signature.h"

namespace cloister::attest {

inline constexpr std::size_t kLockdownMeasuresMax = 32;
inline constexpr std::size_t kReportDataSize = 64;

// How far a measure of lockdown came. kWeaker: something less stands in its place.
enum class Achieved : std::uint8_t { kYes = 1, kWeaker = 2, kNo = 3 };
std::string_view achieved_name(Achieved achieved);  // "yes", "weaker", "no"

struct LockdownMeasure {
  std::string name;  // in kebab case: "core-dumps"
  Achieved achieved = Achieved::kNo;
  std::string detail;  // for people; empty where there is nothing to add
  friend bool operator==(const LockdownMeasure&, const LockdownMeasure&) = default;
};

struct SoftwareStatement {
  crypto::Sha256Digest measurement{};  // of the worker's program file
  crypto::Sha256Digest manifest{};     // of the workload manifest's bytes
  std::array<std::uint8_t, kReportDataSize> report_data{};
  Time time;
  bool debug = false;  // it may be traced, or leaves core dumps
  std::vector<LockdownMeasure> lockdown;
  friend bool operator==(const SoftwareStatement&, const SoftwareStatement&) = default;
};

// What Anchors::with_insecure_software() names the key by: SHA-256 of its SubjectPublicKeyInfo.
crypto::Sha256Digest software_key_fingerprint(const crypto::Ed25519PublicKey& key);

// The part "statement" of the evidence.
Bytes sign_statement(const SoftwareStatement& statement, const crypto::SigningKey& key);

struct SignedStatement {
  SoftwareStatement statement;
  crypto::Ed25519PublicKey key{};
  Bytes signed_bytes;
  crypto::Ed25519Signature signature{};
};
// kCorrupt for bytes that aren't exactly one. The signature isn't verified yet.
Result<SignedStatement> parse_statement(ByteView bytes);
Status verify_signature(const SignedStatement& statement);

}  // namespace cloister::attest
