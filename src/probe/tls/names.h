// TLS's numbers and their names: versions, groups, signature schemes, alerts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cloister::probe {

inline constexpr std::uint16_t kSsl3 = 0x0300;
inline constexpr std::uint16_t kTls10 = 0x0301;
inline constexpr std::uint16_t kTls11 = 0x0302;
inline constexpr std::uint16_t kTls12 = 0x0303;
inline constexpr std::uint16_t kTls13 = 0x0304;
std::string version_name(std::uint16_t version);  // "TLS 1.2"; "0x7f1c" for others

enum class GroupKind { kClassic, kHybrid, kPureMlKem, kObsoleteKyber };
struct Group {
  std::uint16_t code;
  std::string_view name;
  GroupKind kind = GroupKind::kClassic;
};
std::span<const Group> groups();
std::string group_name(std::uint16_t code);
inline constexpr std::uint16_t kX25519 = 0x001d;
inline constexpr std::uint16_t kP256 = 0x0017;

struct SignatureScheme {
  std::uint16_t code;
  std::string_view name;
};
std::span<const SignatureScheme> signature_schemes();
std::string scheme_name(std::uint16_t code);

inline constexpr std::uint8_t kAlertCloseNotify = 0;
inline constexpr std::uint8_t kAlertHandshakeFailure = 40;
inline constexpr std::uint8_t kAlertProtocolVersion = 70;
inline constexpr std::uint8_t kAlertInappropriateFallback = 86;
inline constexpr std::uint8_t kAlertUnrecognizedName = 112;
inline constexpr std::uint8_t kAlertNoApplicationProtocol = 120;
std::string alert_name(std::uint8_t description);  // "handshake_failure (40)"

}  // namespace cloister::probe
