// Certificate revocation lists (RFC 5280 5): read within bounds, verified with their issuer's key, asked for a serial
// number. Complete lists of one issuer only: no deltas, no indirect lists, no partitions.
#pragma once

#include <optional>

#include "base/clock.h"
#include "crypto/x509.h"

namespace cloister::crypto {

class VerificationCache;

inline constexpr std::size_t kRevocationListSizeMax = 4 << 20;
inline constexpr std::size_t kRevokedMax = 200'000;

// Immutable. Any thread may call.
class RevocationList {
 public:
  // Exactly one DER CertificateList of version 2. kInvalid for bytes that aren't strict DER, without nextUpdate, with
  // an algorithm that isn't named the same inside and outside, or over a limit above. kUnsupported for a signature of
  // a kind that isn't used here and for critical extensions, of the list or of an entry: those that change what a list
  // covers are critical. What it says is true only after verify().
  static Result<RevocationList> parse(ByteView der);

  const Bytes& issuer() const { return issuer_; }  // DER Name
  Time this_update() const { return this_update_; }
  Time next_update() const { return next_update_; }
  const std::optional<Bytes>& number() const { return number_; }  // cRLNumber: big-endian, without leading zeros
  std::size_t size() const { return serials_.size(); }            // revoked certificates

  // Whether that authority signed it. kDenied when the list names another issuer, or when the certificate isn't an
  // authority's or its key usage doesn't allow it to sign lists; kCorrupt when the signature isn't its key's.
  Status verify(const Certificate& authority, VerificationCache* cache = nullptr) const;
  // The big-endian serial number of a certificate of this issuer, with or without leading zeros. On hold counts as
  // revoked.
  bool contains(ByteView serial) const;

 private:
  RevocationList() = default;
  Status read(ByteView der);
  Status read_signed_part(ByteView content, ByteView algorithm);
  Status read_entries(ByteView content);
  Status read_list_extensions(ByteView sequence);

  Bytes signed_part_;
  SignatureAlgorithm algorithm_ = SignatureAlgorithm::kEcdsaSha256;
  Bytes signature_;
  Bytes issuer_;
  Time this_update_, next_update_;
  std::optional<Bytes> number_;
  std::vector<Bytes> serials_;  // sorted
};

}  // namespace cloister::crypto
