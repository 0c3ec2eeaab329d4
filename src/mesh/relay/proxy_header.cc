#include "mesh/relay/proxy_header.h"

#include <netinet/in.h>

#include <cstring>

namespace cloister::mesh {
namespace {

constexpr std::uint8_t kSignature[] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
constexpr std::uint8_t kVersion2Proxy = 0x21;
constexpr std::uint8_t kTcpOverIpv4 = 0x11, kTcpOverIpv6 = 0x21, kUnspecified = 0x00;
constexpr std::uint8_t kAlpn = 0x01, kSsl = 0x20, kSslVersion = 0x21, kSslCipher = 0x23;
// PP2_CLIENT_SSL, PP2_CLIENT_CERT_CONN, PP2_CLIENT_CERT_SESS: over TLS, with a certificate, shown on this connection.
constexpr std::uint8_t kClientSsl = 0x07;
constexpr std::size_t kTextMax = 4096;

void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void append16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void append_tlv(Bytes& out, std::uint8_t type, ByteView value) {
  out.push_back(type);
  append16(out, value.size());
  append(out, value);
}

void append_text(Bytes& out, std::uint8_t type, std::string_view text) {
  if (!text.empty()) append_tlv(out, type, as_bytes(text.substr(0, kTextMax)));
}

template <typename Address>
ByteView raw(const Address& address) {
  return {reinterpret_cast<const std::uint8_t*>(&address), sizeof address};
}

std::uint8_t append_addresses(Bytes& out, const ProxyFacts& facts) {
  if (facts.source.storage.ss_family != facts.target.storage.ss_family) return kUnspecified;
  if (facts.source.storage.ss_family == AF_INET) {
    const auto& source = reinterpret_cast<const sockaddr_in&>(facts.source.storage);
    const auto& target = reinterpret_cast<const sockaddr_in&>(facts.target.storage);
    append(out, raw(source.sin_addr));
    append(out, raw(target.sin_addr));
    append(out, raw(source.sin_port));
    append(out, raw(target.sin_port));
    return kTcpOverIpv4;
  }
  if (facts.source.storage.ss_family != AF_INET6) return kUnspecified;
  const auto& source = reinterpret_cast<const sockaddr_in6&>(facts.source.storage);
  const auto& target = reinterpret_cast<const sockaddr_in6&>(facts.target.storage);
  append(out, raw(source.sin6_addr));
  append(out, raw(target.sin6_addr));
  append(out, raw(source.sin6_port));
  append(out, raw(target.sin6_port));
  return kTcpOverIpv6;
}

Bytes ssl_of(const ProxyFacts& facts) {
  Bytes ssl = {kClientSsl, 0, 0, 0, 0};  // and "verified" as four bytes of zero
  append_text(ssl, kSslVersion, "TLSv1.3");
  append_text(ssl, kSslCipher, facts.cipher);
  return ssl;
}

}  // namespace

Bytes proxy_header(const ProxyFacts& facts) {
  Bytes rest;
  const std::uint8_t family = append_addresses(rest, facts);
  append_text(rest, kAlpn, facts.protocol);
  append_tlv(rest, kSsl, ssl_of(facts));
  append_text(rest, kProxySpiffeId, facts.spiffe_id);
  Bytes header(std::begin(kSignature), std::end(kSignature));
  header.push_back(kVersion2Proxy);
  header.push_back(family);
  append16(header, rest.size());
  append(header, rest);
  return header;
}

}  // namespace cloister::mesh
