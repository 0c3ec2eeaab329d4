#include "mesh/relay/metrics_server.h"

#include "mesh/relay/counters.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/mesh/relay/relay_fixture.h"

namespace cloister::mesh {
namespace {

std::string status_of(std::string_view head) {
  const std::string answer = metrics_answer(head, [] { return "some text"; });
  return answer.substr(9, 3);
}

TEST(Metrics, WhatIsNoRequestForThem) {
  EXPECT_EQ(status_of("GET /metrics HTTP/1.1\r\n\r\n"), "200");
  EXPECT_EQ(status_of("GET /metrics?x=1 HTTP/1.0\r\n\r\n"), "200");
  EXPECT_EQ(status_of("HEAD /metrics HTTP/1.1\r\n\r\n"), "200");
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), "404");
  EXPECT_EQ(status_of("GET /metrics/../x HTTP/1.1\r\n\r\n"), "404");
  EXPECT_EQ(status_of("POST /metrics HTTP/1.1\r\n\r\n"), "405");
  EXPECT_EQ(status_of("hello\r\n\r\n"), "400");
  EXPECT_EQ(status_of("\r\n\r\n"), "400");
  EXPECT_EQ(status_of("GET /metrics\r\n\r\n"), "400");
  EXPECT_EQ(metrics_answer("HEAD /metrics HTTP/1.1\r\n\r\n", [] { return "x"; }).find("\r\n\r\nx"), std::string::npos);
}

TEST(Metrics, OverLoopbackAndAUnixSocket) {
  const testing::TempDir folder;
  for (const std::string& where : {std::string("127.0.0.1:0"), "unix:" + (folder / "m.sock").string()}) {
    const auto server =
        value_of(MetricsServer::start(value_of(parse_relay_address(where)), [] { return "seven 7\n"; }));
    const net::SocketAddress address =
        server->port() == 0 ? value_of(net::unix_address(folder / "m.sock")) : loopback(server->port());
    const net::Socket client = connect_to(address);
    ASSERT_TRUE(send_all(client, "GET /met"));
    ASSERT_TRUE(send_all(client, "rics HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_NE(receive(client).value_or("").find("\r\n\r\nseven 7\n"), std::string::npos);
  }
}

TEST(Metrics, ARequestWithoutEnd) {
  const auto server = value_of(MetricsServer::start(value_of(parse_relay_address("127.0.0.1:0")), [] { return ""; }));
  const net::Socket client = connect_to(loopback(server->port()));
  send_all(client, std::string(3 * kMetricsRequestMax, 'x'));
  EXPECT_TRUE(receive(client).value_or("").empty());
}

TEST(Metrics, TextOfACounter) {
  RelayCounters counters;
  counters.refused[static_cast<std::size_t>(RelayRefusal::kPlaintext)] = 3;
  counters.ended[static_cast<std::size_t>(RelayEnd::kDrained)] = 2;
  const std::string text = prometheus_text(counters, {});
  EXPECT_NE(text.find("cloister_relay_refused_total{reason=\"plaintext\"} 3\n"), std::string::npos);
  EXPECT_NE(text.find("cloister_relay_ended_total{reason=\"drained\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("# TYPE cloister_relay_connections gauge\n"), std::string::npos);
}

}  // namespace
}  // namespace cloister::mesh
