// Listening ports: which of them anybody outside can reach, and whether somebody declared them.
#include "posture/collect/local/sockets_collector.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "posture/inventory.h"

namespace cloister::posture {
namespace {

namespace path = probe::path;

constexpr Time kNow{1'795'000'000'000};

path::Socket listening(const std::string& address, std::uint16_t port, std::string executable = "") {
  path::Socket socket;
  socket.listening = true;
  socket.local = *path::IpAddress::parse(address);
  socket.local_port = port;
  socket.executable = std::move(executable);
  return socket;
}

Estate estate() {
  const auto parsed = parse_estate(R"(version = 1
id = "a"
[[endpoint]]
name = "api"
address = "10.0.0.5:443"
[[workload]]
name = "serving"
use = "inference"
[[component]]
name = "serving"
executable = "/opt/serve"
[[component]]
name = "gateway"
address = "10.0.1.0/24"
[[edge]]
from = "gateway"
to = "serving"
port = 8443
)",
                                   "x.toml");
  CLOISTER_CHECK(parsed.ok());
  return *parsed;
}

std::vector<std::string> found(const std::vector<path::Socket>& sockets) {
  std::vector<std::string> out;
  for (const Fact& fact : socket_facts(estate(), {"h", kNow, sockets}, kNow)) {
    if (fact.kind == "inventory.seen") out.push_back(fact.subject.text());
  }
  return out;
}

TEST(SocketsCollectorTest, DeclaredEndpointIsSeen) {
  EXPECT_EQ(found({listening("10.0.0.5", 443)}), std::vector<std::string>{"endpoint:api"});
  EXPECT_EQ(found({listening("0.0.0.0", 443)}), std::vector<std::string>{"endpoint:api"}) << "every address has it";
}

TEST(SocketsCollectorTest, PortThatNobodyDeclared) {
  EXPECT_EQ(found({listening("0.0.0.0", 22)}), std::vector<std::string>{"endpoint:0.0.0.0:22"});
  EXPECT_EQ(found({listening("10.0.0.6", 443)}), std::vector<std::string>{"endpoint:10.0.0.6:443"})
      << "the declared port, at another address";
  EXPECT_EQ(found({listening("::", 22)}), std::vector<std::string>{"endpoint:[::]:22"});
}

TEST(SocketsCollectorTest, LoopbackIsNotReachedFromOutside) {
  EXPECT_TRUE(found({listening("127.0.0.1", 22), listening("::1", 5432)}).empty());
}

TEST(SocketsCollectorTest, PortOfAnEdgeIsDeclared) {
  EXPECT_EQ(found({listening("0.0.0.0", 8443, "/opt/serve")}), std::vector<std::string>{"workload:serving"});
  EXPECT_EQ(found({listening("0.0.0.0", 8443, "/opt/other")}), std::vector<std::string>{"endpoint:0.0.0.0:8443"})
      << "another program on the same port";
}

TEST(SocketsCollectorTest, ThatItLookedIsAFact) {
  const auto facts = socket_facts(estate(), {"h", kNow, {}}, kNow);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].kind, "inventory.source");
}

}  // namespace
}  // namespace cloister::posture
