#include "mesh/relay/config.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kIdentity = R"([identity]
certificate = "/run/relay/svid.pem"
key = "/run/relay/key.pem"
bundle = "/run/relay/bundle.pem"
)";
constexpr std::string_view kInbound = R"([[inbound]]
name = "inference"
listen = "0.0.0.0:8443"
workload = "127.0.0.1:8000"
allow = "spiffe://acme.example/gateway"
)";

std::string with(std::string_view more) { return std::string(kIdentity) + std::string(kInbound) + std::string(more); }
void expect_line(const std::string& text, int line, std::string_view word) {
  expect_refused(parse_relay_config(text), Code::kInvalid, "line " + std::to_string(line) + ":");
  expect_refused(parse_relay_config(text), Code::kInvalid, word);
}

TEST(RelayConfig, TheLeastThatServes) {
  const RelayConfig config = value_of(parse_relay_config(with("")));
  ASSERT_EQ(config.listeners.size(), 1U);
  EXPECT_TRUE(config.listeners[0].peers.allows("spiffe://acme.example/gateway"));
  EXPECT_FALSE(config.listeners[0].proxy_header);
  EXPECT_FALSE(config.metrics.has_value());
  EXPECT_EQ(config.identity.conformance, identity::Conformance::kStrict);
}

TEST(RelayConfig, EveryKey) {
  const RelayConfig config = value_of(parse_relay_config(R"([identity]
certificate = "/c"
key = "/k"
bundle = "/b"
conformance = "go-spiffe"
[[federated]]
trust_domain = "partner.example"
bundle = "/p"
[relay]
threads = 2
drain_seconds = 5
mark = 7
[limits]
connections = 10
connections_per_address = 9
connections_per_peer = 8
handshakes = 7
handshake_seconds = 6
connect_seconds = 5
idle_seconds = 4
half_open_seconds = 3
connection_seconds = 2
[log]
level = "debug"
format = "text"
[metrics]
listen = "127.0.0.1:9464"
[receipts]
folder = "/var/lib/receipts"
[[inbound]]
name = "in"
listen = "[::]:8443"
workload = ["unix:/run/app.sock", "[::1]:8000"]
allow = ["spiffe://acme.example/gateway", "spiffe://acme.example/batch/*"]
alpn = ["h2"]
proxy_protocol = true
end_with_proof = true
[[outbound]]
name = "out"
listen = "unix:/run/out.sock"
user = 1000
target = ["inference.acme.example:8443"]
expect = ["spiffe://acme.example/inference"]
server_name = "inference.acme.example"
alpn = "h2"
key_exchange = "hybrid-required"
[[outbound]]
name = "caught"
listen = "127.0.0.1:15001"
transparent = "redirect"
target = ["10.0.0.7:8000"]
expect = "spiffe://acme.example/inference"
)"));
  EXPECT_EQ(config.identity.federated.at(0).trust_domain.name(), "partner.example");
  EXPECT_EQ(config.threads, 2U);
  EXPECT_EQ(config.mark, 7U);
  EXPECT_EQ(config.drain, seconds(5));
  EXPECT_EQ(config.limits.connections_per_peer, 8U);
  EXPECT_EQ(config.limits.connection_time, seconds(2));
  EXPECT_EQ(config.limits.half_open_time, seconds(3));
  EXPECT_EQ(config.log_level, RelayLogLevel::kDebug);
  EXPECT_TRUE(config.log_text);
  EXPECT_EQ(config.metrics->to_string(), "127.0.0.1:9464");
  ASSERT_EQ(config.listeners.size(), 3U);
  EXPECT_TRUE(config.listeners[0].proxy_header && config.listeners[0].end_with_proof);
  EXPECT_EQ(config.listeners[0].targets.at(0).to_string(), "unix:/run/app.sock");
  EXPECT_EQ(config.listeners[1].user, uid_t{1000});
  EXPECT_EQ(config.listeners[1].server_name, "inference.acme.example");
  EXPECT_EQ(config.listeners[1].key_exchange, net::StreamOptions::KeyExchange::kHybridRequired);
  EXPECT_EQ(config.listeners[2].interception, Interception::kRedirect);
  EXPECT_NE(describe(config).find("who must be spiffe://acme.example/inference"), std::string::npos);
  EXPECT_NE(describe(config).find("spiffe://acme.example/batch/*"), std::string::npos);
}

TEST(RelayConfig, IdentityFromAWorkloadApi) {
  const RelayConfig config = value_of(parse_relay_config(
      "[identity]\nworkload_api = \"unix:///run/api.sock\"\nworkload_api_user = 990\n" + std::string(kInbound)));
  EXPECT_EQ(config.identity.workload_api, "unix:///run/api.sock");
  EXPECT_EQ(config.identity.workload_api_user, uid_t{990});
  expect_line("[identity]\nworkload_api = \"unix:///run/api.sock\"\nkey = \"/k\"\n", 1, "write workload_api, or");
  expect_refused(parse_relay_config("[identity]\nworkload_api = \"unix:///x\"\n[[federated]]\ntrust_domain = "
                                    "\"b.example\"\nbundle = \"/b\"\n" +
                                    std::string(kInbound)),
                 Code::kInvalid, "brings its bundles along");
}

TEST(RelayConfig, NothingToProveOrToServe) {
  expect_refused(parse_relay_config(kInbound), Code::kInvalid, "there is no [identity]");
  expect_refused(parse_relay_config(kIdentity), Code::kInvalid, "there is no [[inbound]]");
  expect_line("[identity]\ncertificate = \"/c\"\nkey = \"/k\"\n", 1, "bundle isn't written");
  expect_line("[identity]\ncertificate = \"c\"\nkey = \"/k\"\nbundle = \"/b\"\n", 2, "whole path");
}

TEST(RelayConfig, ListenerThatNamesNoPeer) {
  const std::string text = std::string(kIdentity) + "[[inbound]]\nname = \"a\"\nlisten = \"127.0.0.1:1\"\n";
  expect_line(text + "workload = \"127.0.0.1:2\"\n", 5, "allow isn't written: nobody would be let in");
  expect_line(text + "workload = \"127.0.0.1:2\"\nallow = []\n", 9, "empty list");
  expect_line(text + "workload = \"127.0.0.1:2\"\nallow = \"any\"\n", 9, "allow");
  expect_line(text + "workload = \"127.0.0.1:2\"\nallow = \"spiffe://acme.example\"\n", 9, "is a trust domain");
}

TEST(RelayConfig, PlaintextThatWouldLeaveTheMachine) {
  const std::string in =
      std::string(kIdentity) + "[[inbound]]\nname = \"a\"\nlisten = \"0.0.0.0:1\"\nallow = \"spiffe://a.example/b\"\n";
  expect_line(in + "workload = \"10.0.0.1:8000\"\n", 9, "plaintext stays on");
  expect_line(in + "workload = \"localhost:8000\"\n", 9, "plaintext stays on");
  const std::string out = "[[outbound]]\nname = \"b\"\ntarget = \"10.0.0.1:8443\"\nexpect = \"spiffe://a.example/b\"\n";
  expect_line(with(out + "listen = \"0.0.0.0:9000\"\n"), 14, "plaintext stays on");
  expect_line(with(out + "listen = \"[::]:9000\"\n"), 14, "plaintext stays on");
  expect_line(with("[metrics]\nlisten = \"0.0.0.0:9464\"\n"), 11, "plaintext stays on");
}

TEST(RelayConfig, MistypedKeysAndTables) {
  expect_line(with("[limit]\n"), 10, "did you mean limits?");
  expect_line(with("[outbound]\n"), 10, "write [[outbound]]");
  expect_line(with("[limits]\nconnection = 3\n"), 11, "did you mean connections?");
  expect_line(with("[limits]\nhandshakes = 0\n"), 11, "whole number from 1");
  expect_line(with("[log]\nlevel = \"loud\"\n"), 11, "level is debug");
  expect_line(with("[[inbound]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\nkey_exchange = \"fast\"\n"), 13,
              "hybrid-first");
  expect_line(with("[log]\nformat = \"xml\"\n"), 11, "format is json");
  expect_line(with("[[federated]]\ntrust_domain = \"a b\"\nbundle = \"/b\"\n"), 11, "");
  expect_line("name = \"x\"\n" + with(""), 1, "there is no key name");
}

TEST(RelayConfig, ListenersInEachOthersWay) {
  expect_refused(parse_relay_config(with(kInbound)), Code::kInvalid, "two listeners are named inference");
  std::string other(kInbound);
  other.replace(other.find("inference"), 9, "b");
  expect_refused(parse_relay_config(with(other)), Code::kInvalid, "listen at the same place");
}

TEST(RelayConfig, AddressesThatAreNone) {
  for (const char* wrong : {"", "unix:", "unix:run/x", "127.0.0.1", "127.0.0.1:x", ":80"}) {
    EXPECT_FALSE(parse_relay_address(wrong).ok()) << wrong;
  }
  expect_refused(parse_relay_address("unix:run/x"), Code::kInvalid, "whole/path");
  expect_refused(parse_relay_address("unix:/" + std::string(200, 'x')), Code::kInvalid, "107 bytes");
  expect_line(with("[[outbound]]\nname = \"b\"\nlisten = \"localhost:1\"\n"), 12, "numeric");
  expect_line(with("[[outbound]]\nname = \"a b\"\nlisten = \"127.0.0.1:1\"\n"), 11, "a name has");
  expect_line(with("[[outbound]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\nuser = 3\ntarget = \"a:1\"\nexpect = "
                   "\"spiffe://a.example/b\"\n"),
              13, "user goes with a Unix socket");
  expect_line(with("[[outbound]]\nname = \"b\"\nlisten = \"127.0.0.1:1\"\ntarget = \"a:0\"\nexpect = "
                   "\"spiffe://a.example/b\"\n"),
              13, "has no port");
}

TEST(RelayConfig, TransparentInAWayThereIsNot) {
  const std::string out = "[[outbound]]\nname = \"b\"\ntarget = \"10.0.0.1:8443\"\nexpect = \"spiffe://a.example/b\"\n";
  expect_line(with(out + "listen = \"127.0.0.1:1\"\ntransparent = \"yes\"\n"), 15, "redirect");
  expect_line(with(out + "listen = \"unix:/run/x\"\ntransparent = \"tproxy\"\n"), 14, "can't be transparent");
}

TEST(RelayConfig, FileThatOthersCanWrite) {
  const testing::TempDir folder;
  ASSERT_TRUE(write_file(folder / "c.toml", as_bytes(with("")), Overwrite::kRefuse, 0666).ok());
  std::filesystem::permissions(folder / "c.toml", std::filesystem::perms(0666));
  expect_refused(read_relay_config(folder / "c.toml"), Code::kDenied, "");
  std::filesystem::permissions(folder / "c.toml", std::filesystem::perms(0644));
  EXPECT_TRUE(read_relay_config(folder / "c.toml").ok());
}

}  // namespace
}  // namespace cloister::mesh
