// Messages of hostile servers: every length is held against what is there.
#include "probe/tls/handshake.h"

#include <gtest/gtest.h>

#include "probe/tls/bytes.h"
#include "probe/tls/names.h"
#include "tests/support/expect.h"

namespace cloister::probe {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kRetry = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";

Bytes server_hello(ByteView random, ByteView extensions, std::uint16_t version = kTls12) {
  TlsWriter writer;
  writer.u16(version).bytes(random).vector8(Bytes(32, 7)).u16(0x1302).u8(0);
  if (!extensions.empty()) writer.vector16(extensions);
  return writer.take();
}

Bytes extension(std::uint16_t type, ByteView body) { return TlsWriter().u16(type).vector16(body).take(); }

Bytes joined(const Bytes& a, const Bytes& b) { return TlsWriter().bytes(a).bytes(b).take(); }

TEST(Handshake, HelloRetryRequestNamesItsGroup) {
  const Bytes extensions = joined(extension(43, Bytes{3, 4}), extension(51, Bytes{0x11, 0xec}));
  const ServerHello hello = value_of(parse_server_hello(server_hello(value_of(from_hex(kRetry)), extensions)));
  EXPECT_TRUE(hello.is_retry);
  EXPECT_EQ(hello.version, kTls13);
  EXPECT_EQ(hello.legacy_version, kTls12);
  EXPECT_EQ(hello.group, 0x11ec);
  EXPECT_EQ(hello.suite, 0x1302);
  EXPECT_EQ(hello.session_id.size(), 32U);
}

TEST(Handshake, ServerHelloWithoutExtensions) {
  const ServerHello hello = value_of(parse_server_hello(server_hello(Bytes(32, 1), {}, kSsl3)));
  EXPECT_EQ(hello.version, kSsl3);
  EXPECT_FALSE(hello.is_retry);
  EXPECT_FALSE(hello.downgrade_mark().has_value());
}

TEST(Handshake, DowngradeMark) {
  Bytes random(24, 0);
  for (const char c : std::string_view("DOWNGRD\x01")) random.push_back(static_cast<std::uint8_t>(c));
  EXPECT_EQ(value_of(parse_server_hello(server_hello(random, {}))).downgrade_mark(), 1);
  random.back() = 0;
  EXPECT_EQ(value_of(parse_server_hello(server_hello(random, {}))).downgrade_mark(), 0);
  random.back() = 2;
  EXPECT_FALSE(value_of(parse_server_hello(server_hello(random, {}))).downgrade_mark().has_value());
}

TEST(Handshake, TruncatedAnywhere) {
  const Bytes extensions = joined(extension(43, Bytes{3, 4}), extension(51, Bytes{0, 0x1d, 0, 2, 1, 2}));
  const Bytes whole = server_hello(Bytes(32, 1), extensions);
  ASSERT_TRUE(parse_server_hello(whole).ok());
  const std::size_t without_extensions = 2 + 32 + 33 + 2 + 1;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(parse_server_hello(ByteView(whole).first(size)).ok(), size == without_extensions) << size;
  }
}

TEST(Handshake, WhatAServerHelloMustNotBe) {
  const auto refused = [](const Bytes& bytes, std::string_view word) {
    expect_refused(parse_server_hello(bytes), Code::kCorrupt, word);
  };
  const Bytes random(32, 1);
  refused(joined(server_hello(random, extension(23, {})), {1}), "follow");
  refused(server_hello(random, joined(extension(23, {}), extension(23, {}))), "twice");
  refused(server_hello(random, extension(43, Bytes{3, 4, 5})), "supported_versions");
  refused(server_hello(random, extension(51, Bytes{0, 0x1d, 0, 9, 1})), "too early");
  Bytes many;
  for (std::uint16_t type = 1000; type < 1065; ++type) many = joined(many, extension(type, {}));
  refused(server_hello(random, many), "too many");
  Bytes long_id = TlsWriter().u16(kTls12).bytes(random).vector8(Bytes(33, 7)).u16(0x1302).u8(0).take();
  refused(long_id, "session id");
}

