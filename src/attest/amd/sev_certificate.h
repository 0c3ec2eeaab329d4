// Certificates of SEV before SNP in AMD's own binary form: SEV API specification 55766, appendices B and C.
#pragma once

#include <array>

#include "base/bytes.h"
#include "crypto/asymmetric_key.h"

namespace cloister::attest {

// Of ARK and ASK: keys of AMD's, 2048 or 4096 bits of RSA.
struct SevAuthority {
  std::uint32_t usage = 0;
  Bytes key_id, certifying_id;
  crypto::PublicKey key;
  Bytes signed_part;
  Bytes signature;  // big endian

  // kInvalid for another length, version or size of key; crypto::PublicKey's codes for the key itself.
  static Result<SevAuthority> parse(ByteView bytes);
};

inline constexpr std::uint32_t kSevUsageArk = 0x0;
inline constexpr std::uint32_t kSevUsageAsk = 0x13;
inline constexpr std::uint32_t kSevUsageEmpty = 0x1000;
inline constexpr std::uint32_t kSevUsageOca = 0x1001;
inline constexpr std::uint32_t kSevUsagePek = 0x1002;
inline constexpr std::uint32_t kSevUsagePdh = 0x1003;
inline constexpr std::uint32_t kSevUsageCek = 0x1004;

struct SevSlot {
  std::uint32_t usage = kSevUsageEmpty;  // whose signature it is
  std::uint32_t algorithm = 0;
  Bytes signature;  // as it stands: 512 bytes
};

// Of a chip's keys (CEK, PEK, PDH) and its owner's (OCA), on P-256 or P-384.
struct SevCertificate {
  std::uint8_t api_major = 0, api_minor = 0;
  std::uint32_t usage = 0;
  crypto::PublicKey key;
  Bytes signed_part;
  std::array<SevSlot, 2> slots;

  // kInvalid for another length or version, bytes that must be zero, slots that are empty and aren't, a key whose use
  // and kind don't fit.
  static Result<SevCertificate> parse(ByteView bytes);
  // The signature of a key of that usage; null when there is none, or two.
  const SevSlot* slot_of(std::uint32_t usage) const;
};

// kCorrupt: the signature isn't that key's. kInvalid: it can't be one.
Status verify_sev_authority(const SevAuthority& certificate, const crypto::PublicKey& by);
Status verify_sev_slot(ByteView signed_part, const SevSlot& slot, const crypto::PublicKey& by);

}  // namespace cloister::attest
