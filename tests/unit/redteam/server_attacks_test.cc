#include "redteam/server_attacks.h"

#include "net/http_server.h"
#include "redteam/issuer.h"
#include "tests/support/plain_server.h"
#include "tests/support/tls_target.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

class Hello final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request&, net::Deferral&) override { return net::problem(404); }
};

class Servers : public Exercises {
 protected:
  // With a certificate, and without a question for the client's.
  std::string open_to_all() {
    const auto issuer = value_of(Issuer::make(field_, {.name = "weak"}));
    auto credentials = value_of(issuer->credentials(field_, valid_leaf(field_.now)));
    net::ServerOptions options;
    options.clock = [now = field_.now] { return now; };
    server_ = value_of(net::HttpServer::create(options, std::make_shared<Hello>()));
    auto tls = value_of(net::ServerOnlyTls::create(std::make_shared<net::SwappableCredentials>(credentials)));
    return address(value_of(server_->listen(net::TcpAddress{"127.0.0.1", 0}, tls)));
  }
  static std::string address(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }
  ClientCases expected() {
    const auto issuer = value_of(Issuer::make(field_, {.name = "own"}));
    return {{"expected", value_of(issuer->credentials(field_, valid_leaf(field_.now)))}};
  }

  const Field field_ = field();
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(Servers, OurOwnIsDefended) {
  const std::string server = open_to_all();
  expect_defended(run_plaintext(field_, server));
  expect_defended(run_downgrade(field_, server));
  const Report report = run_weak_suites(field_, server);
  expect_defended(report);
  EXPECT_EQ(report.covers, std::vector<std::string>{"hybrid-group"});
}

TEST_F(Servers, AnswersInTheClear) {
  const testing::PlainServer plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  expect_failed(run_plaintext(field_, address(plain.port())));
  expect_not_run(run_downgrade(field_, address(plain.port())), "");
}

// As a database does that was told to do without TLS: it hangs up on what isn't its own protocol.
TEST_F(Servers, HangsUpInTheClearAndSpeaksNoTls) {
  const testing::PlainServer plain("");
  const Report report = run_plaintext(field_, address(plain.port()));
  expect_not_run(report, "");
  EXPECT_EQ(report.refused, 1) << transcript(report);
}

TEST_F(Servers, OldVersionsAndWeakSuites) {
  const testing::TlsTarget old({.oldest = 0x0301, .newest = 0x0303});
  const Report versions = run_downgrade(field_, address(old.port()));
  expect_failed(versions);
  EXPECT_NE(versions.reason.find("TLS 1.0"), std::string::npos) << versions.reason;
  expect_failed(run_weak_suites(field_, address(old.port())));
}

TEST_F(Servers, TakesEveryClient) {
  const Report report = run_clients_of(field_, open_to_all(), expected());
  expect_failed(report);
  ASSERT_TRUE(report.clients.has_value());
  EXPECT_EQ(report.clients->accepted.size(), 4u);
}

TEST_F(Servers, ExpectedClientIsMissing) { expect_not_run(run_clients(field_, {open_to_all(), {}}), "expected"); }

TEST_F(Servers, NobodyIsThere) {
  const Report report = run_clients_of(field_, "127.0.0.1:1", expected());
  expect_not_run(report, "expected");
  EXPECT_TRUE(report.clients->refused.empty());
  expect_not_run(run_plaintext(field_, "127.0.0.1:1"), "");
  expect_not_run(run_plaintext(field_, "nonsense"), "");
}

}  // namespace
}  // namespace cloister::redteam
