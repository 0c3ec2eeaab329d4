// Connections are counted, paced and bounded.
#include "probe/dialer.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/support/expect.h"
#include "tests/support/tcp_server.h"

namespace cloister::probe {
namespace {

using testing::expect_refused;

Endpoint endpoint_of(std::uint16_t port) {
  return {{"127.0.0.1", port}, net::numeric_address({"127.0.0.1", port}).value(), ""};
}

void wait_for_end(int socket) { testing::receive_some(socket); }

TEST(Dialer, ReadsWhatIsSent) {
  testing::TcpServer server([](int socket) { testing::send_all(socket, testing::receive_some(socket)); });
  Dialer dialer(endpoint_of(server.port()), {});
  auto wire = testing::value_of(dialer.connect());
  ASSERT_TRUE(wire->write(as_bytes("hello")).ok());
  Bytes room(16);
  EXPECT_EQ(testing::value_of(wire->read(room)), 5U);
  EXPECT_EQ(testing::value_of(wire->read(room)), 0U);
  EXPECT_FALSE(wire->timed_out());
}

TEST(Dialer, SilenceEndsWithThePatience) {
  testing::TcpServer server(wait_for_end);
  Dialer dialer(endpoint_of(server.port()), {});
  auto wire = testing::value_of(dialer.connect());
  wire->set_patience(Duration{30});
  Bytes room(16);
  expect_refused(wire->read(room), Code::kUnavailable, "no answer in time");
  EXPECT_TRUE(wire->timed_out());
}

TEST(Dialer, EndlessBytesEndWithTheConnection) {
  testing::TcpServer server([](int socket) {
    while (testing::send_all(socket, Bytes(1000, 'x'))) continue;
  });
  Dialer dialer(endpoint_of(server.port()), {.connection_time = Duration{100}});
  auto wire = testing::value_of(dialer.connect());
  wire->set_patience(Duration{1'000'000});  // no longer than the connection may last
  Bytes room(100);
  Result<std::size_t> read(0);
  while ((read = wire->read(room)).ok()) ASSERT_GT(*read, 0U);
  EXPECT_TRUE(wire->timed_out());
}

TEST(Dialer, NobodyListens) {
  std::uint16_t port = 0;
  {
    port = testing::TcpServer(wait_for_end).port();
  }
  Dialer dialer(endpoint_of(port), {});
  expect_refused(dialer.connect(), Code::kUnavailable, "connect to 127.0.0.1");
}

TEST(Dialer, BudgetOfConnections) {
  testing::TcpServer server(wait_for_end);
  Dialer dialer(endpoint_of(server.port()), {.connections = 2});
  EXPECT_TRUE(dialer.connect().ok());
  EXPECT_TRUE(dialer.connect_to_port(server.port()).ok());
  expect_refused(dialer.connect(), Code::kDenied, "2 connections");
  EXPECT_EQ(dialer.connections_made(), 2U);
  expect_refused(dialer.connect_to_port(0), Code::kInvalid, "port 0");
}

TEST(Dialer, BudgetOfTime) {
  testing::TcpServer server(wait_for_end);
  Dialer dialer(endpoint_of(server.port()), {.total_time = Duration{0}});
  expect_refused(dialer.connect(), Code::kDenied, "time for this scan");
}

TEST(Dialer, PacedAfterTheFirstBurst) {
  testing::TcpServer server(wait_for_end);
  Dialer dialer(endpoint_of(server.port()), {.connections_per_second = 20});
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 24; ++i) EXPECT_TRUE(dialer.connect().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(140));
}

}  // namespace
}  // namespace cloister::probe
