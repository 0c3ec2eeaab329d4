#include "probe/path/classifier.h"

#include <algorithm>
#include <array>

#include "probe/path/record_walk.h"

namespace cloister::probe::path {
namespace {

using Answer = std::optional<Spoken>;

Spoken plaintext(std::string_view protocol) { return {WireKind::kPlaintext, std::string(protocol), 0, 0}; }
Spoken encrypted(std::string_view protocol) { return {WireKind::kEncrypted, std::string(protocol), 0, 0}; }

bool begins(ByteView bytes, std::string_view text) {
  return bytes.size() >= text.size() && equal(bytes.first(text.size()), as_bytes(text));
}
std::uint32_t be32(ByteView bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}
ByteView after(ByteView bytes, std::size_t size) { return size > bytes.size() ? ByteView() : bytes.subspan(size); }

bool begins_client_hello(ByteView bytes) {
  return bytes.size() >= 6 && bytes[0] == 22 && record_size(bytes) && bytes[5] == 1;
}

// An SSLv2 CLIENT-HELLO, or one in its clothes: RFC 5246 E.2.
bool begins_sslv2(ByteView bytes) {
  return bytes.size() >= 11 && (bytes[0] & 0x80) != 0 && bytes[2] == 1 &&
         ((bytes[3] == 0 && bytes[4] == 2) || (bytes[3] == 3 && bytes[4] <= 3));
}

// PROXY protocol, both versions: what a balancer puts in front. How long it is; 0: it isn't that.
std::size_t proxy_header(ByteView bytes) {
  constexpr std::array<std::uint8_t, 12> kSecond = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                    0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  if (bytes.size() >= 16 && equal(bytes.first(12), kSecond)) return 16 + (std::size_t{bytes[14]} << 8 | bytes[15]);
  if (!begins(bytes, "PROXY ")) return 0;
  const std::size_t end = as_text(bytes).substr(0, 108).find("\r\n");
  return end == std::string_view::npos ? 0 : end + 2;
}

constexpr std::array<std::string_view, 9> kHttpVerbs = {"GET ",     "POST ",    "PUT ",   "HEAD ", "DELETE ",
                                                        "OPTIONS ", "CONNECT ", "PATCH ", "TRACE "};
constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n";

struct Greeting {
  std::string_view text;
  std::string_view protocol;
};
constexpr std::array<Greeting, 8> kClientGreetings = {{{"AMQP", "amqp"},
                                                       {"*1\r\n$", "redis"},
                                                       {"*2\r\n$", "redis"},
                                                       {"*3\r\n$", "redis"},
                                                       {"*4\r\n$", "redis"},
                                                       {"PING\r\n", "redis"},
                                                       {"STORED ", "memcached"},
                                                       {"CONNECT {", "nats"}}};
constexpr std::array<Greeting, 7> kServerGreetings = {{{"HTTP/1.", "http/1"},
                                                       {"INFO {", "nats"},
                                                       {"-NOAUTH ", "redis"},
                                                       {"-ERR ", "redis"},
                                                       {"+PONG\r\n", "redis"},
                                                       {"220 ", "smtp or ftp"},
                                                       {"AMQP", "amqp"}}};

// ZMTP 3: ff, eight bytes, 7f, the version, and the mechanism in 20 bytes. RFC 23/ZMTP.
Answer classify_zmtp(ByteView bytes) {
  if (bytes.size() < 10 || bytes[0] != 0xff || bytes[9] != 0x7f) return std::nullopt;
  if (bytes.size() < 32) return std::nullopt;
  if (bytes[10] < 3) return plaintext("zmtp-" + std::to_string(bytes[10]));
  const std::string_view mechanism = as_text(bytes.subspan(12, 20));
  if (mechanism.starts_with("CURVE")) return encrypted("zmtp-curve");
  return plaintext(mechanism.starts_with("PLAIN") ? "zmtp-plain" : "zmtp-null");
}

// PostgreSQL's StartupMessage, or the request for TLS or GSSAPI before it, and what the server says to that.
Answer classify_postgres(ByteView client, ByteView server) {
  constexpr std::uint32_t kSslRequest = 80877103, kGssRequest = 80877104, kProtocol3 = 0x00030000;
  if (client.size() < 8) return std::nullopt;
  const std::uint32_t size = be32(client, 0), code = be32(client, 4);
  if (code >> 16 == kProtocol3 >> 16 && size >= 8 && size <= 10'000) return plaintext("postgresql");
  if (size != 8 || (code != kSslRequest && code != kGssRequest) || server.empty()) return std::nullopt;
  if (server[0] == 'N') {
    const ByteView next = after(client, 8);
    return next.empty() ? std::nullopt : classify_postgres(next, after(server, 1));
  }
  if (code == kGssRequest) return server[0] == 'G' ? Answer(encrypted("postgresql-gss")) : std::nullopt;
  if (server[0] != 'S') return std::nullopt;
  return begins_client_hello(after(client, 8)) ? Answer(Spoken{WireKind::kTls, "postgresql", 8, 1}) : std::nullopt;
}

// MySQL's initial handshake comes from the server; a client that wants TLS answers with 32 bytes and that flag.
Answer classify_mysql(ByteView client, ByteView server) {
  constexpr std::uint8_t kProtocolVersion = 10;
  constexpr std::uint8_t kSslFlag = 0x08;  // CLIENT_SSL, in the second byte
  if (server.size() < 12 || server[3] != 0 || server[4] != kProtocolVersion || server[2] != 0) return std::nullopt;
  const std::size_t size = server[0] | std::size_t{server[1]} << 8;
  const std::string_view version = as_text(server.subspan(5, std::min<std::size_t>(server.size() - 5, 64)));
  const bool printable = !version.empty() && version[0] >= '0' && version[0] <= '9';
  if (size < 20 || size > 1024 || !printable) return std::nullopt;
  if (client.size() < 6) return std::nullopt;
  const std::size_t answer = client[0] | std::size_t{client[1]} << 8 | std::size_t{client[2]} << 16;
  const bool wants_tls = answer == 32 && (client[5] & kSslFlag) != 0;
  if (!wants_tls) return plaintext("mysql");
  return begins_client_hello(after(client, 36)) ? Answer(Spoken{WireKind::kTls, "mysql", 36, 4 + size}) : std::nullopt;
}

Answer classify_text(ByteView client, ByteView server) {
  if (begins(client, kHttp2Preface)) return plaintext("h2c");
  for (const std::string_view verb : kHttpVerbs) {
    if (begins(client, verb)) return plaintext("http/1");
  }
  if (begins(client, "SSH-2.0-") || begins(server, "SSH-2.0-")) return encrypted("ssh");
  for (const Greeting& greeting : kClientGreetings) {
    if (begins(client, greeting.text)) return plaintext(greeting.protocol);
  }
  for (const Greeting& greeting : kServerGreetings) {
    if (begins(server, greeting.text)) return plaintext(greeting.protocol);
  }
  return std::nullopt;
}

// Something behind it would be another protocol than it seems.
Answer behind_proxy_header(ByteView client, ByteView server, std::size_t header, Last last) {
  if (client.size() < header) return std::nullopt;
  Answer inner = classify_stream(client.subspan(header), server, last);
  if (inner && inner->kind == WireKind::kTls) inner->client_offset += header;
  return inner;
}

// A connection that was there before the capture was: only its records can tell it.
Answer classify_middle(ByteView client, ByteView server) {
  const auto in_client = find_records(client), in_server = find_records(server);
  if (!in_client && !in_server) return std::nullopt;
  return Spoken{WireKind::kTls, "tls", in_client.value_or(client.size()), in_server.value_or(server.size())};
}

bool is_wireguard(ByteView datagram) {
  if (datagram.size() < 32 || datagram[1] != 0 || datagram[2] != 0 || datagram[3] != 0) return false;
  switch (datagram[0]) {
    case 1: return datagram.size() == 148;
    case 2: return datagram.size() == 92;
    case 3: return datagram.size() == 64;
    case 4: return datagram.size() % 16 == 0;
    default: return false;
  }
}

bool is_dtls(ByteView datagram) {
  return datagram.size() >= 13 && datagram[0] >= 20 && datagram[0] <= 25 && datagram[1] == 0xfe &&
         (datagram[2] == 0xff || datagram[2] == 0xfd || datagram[2] == 0xfc);
}

// RFC 3948: IKE behind four zeros, ESP otherwise, which has a number that counts up from 1 behind its first four bytes.
Spoken classify_nat_traversal(ByteView datagram) {
  constexpr std::uint32_t kCountMax = 1U << 28;
  if (datagram.size() < 32) return {};
  if (be32(datagram, 0) == 0) return encrypted("ike");
  const std::uint32_t count = be32(datagram, 4);
  return count >= 1 && count <= kCountMax && datagram.size() % 4 == 0 ? encrypted("esp") : Spoken{};
}

// RFC 8999: the long header, of versions 1 and 2 and the drafts. The short one has nothing to know it by.
bool is_quic(ByteView datagram) {
  if (datagram.size() < 21 || (datagram[0] & 0xc0) != 0xc0) return false;
  const std::uint32_t version = be32(datagram, 1);
  return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000;
}

}  // namespace

std::string_view name_of(WireKind kind) {
  switch (kind) {
    case WireKind::kTls: return "tls";
    case WireKind::kEncrypted: return "encrypted";
    case WireKind::kPlaintext: return "plaintext";
    case WireKind::kUnrecognised: break;
  }
  return "unrecognised";
}

std::optional<Spoken> classify_stream(ByteView client, ByteView server, Last last) {
  if (begins_client_hello(client)) return Spoken{WireKind::kTls, "tls", 0, 0};
  if (begins_sslv2(client)) return Spoken{WireKind::kTls, "sslv2-hello", client.size(), 0};
  if (const std::size_t header = proxy_header(client)) return behind_proxy_header(client, server, header, last);
  if (Answer text = classify_text(client, server)) return text;
  if (Answer zmtp = classify_zmtp(client)) return zmtp;
  if (Answer zmtp = classify_zmtp(server)) return zmtp;
  if (Answer postgres = classify_postgres(client, server)) return postgres;
  if (Answer mysql = classify_mysql(client, server)) return mysql;
  if (Answer middle = classify_middle(client, server)) return middle;
  const bool full = client.size() >= kStreamHeadMax || server.size() >= kStreamHeadMax;
  if (last == Last::kYes || full) return Spoken{};
  return std::nullopt;
}

Spoken classify_datagram(ByteView datagram, std::uint16_t server_port) {
  constexpr std::uint16_t kDns = 53, kNatTraversal = 4500, kRoce = 4791;
  if (is_wireguard(datagram)) return encrypted("wireguard");
  if (is_dtls(datagram)) return encrypted("dtls");
  if (is_quic(datagram)) return encrypted("quic");
  if (server_port == kNatTraversal) return classify_nat_traversal(datagram);
  if (server_port == kRoce) return plaintext("roce-v2");
  if (server_port == kDns) return plaintext("dns");
  return {};
}

}  // namespace cloister::probe::path
