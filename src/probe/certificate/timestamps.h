// Signed certificate timestamps (SCTs): the promise of a Certificate Transparency log to publish a certificate. RFC
// 6962 3.2 and 3.3; c2sp.org/static-ct-api, whose logs make the same promises.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/asymmetric_key.h"
#include "probe/certificate/seen_certificate.h"

namespace cloister::probe {

inline constexpr std::size_t kTimestampsMax = 64;

struct SignedTimestamp {
  std::array<std::uint8_t, 32> log_id{};
  Time at;
  Bytes extensions;
  std::uint8_t hash = 0, algorithm = 0;  // as TLS 1.2 numbers them: 4 SHA-256; 1 RSA, 3 ECDSA
  Bytes signature;
  // Where a static-ct-api log put the entry.
  std::optional<std::uint64_t> leaf_index() const;
};

// A SignedCertificateTimestampList. kInvalid when it is malformed, empty, or has more than kTimestampsMax; one of
// another version than 1 is passed over.
Result<std::vector<SignedTimestamp>> parse_timestamps(ByteView list);

// What a log signed: a certificate as it is, or the precertificate that it was made from.
struct LoggedEntry {
  enum class Type : std::uint16_t { kCertificate = 0, kPrecertificate = 1 } type = Type::kCertificate;
  std::array<std::uint8_t, 32> issuer_key_hash{};  // of a precertificate
  Bytes bytes;
};
LoggedEntry entry_of(const SeenCertificate& certificate);
Result<LoggedEntry> precertificate_of(const SeenCertificate& certificate, const SeenCertificate& issuer);

// The bytes under the signature: digitally-signed struct of RFC 6962 3.2.
Bytes signed_bytes(const SignedTimestamp& timestamp, const LoggedEntry& entry);
// kDenied when the log's key didn't sign that. kUnsupported for another algorithm than SHA-256 with RSA or ECDSA.
Status verify_timestamp(const SignedTimestamp& timestamp, const LoggedEntry& entry, const crypto::PublicKey& log_key);

}  // namespace cloister::probe