TEST(Handshake, Certificates) {
  const Bytes two = joined(TlsWriter().vector24(Bytes{1, 2, 3}).take(), TlsWriter().vector24(Bytes{4}).take());
  const auto chain = value_of(parse_certificates(TlsWriter().vector24(two).take()));
  EXPECT_EQ(chain, (std::vector<Bytes>{{1, 2, 3}, {4}}));
  expect_refused(parse_certificates(TlsWriter().vector24(Bytes{0, 0, 9, 1}).take()), Code::kCorrupt, "too early");
  expect_refused(parse_certificates(joined(TlsWriter().vector24(two).take(), {0})), Code::kCorrupt, "follow");
  Bytes many;
  for (int i = 0; i < 33; ++i) many = joined(many, TlsWriter().vector24(Bytes{1}).take());
  expect_refused(parse_certificates(TlsWriter().vector24(many).take()), Code::kCorrupt, "32");
}

TEST(Handshake, KeyExchanges) {
  const Bytes curve = TlsWriter().u8(3).u16(0x001d).vector8(Bytes(32, 1)).u16(0x0804).vector16(Bytes(64, 2)).take();
  const auto read = value_of(parse_server_key_exchange(curve, KeyExchange::kEcdhe, kTls12, Signed::kYes));
  EXPECT_EQ(read.curve, 0x001d);
  EXPECT_EQ(read.scheme, 0x0804);
  Bytes spelled_out = curve;
  spelled_out[0] = 1;
  expect_refused(parse_server_key_exchange(spelled_out, KeyExchange::kEcdhe, kTls12, Signed::kYes), Code::kUnsupported,
                 "curve");
  const Bytes finite = TlsWriter().vector16(Bytes{0, 0, 0xd4, 1}).vector16(Bytes{2}).vector16(Bytes{5}).take();
  EXPECT_EQ(value_of(parse_server_key_exchange(finite, KeyExchange::kDhe, kSsl3, Signed::kNo)).prime, (Bytes{0xd4, 1}));
  expect_refused(parse_server_key_exchange(finite, KeyExchange::kDhe, kTls12, Signed::kYes), Code::kCorrupt,
                 "too early");
}

TEST(Handshake, Sslv2) {
  const Bytes hello = TlsWriter()
                          .u8(4)
                          .u8(0)
                          .u8(1)
                          .u16(2)
                          .u16(2)
                          .u16(6)
                          .u16(1)
                          .bytes(Bytes{0x30, 0})
                          .bytes(Bytes{1, 0, 0x80, 7, 0, 0xc0})
                          .u8(9)
                          .take();
  const auto read = value_of(parse_sslv2_server_hello(hello));
  EXPECT_EQ(read.version, 2);
  EXPECT_EQ(read.certificate, (Bytes{0x30, 0}));
  EXPECT_EQ(read.suites, (std::vector<std::uint32_t>{0x010080, 0x0700c0}));
  for (std::size_t size = 0; size < hello.size(); ++size) {
    EXPECT_FALSE(parse_sslv2_server_hello(ByteView(hello).first(size)).ok()) << size;
  }
  Bytes other = hello;
  other[0] = 1;
  expect_refused(parse_sslv2_server_hello(other), Code::kCorrupt, "SERVER-HELLO");
  other = hello;
  other[8] = 5;  // of the list's size
  expect_refused(parse_sslv2_server_hello(other), Code::kCorrupt, "threes");
}

TEST(Handshake, Ticket) {
  const Bytes body = TlsWriter().u16(0).u16(300).vector16(Bytes(16, 1)).take();
  EXPECT_EQ(value_of(parse_session_ticket(body)).lifetime_s, 300U);
  expect_refused(parse_session_ticket(ByteView(body).first(body.size() - 1)), Code::kCorrupt, "too early");
}

}  // namespace
}  // namespace cloister::probe
