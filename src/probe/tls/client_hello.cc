// Writes ClientHellos.
#include "probe/tls/client_hello.h"

#include <algorithm>

#include "probe/tls/bytes.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

// The base points of the NIST curves: public keys of the private key 1. SEC 2.
constexpr std::string_view kP256Point =
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
constexpr std::string_view kP384Point =
    "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
constexpr std::string_view kP521Point =
    "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c185"
    "6a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9"
    "013fad0761353c7086a272c24088be94769fd16650";

Bytes point(std::string_view hex) { return from_hex(hex).value(); }

// Bytes that repeat `random`, with a first one that keeps the number below any prime of that size.
Bytes filled(std::size_t size, ByteView random) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = random[i % random.size()];
  out[0] &= 0x7f;
  return out;
}

// An ML-KEM encapsulation key whose coefficients are all zero, which passes the modulus check of FIPS 203 7.2.
Bytes ml_kem_key(std::size_t rank, ByteView random) {
  Bytes key(384 * rank, 0);
  key.insert(key.end(), random.begin(), random.end());
  return key;
}

Bytes joined(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

void ClientHello::set(std::uint16_t type, Bytes body) {
  const auto found = std::ranges::find(extensions, type, &Extension::type);
  if (found != extensions.end()) {
    found->body = std::move(body);
  } else {
    extensions.push_back({type, std::move(body)});
  }
}

void ClientHello::remove(std::uint16_t type) {
  std::erase_if(extensions, [type](const Extension& extension) { return extension.type == type; });
}

Bytes ClientHello::message() const {
  TlsWriter listed;
  for (const std::uint16_t suite : suites) listed.u16(suite);
  TlsWriter body;
  body.u16(version).bytes(random).vector8(session_id).vector16(listed.view()).vector8(compression);
  if (!extensions.empty()) {
    TlsWriter all;
    for (const Extension& extension : extensions) all.u16(extension.type).vector16(extension.body);
    body.vector16(all.view());
  }
  return TlsWriter().u8(1).vector24(body.view()).take();
}

Bytes ClientHello::records(std::size_t fragment_max) const {
  const Bytes whole = message();
  Bytes out;
  for (std::size_t offset = 0; offset < whole.size(); offset += fragment_max) {
    const std::size_t size = std::min(fragment_max, whole.size() - offset);
    const Bytes one = record(RecordType::kHandshake, record_version, ByteView(whole).subspan(offset, size));
    out.insert(out.end(), one.begin(), one.end());
  }
  return out;
}

Bytes record(RecordType type, std::uint16_t version, ByteView body) {
  return TlsWriter().u8(static_cast<std::uint8_t>(type)).u16(version).vector16(body).take();
}

Bytes server_name_body(std::string_view host) {
  const Bytes name = TlsWriter().u8(0).vector16(as_bytes(host)).take();
  return TlsWriter().vector16(name).take();
}

Bytes list16_body(std::span<const std::uint16_t> codes) {
  TlsWriter list;
  for (const std::uint16_t code : codes) list.u16(code);
  return TlsWriter().vector16(list.view()).take();
}

Bytes versions_body(std::span<const std::uint16_t> versions) {
  TlsWriter list;
  for (const std::uint16_t version : versions) list.u16(version);
  return TlsWriter().vector8(list.view()).take();
}

Bytes alpn_body(std::span<const std::string_view> protocols) {
  TlsWriter list;
  for (const std::string_view protocol : protocols) list.text8(protocol);
  return TlsWriter().vector16(list.view()).take();
}

Bytes plausible_share(std::uint16_t group, ByteView random32) {
  switch (group) {
    case 0x001d: return to_bytes(random32);
    case 0x001e: return filled(56, random32);
    case 0x0017: return point(kP256Point);
    case 0x0018: return point(kP384Point);
    case 0x0019: return point(kP521Point);
    case 0x0100: return filled(256, random32);
    case 0x0101: return filled(384, random32);
    case 0x0102: return filled(512, random32);
    case 0x0103: return filled(768, random32);
    case 0x0104: return filled(1024, random32);
    case 0x0200: return ml_kem_key(2, random32);
    case 0x0201: return ml_kem_key(3, random32);
    case 0x0202: return ml_kem_key(4, random32);
    case 0x11ec: return joined(ml_kem_key(3, random32), to_bytes(random32));
    case 0x11eb: return joined(point(kP256Point), ml_kem_key(3, random32));
    case 0x11ed: return joined(point(kP384Point), ml_kem_key(4, random32));
    default: return {};
  }
}

Bytes key_share_body(std::span<const KeyShare> shares) {
  TlsWriter list;
  for (const KeyShare& share : shares) list.u16(share.group).vector16(share.key);
  return TlsWriter().vector16(list.view()).take();
}

namespace {

Bytes sslv2_record(std::uint16_t version, ByteView suites, ByteView challenge) {
  TlsWriter body;
  body.u8(1).u16(version).u16(static_cast<std::uint16_t>(suites.size())).u16(0);
  body.u16(static_cast<std::uint16_t>(challenge.size())).bytes(suites).bytes(challenge);
  return TlsWriter().u16(static_cast<std::uint16_t>(0x8000 | body.view().size())).bytes(body.view()).take();
}

}  // namespace

Bytes sslv2_client_hello(std::span<const std::uint32_t> suites, ByteView challenge16) {
  TlsWriter list;
  for (const std::uint32_t suite : suites) {
    list.u8(static_cast<std::uint8_t>(suite >> 16)).u16(static_cast<std::uint16_t>(suite));
  }
  return sslv2_record(0x0002, list.view(), challenge16);
}

Bytes sslv2_framed_hello(std::uint16_t version, std::span<const std::uint16_t> suites, ByteView challenge16) {
  TlsWriter list;
  for (const std::uint16_t suite : suites) list.u8(0).u16(suite);
  return sslv2_record(version, list.view(), challenge16);
}

}  // namespace cloister::probe
