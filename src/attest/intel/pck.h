// The certificates in a quote: Intel's chain for the key that certifies a platform (PCK), and what the platform is.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "crypto/verification_cache.h"
#include "crypto/x509.h"

namespace cloister::attest::intel {

inline constexpr std::size_t kPckCertificatesMax = 8;

// Extension 1.2.840.113741.1.13.1 of a PCK certificate.
struct Platform {
  Bytes ppid;                                // 16
  std::array<std::uint16_t, 16> components;  // SVNs
  std::uint16_t pce_svn = 0;
  Bytes pce_id;                        // 2
  Bytes fmspc;                         // 6: family, model, stepping, platform, custom SKU
  std::optional<Bytes> instance_id;    // 16: of platforms of several packages
  std::optional<std::uint8_t> memory;  // 0 standard, 1 scalable, 2 scalable with integrity: "SGX type"
  // Configuration; nothing where the certificate doesn't say.
  std::optional<bool> dynamic, cached_keys, multithreading;
};
// kInvalid when the extension is missing, malformed, or lacks a member.
Result<Platform> read_platform(const crypto::Certificate& pck);

enum class PckAuthority { kProcessor, kPlatform };
std::string_view authority_key(PckAuthority authority);  // "processor", "platform": as PCS and collateral name them

// The path in the order of issuing, whatever order the quote has.
struct PckChain {
  crypto::Certificate leaf;
  std::vector<crypto::Certificate> intermediates;
  crypto::Certificate root;
  PckAuthority authority = PckAuthority::kProcessor;
};

// From the quote's certification data: PEM with zeros behind it, or DER certificates one after the other. Links by
// name; signatures aren't verified. kInvalid for what isn't certificates; kDenied when they don't make exactly one path
// of the names that Intel gives.
Result<PckChain> read_pck_chain(ByteView certificates, crypto::VerificationCache* cache = nullptr);

// A subject's one common name; empty when there isn't exactly one.
std::string subject_common_name(const crypto::Certificate& certificate);
// Leaf first, by issuer up to a certificate that issued itself; every one given must be in it. kDenied otherwise.
Result<std::vector<crypto::Certificate>> ordered_path(std::vector<crypto::Certificate> certificates);

}  // namespace cloister::attest::intel
