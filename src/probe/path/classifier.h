// What a connection speaks, from the first bytes of both directions. Pure; hostile bytes. docs/data-paths.md lists the
// protocols.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister::probe::path {

enum class WireKind {
  kTls,        // follow it by records, from the offsets on
  kEncrypted,  // by something else
  kPlaintext,
  kUnrecognised,
};
std::string_view name_of(WireKind kind);  // "tls", "encrypted", "plaintext", "unrecognised"

struct Spoken {
  WireKind kind = WireKind::kUnrecognised;
  std::string protocol;           // "tls", "http/1", "zmtp-curve"; empty where it isn't known
  std::size_t client_offset = 0;  // kTls: where records begin, behind what leads to TLS
  std::size_t server_offset = 0;
};

// Of a TCP connection. Nothing: more bytes are needed, which there won't be any more when `last` is kYes.
enum class Last { kNo, kYes };
std::optional<Spoken> classify_stream(ByteView client, ByteView server, Last last);

// Of a UDP datagram to or from that port of the server's.
Spoken classify_datagram(ByteView datagram, std::uint16_t server_port);

// How much of each direction is worth keeping for classify_stream().
inline constexpr std::size_t kStreamHeadMax = 4096;

}  // namespace cloister::probe::path
