// The token of an Arm CCA realm: what the platform says of itself and what the realm management monitor says of the
// realm, each signed. RMM specification (DEN0137) A7, draft-ffm-rats-cca-token; and the older profile without a name.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/cbor_item.h"
#include "crypto/cose_sign1.h"
#include "crypto/hash.h"

namespace cloister::attest {

inline constexpr std::size_t kCcaTokenSizeMax = 65536;
inline constexpr std::string_view kCcaPlatformProfileLegacy = "http://arm.com/CCA-SSD/1.0.0";
inline constexpr std::string_view kCcaPlatformProfile2023 = "tag:arm.com,2023:cca_platform#1.0.0";
inline constexpr std::string_view kCcaRealmProfile2023 = "tag:arm.com,2023:realm#1.0.0";

enum class CcaHash { kSha256, kSha384, kSha512 };
std::string_view cca_hash_name(CcaHash hash);  // "sha-256", as tokens have it
Bytes cca_digest(CcaHash hash, ByteView bytes);

struct CcaComponent {
  std::optional<std::string> type, version, hash;
  Bytes measurement;
  Bytes signer;
};

struct CcaPlatform {
  std::string profile;
  Bytes challenge;  // the digest of the realm's key
  std::array<std::uint8_t, 32> implementation{};
  std::array<std::uint8_t, 33> instance{};  // begins with 01
  Bytes configuration;
  std::uint16_t lifecycle = 0;
  CcaHash hash = CcaHash::kSha256;
  std::vector<CcaComponent> components;
  Bytes components_encoded;  // as signed
  std::optional<std::string> verification_service;

  bool secured() const { return (lifecycle & 0xFF00) == 0x3000; }
  // A state in which somebody may look into realms: "non-CCA platform debug" and "recoverable platform debug".
  bool debug() const { return (lifecycle & 0xFF00) == 0x4000 || (lifecycle & 0xFF00) == 0x5000; }
};

struct CcaRealm {
  std::optional<std::string> profile;
  std::array<std::uint8_t, 64> challenge{};
  std::array<std::uint8_t, 64> personalisation{};
  Bytes initial;  // RIM
  std::array<Bytes, 4> extensible;
  CcaHash hash = CcaHash::kSha256;
  Bytes key_bytes;  // as signed: what the platform's challenge is the digest of
  CcaHash key_hash = CcaHash::kSha256;
  std::optional<crypto::PublicKey> key;  // always there after parsing
};

// The claims alone. kInvalid when one is missing, of another type or another length; unknown ones are ignored.
Result<CcaPlatform> parse_cca_platform(ByteView claims);
Result<CcaRealm> parse_cca_realm(ByteView claims);

// A view: the bytes must outlive it. What it says is true only once both signatures and the digest were verified.
struct CcaToken {
  crypto::CoseSign1 platform_message;
  crypto::CoseSign1 realm_message;
  CcaPlatform platform;
  CcaRealm realm;
};

// kInvalid for anything but one whole token with both parts, its CBOR of definite lengths and without duplicate keys.
Result<CcaToken> parse_cca_token(ByteView bytes);

}  // namespace cloister::attest
