// What a capture came to: its connections, summed by who talked to whom and how. From a pcap or pcapng file, or from
// what `cloister paths capture` wrote. docs/data-paths.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probe/path/capture_file.h"
#include "probe/path/evidence.h"
#include "probe/path/packet.h"

namespace cloister::probe::path {

inline constexpr std::string_view kFlowsFormat = "cloister-paths-flows/1";
inline constexpr std::size_t kFlowsMax = 65536;

enum class FlowKind {
  kEncrypted,
  kPlaintext,
  kRefused,  // tried in the clear, and answered by an alert or an end
  kUnrecognised,
  kIncomplete,  // TLS that didn't get as far as data
};
std::string_view name_of(FlowKind kind);

enum class ClientProof { kUnknown, kShown, kNotShown };
std::string_view name_of(ClientProof proof);  // "unknown", "shown", "not-shown"

// What connections have in common that are summed.
struct FlowTraits {
  IpAddress client, server;
  std::uint16_t server_port = 0;
  Carrier carrier = Carrier::kTcp;
  FlowKind kind = FlowKind::kUnrecognised;
  std::string protocol;           // as classifier.h names it; empty: not known
  std::uint16_t tls_version = 0;  // chosen by the server; 0: not seen
  std::uint16_t suite = 0;
  std::uint16_t group = 0;
  std::string server_name;                           // asked for by the client
  std::string alpn;                                  // offered by the client, with commas
  ClientProof client_proof = ClientProof::kUnknown;  // TLS 1.3 hides it

  friend auto operator<=>(const FlowTraits&, const FlowTraits&) = default;
};

struct Flow {
  FlowTraits traits;
  std::uint64_t connections = 0, client_bytes = 0, server_bytes = 0;
  Time begin, end;
  std::string client_hello, server_hello;  // of the first connection, in hexadecimal: the handshake messages
};

struct Capture {
  std::string from;  // "sha256:…" of the file, or "interface eth0"
  Time begin, end;
  std::uint64_t packets = 0;
  std::uint64_t unreadable = 0;  // frames that aren't TCP, UDP or ESP, or not whole enough to tell
  std::uint64_t missed = 0;      // packets that the kernel had no room for
  std::uint64_t overflow = 0;    // connections beyond what is kept apart
  bool cut_short = false;        // the file ends in the middle
  std::vector<Flow> flows;
};

// kInvalid for what is no capture, kUnsupported for a kind of link that isn't known.
Result<Capture> read_capture(ByteView file);

std::string format_flows(const Capture& capture);
// kInvalid for what format_flows() wouldn't have written.
Result<Capture> parse_flows(std::string_view json);

std::vector<Statement> statements_of(const Capture& capture);

// "TLS 1.3 TLS_AES_128_GCM_SHA256 X25519MLKEM768", or the protocol.
std::string describe(const FlowTraits& traits);

}  // namespace cloister::probe::path
