// A ClientHello of any content, right or wrong: RFC 8446 4.1.2, RFC 5246 7.4.1.2, and SSL's own.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace cloister::probe {

enum class RecordType : std::uint8_t {
  kChangeCipherSpec = 20,
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
  kHeartbeat = 24,
};

inline constexpr std::uint16_t kExtServerName = 0;
inline constexpr std::uint16_t kExtMaxFragmentLength = 1;
inline constexpr std::uint16_t kExtGroups = 10;
inline constexpr std::uint16_t kExtPointFormats = 11;
inline constexpr std::uint16_t kExtSignatureAlgorithms = 13;
inline constexpr std::uint16_t kExtHeartbeat = 15;
inline constexpr std::uint16_t kExtAlpn = 16;
inline constexpr std::uint16_t kExtPadding = 21;
inline constexpr std::uint16_t kExtEncryptThenMac = 22;
inline constexpr std::uint16_t kExtExtendedMasterSecret = 23;
inline constexpr std::uint16_t kExtRecordSizeLimit = 28;
inline constexpr std::uint16_t kExtSessionTicket = 35;
inline constexpr std::uint16_t kExtSupportedVersions = 43;
inline constexpr std::uint16_t kExtPskModes = 45;
inline constexpr std::uint16_t kExtKeyShare = 51;
inline constexpr std::uint16_t kExtRenegotiationInfo = 0xff01;

inline constexpr std::uint16_t kScsvRenegotiation = 0x00ff;
inline constexpr std::uint16_t kScsvFallback = 0x5600;

struct Extension {
  std::uint16_t type;
  Bytes body;
};

struct ClientHello {
  std::uint16_t record_version = 0x0301;
  std::uint16_t version = 0x0303;
  std::array<std::uint8_t, 32> random{};
  Bytes session_id;
  std::vector<std::uint16_t> suites;
  Bytes compression{0};
  std::vector<Extension> extensions;  // none: the field isn't written at all, as SSLv3 has it

  // Replaces one of that type, in its place, or comes last.
  void set(std::uint16_t type, Bytes body);
  void remove(std::uint16_t type);

  Bytes message() const;  // with its handshake header
  // In records of at most this many bytes of the message.
  Bytes records(std::size_t fragment_max = 16384) const;
};

// One record around `body`, which is at most 65535 bytes.
Bytes record(RecordType type, std::uint16_t version, ByteView body);

// Bodies of extensions.
Bytes server_name_body(std::string_view host);
Bytes list16_body(std::span<const std::uint16_t> codes);       // groups, signature algorithms
Bytes versions_body(std::span<const std::uint16_t> versions);  // supported_versions of a client
Bytes alpn_body(std::span<const std::string_view> protocols);

// A public key of that group as it looks on the wire, whose private key nobody has: enough for a server to go on.
// Empty for groups of which none is known here.
Bytes plausible_share(std::uint16_t group, ByteView random32);
// key_share with these shares. Empty: none, which asks for a HelloRetryRequest.
struct KeyShare {
  std::uint16_t group;
  Bytes key;
};
Bytes key_share_body(std::span<const KeyShare> shares);

// A CLIENT-HELLO of SSLv2 itself, and one in its clothes that offers a later version (RFC 5246 appendix E.2).
Bytes sslv2_client_hello(std::span<const std::uint32_t> suites, ByteView challenge16);
Bytes sslv2_framed_hello(std::uint16_t version, std::span<const std::uint16_t> suites, ByteView challenge16);

}  // namespace cloister::probe
