#include "mesh/relay/proxy_header.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::value_of;

net::SocketAddress at(const std::string& host, std::uint16_t port) {
  return value_of(net::numeric_address({host, port}));
}

// By hand from HAProxy's proxy-protocol.txt, section 2.2.
TEST(ProxyHeader, ByteForByte) {
  const Bytes header = proxy_header({at("192.0.2.7", 51820), at("10.0.0.1", 8443), "spiffe://a/b", "h2", "X"});
  EXPECT_EQ(to_hex(header),
            "0d0a0d0a000d0a515549540a"  // signature
            "21"                        // version 2, PROXY
            "11"                        // TCP over IPv4
            "0036"
            "c0000207"
            "0a000001"
            "ca6c"
            "20fb"
            "010002"
            "6832"  // ALPN
            "200013"
            "07"
            "00000000"
            "210007"
            "544c5376312e33"
            "230001"
            "58"  // SSL: version, cipher
            "e0000c" +
                to_hex(as_bytes("spiffe://a/b")));
}

TEST(ProxyHeader, Ipv6) {
  const Bytes header = proxy_header({at("2001:db8::1", 1), at("::1", 2), "spiffe://a/b", "", "X"});
  EXPECT_EQ(header.at(13), 0x21);
  EXPECT_EQ(to_hex(ByteView(header).subspan(16, 36)),
            "20010db8000000000000000000000001"
            "00000000000000000000000000000001"
            "0001"
            "0002");
}

TEST(ProxyHeader, AddressesThatCantBeSaid) {
  net::SocketAddress unknown;
  unknown.storage.ss_family = AF_UNIX;
  const Bytes header = proxy_header({unknown, unknown, "spiffe://a/b", "", "X"});
  EXPECT_EQ(header.at(13), 0x00);
  EXPECT_EQ(proxy_header({at("192.0.2.7", 1), at("::1", 2), "spiffe://a/b", "", "X"}).at(13), 0x00);
}

TEST(ProxyHeader, TheLongestId) {
  const std::string id = "spiffe://a/" + std::string(2037, 'b');
  const Bytes header = proxy_header({at("192.0.2.7", 1), at("192.0.2.8", 2), id, "", "X"});
  EXPECT_EQ(header.size(), 16u + (static_cast<unsigned>(header.at(14)) << 8 | header.at(15)));
}

}  // namespace
}  // namespace cloister::mesh
