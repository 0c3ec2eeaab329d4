// Messages of a server's handshake, read within bounds: what they say, and not whether it is true.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "probe/tls/client_hello.h"

namespace cloister::probe {

enum class HandshakeType : std::uint8_t {
  kHelloRequest = 0,
  kServerHello = 2,
  kNewSessionTicket = 4,
  kCertificate = 11,
  kServerKeyExchange = 12,
  kCertificateRequest = 13,
  kServerHelloDone = 14,
  kCertificateStatus = 22,
};

struct ServerHello {
  std::uint16_t legacy_version = 0;
  std::uint16_t version = 0;  // of supported_versions where that is there, else legacy_version
  std::array<std::uint8_t, 32> random{};
  Bytes session_id;
  std::uint16_t suite = 0;
  std::uint8_t compression = 0;
  std::vector<Extension> extensions;
  bool is_retry = false;               // a HelloRetryRequest
  std::optional<std::uint16_t> group;  // of key_share

  const Extension* find(std::uint16_t type) const;
  // RFC 8446 4.1.3: "DOWNGRD" and 1 or 0 at the end of the random bytes.
  std::optional<std::uint8_t> downgrade_mark() const;
};

// Each takes a message's body. kCorrupt for anything that isn't one.
Result<ServerHello> parse_server_hello(ByteView body);
// Of TLS 1.2 and older: DER as it came, leaf first. At most 32.
Result<std::vector<Bytes>> parse_certificates(ByteView body);

// Of TLS 1.2 and older.
struct ServerKeyExchange {
  std::optional<std::uint16_t> curve;   // ECDHE
  Bytes prime;                          // DHE, without leading zeros
  std::optional<std::uint16_t> scheme;  // TLS 1.2: hash and signature, as a SignatureScheme
};
enum class KeyExchange { kDhe, kEcdhe };
enum class Signed { kYes, kNo };
// kUnsupported for explicit curves.
Result<ServerKeyExchange> parse_server_key_exchange(ByteView body, KeyExchange exchange, std::uint16_t version,
                                                    Signed is_signed);
struct SessionTicket {
  std::uint32_t lifetime_s = 0;
  Bytes ticket;
};
Result<SessionTicket> parse_session_ticket(ByteView body);

// What an SSLv2 server says to our hello: a whole record of its own framing.
struct Sslv2ServerHello {
  std::uint16_t version = 0;
  Bytes certificate;
  std::vector<std::uint32_t> suites;
};
Result<Sslv2ServerHello> parse_sslv2_server_hello(ByteView message);

}  // namespace cloister::probe
