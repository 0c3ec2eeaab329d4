// Endpoints that answer over HTTP, those that answer in clear, and those that let nobody in.
#include "probe/http/http_checks.h"

#include <gtest/gtest.h>

#include "net/address.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/foreign_server.h"
#include "tests/support/plain_server.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;

constexpr Duration kPatience{400};

class HttpChecksTest : public ::testing::Test {
 protected:
  Facts look(std::uint16_t port, HttpProbeOptions options = {}) {
    options.answer_time = kPatience;
    const net::TcpAddress address{"127.0.0.1", port};
    Dialer dialer({address, value_of(net::numeric_address(address)), "models.example.org"}, {});
    return probe_http(dialer, options);
  }
  static void expect_fact(const Facts& facts, const char* check, const char* subject, Seen seen) {
    const Fact* fact = facts.find(check, subject);
    ASSERT_NE(fact, nullptr) << check << " " << subject;
    EXPECT_EQ(name_of(fact->seen), name_of(seen)) << check << " " << subject << ": " << fact->detail;
  }

  TestAuthority authority_{1};
};

TEST_F(HttpChecksTest, AnswersEverybody) {
  const ForeignServer server({.chain = {authority_.issue()}});
  const PlainServer plain("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  HttpProbeOptions options;
  options.paths = {"/v1/models"};
  options.plain_port = plain.port();
  options.preloaded = std::make_shared<const std::vector<std::string>>(std::vector<std::string>{"example.org"});
  const Facts facts = look(server.port(), options);
  expect_fact(facts, "W1", "hsts", Seen::kNo);
  expect_fact(facts, "W1", "preloaded", Seen::kYes);
  expect_fact(facts, "W2", "plaintext answers", Seen::kNo);
  expect_fact(facts, "W2", "plain port answers", Seen::kYes);
  expect_fact(facts, "W3", "server version", Seen::kNo);
  expect_fact(facts, "W5", "/v1/models", Seen::kYes);
  expect_fact(facts, "W5", "in clear: /v1/models", Seen::kYes);
  expect_fact(facts, "W6", "h2c", Seen::kNo);
  expect_fact(facts, "W7", "downgrade", Seen::kNo);
}

TEST_F(HttpChecksTest, LetsNobodyIn) {
  const ForeignServer server({.chain = {authority_.issue()}, .clients_pem = authority_.certificate().to_pem()});
  HttpProbeOptions options;
  options.paths = {"/metrics"};
  const Facts facts = look(server.port(), options);
  expect_fact(facts, "W1", "", Seen::kNotApplicable);
  expect_fact(facts, "W5", "/metrics", Seen::kNo);
  expect_fact(facts, "W6", "h2", Seen::kNotApplicable);
}

TEST_F(HttpChecksTest, PlaintextOnTheTlsPort) {
  const PlainServer plain("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
  expect_fact(look(plain.port()), "W2", "plaintext answers", Seen::kYes);
}

// As nginx and Go say it: in clear, but no.
TEST_F(HttpChecksTest, RefusesInClear) {
  const PlainServer plain("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  expect_fact(look(plain.port()), "W2", "plaintext answers", Seen::kNo);
}

TEST_F(HttpChecksTest, PlainPortRedirects) {
  const ForeignServer server({.chain = {authority_.issue()}});
  const PlainServer plain("HTTP/1.1 301 Moved\r\nLocation: https://models.example.org/\r\nContent-Length: 0\r\n\r\n");
  HttpProbeOptions options;
  options.paths = {};
  options.plain_port = plain.port();
  const Facts facts = look(server.port(), options);
  expect_fact(facts, "W2", "plain port answers", Seen::kNo);
  expect_fact(facts, "W2", "plain port redirects", Seen::kYes);
}

// SETTINGS, and the end of the connection.
TEST_F(HttpChecksTest, PriorKnowledge) {
  const PlainServer plain(std::string("\0\0\0\4\0\0\0\0\0", 9));
  const Facts facts = look(plain.port());
  expect_fact(facts, "W6", "h2c", Seen::kYes);
  expect_fact(facts, "W2", "plaintext answers", Seen::kNo);
}

}  // namespace
}  // namespace cloister::probe
