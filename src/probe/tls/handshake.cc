// Reads a server's handshake messages.
#include "probe/tls/handshake.h"

#include <algorithm>

#include "probe/tls/bytes.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

constexpr std::size_t kExtensionsMax = 64;
constexpr std::size_t kCertificatesMax = 32;
constexpr std::uint8_t kNamedCurve = 3;

// SHA-256 of "HelloRetryRequest". RFC 8446 4.1.3.
constexpr std::array<std::uint8_t, 32> kRetryRandom = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

Error corrupt(std::string_view what) { return Error(Code::kCorrupt, std::string(what)); }

Status expect_end(const TlsReader& reader, std::string_view what) {
  if (!reader.at_end()) return corrupt("bytes follow the end of a " + std::string(what));
  return {};
}

Status read_extensions(TlsReader& reader, ServerHello& hello) {
  CLOISTER_TRY(const ByteView all, reader.vector16());
  TlsReader rest(all);
  while (!rest.at_end()) {
    CLOISTER_TRY(const std::uint16_t type, rest.u16());
    CLOISTER_TRY(const ByteView body, rest.vector16());
    if (hello.extensions.size() == kExtensionsMax) return corrupt("a ServerHello with too many extensions");
    if (hello.find(type) != nullptr) return corrupt("a ServerHello with an extension twice");
    hello.extensions.push_back({type, to_bytes(body)});
  }
  return {};
}

Status interpret_extensions(ServerHello& hello) {
  if (const Extension* versions = hello.find(kExtSupportedVersions)) {
    TlsReader reader(versions->body);
    CLOISTER_TRY(hello.version, reader.u16());
    CLOISTER_RETURN_IF_ERROR(expect_end(reader, "supported_versions"));
  }
  const Extension* share = hello.find(kExtKeyShare);
  if (share == nullptr) return {};
  TlsReader reader(share->body);
  CLOISTER_TRY(hello.group, reader.u16());
  if (!hello.is_retry) CLOISTER_RETURN_IF_ERROR(reader.vector16());
  return expect_end(reader, "key_share");
}

}  // namespace

const Extension* ServerHello::find(std::uint16_t type) const {
  const auto found = std::ranges::find(extensions, type, &Extension::type);
  return found == extensions.end() ? nullptr : &*found;
}

std::optional<std::uint8_t> ServerHello::downgrade_mark() const {
  const ByteView tail = ByteView(random).last(8);
  if (!equal(tail.first(7), as_bytes("DOWNGRD")) || tail[7] > 1) return std::nullopt;
  return tail[7];
}

Result<ServerHello> parse_server_hello(ByteView body) {
  TlsReader reader(body);
  ServerHello hello;
  CLOISTER_TRY(hello.legacy_version, reader.u16());
  hello.version = hello.legacy_version;
  CLOISTER_TRY(const ByteView random, reader.bytes(hello.random.size()));
  std::ranges::copy(random, hello.random.begin());
  hello.is_retry = hello.random == kRetryRandom;
  CLOISTER_TRY(const ByteView session_id, reader.vector8());
  if (session_id.size() > 32) return corrupt("a ServerHello with a session id of over 32 bytes");
  hello.session_id = to_bytes(session_id);
  CLOISTER_TRY(hello.suite, reader.u16());
  CLOISTER_TRY(hello.compression, reader.u8());
  if (reader.at_end()) return hello;
  CLOISTER_RETURN_IF_ERROR(read_extensions(reader, hello));
  CLOISTER_RETURN_IF_ERROR(expect_end(reader, "ServerHello"));
  CLOISTER_RETURN_IF_ERROR(interpret_extensions(hello));
  return hello;
}

Result<std::vector<Bytes>> parse_certificates(ByteView body) {
  TlsReader reader(body);
  CLOISTER_TRY(const ByteView all, reader.vector24());
  CLOISTER_RETURN_IF_ERROR(expect_end(reader, "Certificate"));
  std::vector<Bytes> chain;
  TlsReader rest(all);
  while (!rest.at_end()) {
    if (chain.size() == kCertificatesMax) return corrupt("a chain of more than 32 certificates");
    CLOISTER_TRY(const ByteView one, rest.vector24());
    chain.push_back(to_bytes(one));
  }
  return chain;
}

Result<ServerKeyExchange> parse_server_key_exchange(ByteView body, KeyExchange exchange, std::uint16_t version,
                                                    Signed is_signed) {
  TlsReader reader(body);
  ServerKeyExchange out;
  if (exchange == KeyExchange::kEcdhe) {
    CLOISTER_TRY(const std::uint8_t type, reader.u8());
    if (type != kNamedCurve) return Error(Code::kUnsupported, "a curve that is spelled out");
    CLOISTER_TRY(out.curve, reader.u16());
    CLOISTER_RETURN_IF_ERROR(reader.vector8());
  } else {
    CLOISTER_TRY(const ByteView prime, reader.vector16());
    const auto first = std::ranges::find_if(prime, [](std::uint8_t byte) { return byte != 0; });
    out.prime.assign(first, prime.end());
    CLOISTER_RETURN_IF_ERROR(reader.vector16());  // the generator
    CLOISTER_RETURN_IF_ERROR(reader.vector16());  // its public key
  }
  if (is_signed == Signed::kNo) return out;
  if (version >= kTls12) {
    CLOISTER_TRY(out.scheme, reader.u16());
  }
  CLOISTER_RETURN_IF_ERROR(reader.vector16());
  CLOISTER_RETURN_IF_ERROR(expect_end(reader, "ServerKeyExchange"));
  return out;
}

Result<SessionTicket> parse_session_ticket(ByteView body) {
  TlsReader reader(body);
  SessionTicket out;
  CLOISTER_TRY(out.lifetime_s, reader.u32());
  CLOISTER_TRY(const ByteView ticket, reader.vector16());
  out.ticket = to_bytes(ticket);
  CLOISTER_RETURN_IF_ERROR(expect_end(reader, "NewSessionTicket"));
  return out;
}

Result<Sslv2ServerHello> parse_sslv2_server_hello(ByteView message) {
  TlsReader reader(message);
  CLOISTER_TRY(const std::uint8_t type, reader.u8());
  if (type != 4) return corrupt("not a SERVER-HELLO of SSLv2");
  CLOISTER_RETURN_IF_ERROR(reader.bytes(2));  // whether the session was hit, the certificate's type
  Sslv2ServerHello hello;
  CLOISTER_TRY(hello.version, reader.u16());
  CLOISTER_TRY(const std::uint16_t certificate, reader.u16());
  CLOISTER_TRY(const std::uint16_t suites, reader.u16());
  CLOISTER_TRY(const std::uint16_t connection_id, reader.u16());
  CLOISTER_TRY(const ByteView der, reader.bytes(certificate));
  hello.certificate = to_bytes(der);
  if (suites % 3 != 0) return corrupt("a list of SSLv2 ciphers that isn't made of threes");
  CLOISTER_TRY(const ByteView list, reader.bytes(suites));
  TlsReader codes(list);
  while (!codes.at_end()) {
    CLOISTER_TRY(const std::uint32_t code, codes.u24());
    hello.suites.push_back(code);
  }
  CLOISTER_RETURN_IF_ERROR(reader.bytes(connection_id));
  CLOISTER_RETURN_IF_ERROR(expect_end(reader, "SERVER-HELLO"));
  return hello;
}

}  // namespace cloister::probe
