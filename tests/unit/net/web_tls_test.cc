// Servers that aren't ours, good ones and each kind of bad one, over the client and over a bare stream.
#include "net/web_tls.h"

#include <fstream>

#include "net/http_client.h"
#include "net/web_stream.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/foreign_server.h"
#include "tests/support/temp_dir.h"

namespace cloister::net {
namespace {

using testing::expect_refused;
using testing::ForeignServer;
using testing::ForeignServerOptions;
using testing::kNow;
using testing::LeafParts;
using testing::TestAuthority;

constexpr Duration kPatience{10'000};
constexpr std::uint8_t kDns = 2;
constexpr std::uint8_t kIp = 7;
const std::string kLoopback("\x7f\0\0\1", 4);

LeafParts server_parts(const std::string& dns = "localhost") {
  LeafParts parts;
  parts.names = testing::names_extension({{kDns, dns}, {kIp, kLoopback}});
  parts.extended = testing::extended_usage_extension({1});
  return parts;
}

class ForeignTls : public ::testing::Test {
 protected:
  std::shared_ptr<const WebTls> tls(std::shared_ptr<const Credentials> own = nullptr) {
    return WebTls::create({authority_.certificate()}, std::move(own), [] { return kNow; }).value();
  }
  ForeignServerOptions options(const LeafParts& parts = server_parts()) {
    ForeignServerOptions made;
    made.chain = {authority_.issue(parts)};
    return made;
  }
  static Result<Exchange> get(std::shared_ptr<const WebTls> tls, const ForeignServer& server,
                              const std::string& host = "127.0.0.1") {
    Request request;
    request.method = "GET";
    request.target = "/";
    return HttpClient::create(WebTarget{{host, server.port()}, std::move(tls)}, {}).value()->send(request, kPatience);
  }
  // The client a server of mutual TLS takes.
  std::shared_ptr<const Credentials> client_credentials(TestAuthority& issuer) {
    LeafParts parts;
    parts.extended = testing::extended_usage_extension({2});
    const crypto::Certificate leaf = issuer.issue(parts, 2000);
    return Credentials::from_pem(leaf.to_pem(), testing::key_of_seed(2000).to_pkcs8_pem()).value();
  }

  TestAuthority authority_{1};
};

TEST_F(ForeignTls, NewestVersionIsTaken) {
  const ForeignServer server(options());
  const auto exchange = get(tls(), server);
  ASSERT_TRUE(exchange.ok()) << exchange.error().message();
  EXPECT_EQ(as_text(exchange->response.body), "hello");
  EXPECT_EQ(exchange->connection->peer->id, "127.0.0.1");
  EXPECT_EQ(exchange->connection->peer->not_after, kNow + hours(1));
}

TEST_F(ForeignTls, WhatTheServerSees) {
  std::vector<testing::ForeignConnection> seen;
  {
    ForeignServer server(options());
    ASSERT_TRUE(get(tls(), server, "localhost").ok());
    for (int i = 0; i < 500 && seen.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      seen = server.seen();
    }
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_NE(seen[0].request.find("host: localhost:" + std::to_string(server.port())), std::string::npos);
  }
  EXPECT_EQ(seen[0].version, "TLSv1.3");
  EXPECT_EQ(seen[0].server_name, "localhost");
  EXPECT_EQ(seen[0].protocol, "http/1.1");
}

TEST_F(ForeignTls, OlderVersionWithGoodCiphers) {
  for (const char* cipher :
       {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    ForeignServerOptions older = options();
    older.newest = ForeignServerOptions::Version::kTls12;
    older.tls12_ciphers = cipher;
    const ForeignServer server(std::move(older));
    const auto exchange = get(tls(), server);
    ASSERT_TRUE(exchange.ok()) << exchange.error().message();
    EXPECT_EQ(exchange->connection->tls_cipher, cipher);
  }
}

TEST_F(ForeignTls, OlderVersionWithCbc) {
  ForeignServerOptions older = options();
  older.newest = ForeignServerOptions::Version::kTls12;
  older.tls12_ciphers = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256";
  const ForeignServer server(std::move(older));
  expect_refused(get(tls(), server), Code::kInvalid, "handshake");
}

TEST_F(ForeignTls, WrongAuthority) {
  TestAuthority stranger(2);
  ForeignServerOptions wrong;
  wrong.chain = {stranger.issue(server_parts())};
  const ForeignServer server(std::move(wrong));
  expect_refused(get(tls(), server), Code::kDenied, "127.0.0.1");
}

TEST_F(ForeignTls, AuthorityThatTheServerBringsAlong) {
  TestAuthority stranger(2);
  ForeignServerOptions wrong;
  wrong.chain = {stranger.issue(server_parts()), stranger.certificate()};
  const ForeignServer server(std::move(wrong));
  expect_refused(get(tls(), server), Code::kDenied, "127.0.0.1");
}

TEST_F(ForeignTls, Intermediate) {
  TestAuthority below(3, {.basic = crypto::extension_authority(0)}, &authority_);
  ForeignServerOptions chained;
  chained.chain = {below.issue(server_parts()), below.certificate()};
  {
    const ForeignServer server(chained);
    const auto exchange = get(tls(), server);
    EXPECT_TRUE(exchange.ok()) << exchange.error().message();
  }
  chained.chain.pop_back();
  const ForeignServer server(chained);
  expect_refused(get(tls(), server), Code::kDenied, "issuer");
}

TEST_F(ForeignTls, WrongName) {
  const ForeignServer server(options(server_parts("keys.example")));
  expect_refused(get(tls(), server, "localhost"), Code::kDenied, "doesn't name localhost");
}

TEST_F(ForeignTls, NameInTheSubjectOnly) {
  LeafParts parts = server_parts();
  parts.subject = crypto::common_name("localhost");
  parts.names = Bytes();
  const ForeignServer server(options(parts));
  expect_refused(get(tls(), server, "localhost"), Code::kDenied, "doesn't name localhost");
}

TEST_F(ForeignTls, ExpiredAndNotYetValid) {
  LeafParts late = server_parts();
  late.not_after = kNow + minutes(-1);
  LeafParts early = server_parts();
  early.not_before = kNow + minutes(1);
  for (const LeafParts& parts : {late, early}) {
    const ForeignServer server(options(parts));
    expect_refused(get(tls(), server), Code::kExpired, "127.0.0.1");
  }
}

TEST_F(ForeignTls, CertificateOfAClient) {
  LeafParts parts = server_parts();
  parts.extended = testing::extended_usage_extension({2});
  const ForeignServer server(options(parts));
  expect_refused(get(tls(), server), Code::kDenied, "127.0.0.1");
}

TEST_F(ForeignTls, CertificateTrustedAsItself) {
  const crypto::Certificate leaf = authority_.issue(server_parts());
  const auto pinned = WebTls::create({leaf}, nullptr, [] { return kNow; }).value();
  ForeignServerOptions own;
  own.chain = {leaf};
  const ForeignServer server(own);
  const auto exchange = get(pinned, server);
  EXPECT_TRUE(exchange.ok()) << exchange.error().message();
  const auto later = WebTls::create({leaf}, nullptr, [] { return kNow + days(1); }).value();
  expect_refused(get(later, server), Code::kExpired, "127.0.0.1");
  const ForeignServer another(options());
  expect_refused(get(pinned, another), Code::kDenied, "127.0.0.1");
}

TEST_F(ForeignTls, ServerThatAsksWhoWeAre) {
  TestAuthority clients(4);
  TestAuthority strangers(5);
  for (const auto version : {ForeignServerOptions::Version::kTls13, ForeignServerOptions::Version::kTls12}) {
    ForeignServerOptions asking = options();
    asking.newest = version;
    asking.clients_pem = clients.certificate().to_pem();
    const ForeignServer server(std::move(asking));
    const auto exchange = get(tls(client_credentials(clients)), server);
    EXPECT_TRUE(exchange.ok()) << exchange.error().message();
    EXPECT_FALSE(get(tls(), server).ok());
    expect_refused(get(tls(client_credentials(strangers)), server), Code::kDenied, "refuses our certificate");
  }
}

TEST_F(ForeignTls, PlainServer) {
  // Whoever answers a TLS handshake in clear speaks something else.
  const ForeignServer server(options());
  Request request;
  request.method = "GET";
  request.target = "/";
  const auto client = HttpClient::create(LocalTarget{{"127.0.0.1", server.port()}}, {}).value();
  EXPECT_FALSE(client->send(request, kPatience).ok());
}

TEST_F(ForeignTls, PlainHttpElsewhere) {
  Request request;
  request.method = "GET";
  request.target = "/";
  const auto client = HttpClient::create(LocalTarget{{"192.0.2.1", 80}}, {}).value();
  expect_refused(client->send(request, kPatience), Code::kDenied, "plain http");
}

TEST_F(ForeignTls, PartsMissing) {
  expect_refused(WebTls::create({}, nullptr, [] { return kNow; }), Code::kInvalid, "authorities");
  expect_refused(WebTls::create({authority_.certificate()}, nullptr, nullptr), Code::kInvalid, "clock");
  expect_refused(HttpClient::create(WebTarget{{"localhost", 443}, nullptr}, {}), Code::kInvalid, "TLS");
  expect_refused(HttpClient::create(LocalTarget{{"", 80}}, {}), Code::kInvalid, "address");
  expect_refused(WebStream::connect({"localhost", 1}, nullptr, kPatience), Code::kInvalid, "TLS");
}

TEST_F(ForeignTls, FileOfAuthorities) {
  const testing::TempDir folder;
  const auto write = [&](const std::string& text) { std::ofstream(folder / "ca.pem") << text; };
  write("# a comment\n" + authority_.certificate().to_pem() + TestAuthority(2).certificate().to_pem());
  EXPECT_EQ(read_authorities(folder / "ca.pem")->size(), 2U);
  write("");
  expect_refused(read_authorities(folder / "ca.pem"), Code::kInvalid, "ca.pem");
  write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  expect_refused(read_authorities(folder / "ca.pem"), Code::kInvalid, "ca.pem");
  expect_refused(read_authorities(folder / "none.pem"), Code::kNotFound, "none.pem");
}

TEST_F(ForeignTls, AuthoritiesOfTheSystem) {
  const auto authorities = system_authorities();
  if (!authorities.ok()) GTEST_SKIP() << authorities.error().message();
  EXPECT_GT(authorities->size(), 10U);
  const auto tls = WebTls::create(authorities.value(), nullptr, [] { return kNow; }).value();
  const ForeignServer server(options());
  expect_refused(get(tls, server), Code::kDenied, "127.0.0.1");
}

TEST_F(ForeignTls, Stream) {
  ForeignServerOptions echoing = options();
  echoing.does = ForeignServerOptions::Does::kEchoes;
  const ForeignServer server(std::move(echoing));
  auto stream = WebStream::connect({"127.0.0.1", server.port()}, tls(), kPatience).value();
  for (int turn = 0; turn < 3; ++turn) {
    const Bytes sent(10'000, static_cast<std::uint8_t>(turn));
    ASSERT_TRUE(stream->write(sent, kPatience).ok());
    Bytes came(sent.size());
    ASSERT_TRUE(stream->read_exactly(came, kPatience).ok());
    EXPECT_EQ(came, sent);
    EXPECT_TRUE(stream->usable());
  }
  Bytes more(1);
  expect_refused(stream->read(more, Duration{100}), Code::kUnavailable, "no answer in time");
  stream->close();
}

TEST_F(ForeignTls, StreamThatEnds) {
  const ForeignServer server(options());  // answers once, and closes
  auto stream = WebStream::connect({"127.0.0.1", server.port()}, tls(), kPatience).value();
  ASSERT_TRUE(stream->write(as_bytes("\r\n\r\n"), kPatience).ok());
  Bytes all(1000);
  expect_refused(stream->read_exactly(all, kPatience), Code::kUnavailable, "closed");
  EXPECT_FALSE(stream->usable());
}

TEST_F(ForeignTls, StreamToTheWrongServer) {
  const ForeignServer server(options(server_parts("keys.example")));
  expect_refused(WebStream::connect({"localhost", server.port()}, tls(), kPatience), Code::kDenied, "doesn't name");
}

}  // namespace
}  // namespace cloister::net
