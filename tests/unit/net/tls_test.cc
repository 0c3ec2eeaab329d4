// TLS over a pair of sockets: who is let in, who isn't, and what both ends agree on.
#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/support/tls_identity.h"
#include "tests/unit/net/tls_pair.h"

namespace cloister::net {
namespace {

using testing::kTestTime;
using testing::mutual_tls;
using testing::TlsAuthority;

// A client written with OpenSSL alone, as careless as it is told to be.
struct PlainClient {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = nullptr;
  void start(int socket) {
    ssl = SSL_new(context);
    SSL_set_fd(ssl, socket);
    SSL_set_connect_state(ssl);
  }
  // Until one end gives up or both are done; the reason of the client's failure.
  std::string against(TlsSession& server, Outcome& outcome) {
    outcome = Outcome::kWantRead;
    int client = 0;
    for (int turn = 0; turn < 20; ++turn) {
      ERR_clear_error();
      if (client != 1) client = SSL_do_handshake(ssl);
      if (client != 1 && SSL_get_error(ssl, client) == SSL_ERROR_SSL) return reason();
      if (unfinished(outcome)) outcome = server.handshake();
      if (!unfinished(outcome)) break;
    }
    char byte = 0;
    ERR_clear_error();
    SSL_read(ssl, &byte, 1);
    return reason();
  }
  static std::string reason() {
    const char* text = ERR_reason_error_string(ERR_peek_error());
    return text == nullptr ? "" : text;
  }
  ~PlainClient() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
};

class Tls : public ::testing::Test {
 protected:
  const TlsAuthority authority_;
  const testing::Identity server_identity_ = authority_.issue({.id = "spiffe://acme.test/server"});
  const testing::Identity client_identity_ = authority_.issue({.id = "spiffe://acme.test/client"});
  const std::shared_ptr<const MutualTls> server_tls_ = mutual_tls(authority_, server_identity_);
  const std::shared_ptr<const MutualTls> client_tls_ = mutual_tls(authority_, client_identity_);
  Pair pair_;
  std::unique_ptr<TlsSession> server_ = must(server_tls_->accept(pair_.server.descriptor()));

  std::unique_ptr<TlsSession> connect(const MutualTls& tls, const std::string& id = "spiffe://acme.test/server") {
    return must(tls.connect(pair_.client.descriptor(), "keys.acme.test", id));
  }
};

TEST_F(Tls, BothEndsKnowEachOther) {
  auto client = connect(*client_tls_);
  const Ends ends = shake(*server_, *client);
  ASSERT_EQ(ends.server, Outcome::kDone) << server_->failure().message();
  ASSERT_EQ(ends.client, Outcome::kDone) << client->failure().message();
  EXPECT_EQ(server_->peer()->id, "spiffe://acme.test/client");
  EXPECT_EQ(client->peer()->id, "spiffe://acme.test/server");
  EXPECT_EQ(server_->peer()->not_after.unix_ms, kTestTime.unix_ms + 3'600'000);
  EXPECT_EQ(server_->group(), "X25519MLKEM768");
  EXPECT_EQ(server_->cipher(), "TLS_AES_256_GCM_SHA384");
  EXPECT_FALSE(server_->speaks_http2());
  const auto at_server = server_->channel_binding();
  const auto at_client = client->channel_binding();
  ASSERT_TRUE(at_server.ok() && at_client.ok());
  EXPECT_EQ(at_server.value(), at_client.value());
  EXPECT_FALSE(all_zero(at_server.value()));
}

TEST_F(Tls, BytesBothWays) {
  auto client = connect(*client_tls_);
  ASSERT_EQ(shake(*server_, *client).client, Outcome::kDone);
  const Bytes sent(100'000, 7);
  Bytes received;
  Bytes room(16'384);
  std::size_t offset = 0;
  while (received.size() < sent.size()) {
    if (offset < sent.size()) {
      const auto transfer = client->write(ByteView(sent).subspan(offset));
      ASSERT_NE(transfer.outcome, Outcome::kFailed);
      offset += transfer.bytes;
    }
    const auto transfer = server_->read(room);
    ASSERT_NE(transfer.outcome, Outcome::kFailed);
    received.insert(received.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(transfer.bytes));
  }
  EXPECT_EQ(received, sent);
  client->close_notify();
  EXPECT_EQ(server_->read(room).outcome, Outcome::kClosed);
}

TEST_F(Tls, NoClientCertificate) {
  PlainClient client;
  client.start(pair_.client.descriptor());
  Outcome server;
  // In TLS 1.3 the client is done first: the refusal is the first thing it reads.
  EXPECT_EQ(client.against(*server_, server), "tlsv13 alert certificate required");
  EXPECT_EQ(server, Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kDenied);
}

TEST_F(Tls, OlderTls) {
  PlainClient client;
  SSL_CTX_set_max_proto_version(client.context, TLS1_2_VERSION);
  client.start(pair_.client.descriptor());
  Outcome server;
  EXPECT_EQ(client.against(*server_, server), "tlsv1 alert protocol version");
  EXPECT_EQ(server, Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kInvalid);
}

TEST_F(Tls, NoGroupInCommon) {
  PlainClient client;
  SSL_CTX_set1_groups_list(client.context, "P-521");
  client.start(pair_.client.descriptor());
  Outcome server;
  EXPECT_FALSE(client.against(*server_, server).empty());
  EXPECT_EQ(server, Outcome::kFailed);
}

TEST_F(Tls, ClassicGroupsStillWork) {
  for (const auto& [offered, chosen] : {std::pair("X25519", "x25519"), std::pair("P-256", "secp256r1")}) {
    Pair pair;
    auto server = must(ServerOnlyTls::create(std::make_shared<SwappableCredentials>(server_identity_.credentials()))
                           .value()
                           ->accept(pair.server.descriptor()));
    PlainClient client;
    SSL_CTX_set1_groups_list(client.context, offered);
    client.start(pair.client.descriptor());
    Outcome outcome;
    client.against(*server, outcome);
    ASSERT_EQ(outcome, Outcome::kDone);
    EXPECT_EQ(server->group(), chosen);
    EXPECT_FALSE(server->peer().has_value());
  }
}

TEST_F(Tls, NoTickets) {
  auto server = must(ServerOnlyTls::create(std::make_shared<SwappableCredentials>(server_identity_.credentials()))
                         .value()
                         ->accept(pair_.server.descriptor()));
  PlainClient client;
  client.start(pair_.client.descriptor());
  Outcome outcome;
  client.against(*server, outcome);
  ASSERT_EQ(outcome, Outcome::kDone);
  EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get_session(client.ssl)), 0);
}

TEST_F(Tls, OnlyOtherProtocolsOffered) {
  PlainClient client;
  static constexpr unsigned char kFtp[] =
      "\x03"
      "ftp";
  SSL_CTX_set_alpn_protos(client.context, kFtp, sizeof kFtp - 1);
  client.start(pair_.client.descriptor());
  Outcome server;
  EXPECT_EQ(client.against(*server_, server), "tlsv1 alert no application protocol");
}

TEST_F(Tls, WrongAuthority) {
  const TlsAuthority other("mallory.test");
  auto client = connect(*mutual_tls(authority_, other.issue()));
  const Ends ends = shake(*server_, *client);
  EXPECT_EQ(ends.server, Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kDenied);
  Bytes room(10);
  EXPECT_EQ(client->read(room).outcome, Outcome::kFailed);
  EXPECT_EQ(client->failure().code(), Code::kDenied);
  EXPECT_NE(client->failure().message().find("refuses our certificate"), std::string::npos);
}

TEST_F(Tls, ClientThatTrustsAnother) {
  const TlsAuthority other("mallory.test");
  auto client = connect(*mutual_tls(other, client_identity_));
  const Ends ends = shake(*server_, *client);
  EXPECT_EQ(ends.client, Outcome::kFailed);
  EXPECT_EQ(client->failure().code(), Code::kDenied);
  EXPECT_EQ(ends.server, Outcome::kFailed);
}

TEST_F(Tls, WrongServerName) {
  auto client = connect(*client_tls_, "spiffe://acme.test/other");
  EXPECT_EQ(shake(*server_, *client).client, Outcome::kFailed);
  EXPECT_EQ(client->failure().code(), Code::kDenied);
  EXPECT_NE(client->failure().message().find("spiffe://acme.test/server, not spiffe://acme.test/other"),
            std::string::npos);
}

TEST_F(Tls, ExpiredAndNotYetValid) {
  const Time hour_ago{kTestTime.unix_ms - 3'600'000};
  const Time in_an_hour{kTestTime.unix_ms + 3'600'000};
  for (const auto& [not_before, not_after] :
       {std::pair(Time{hour_ago.unix_ms - 1000}, hour_ago), std::pair(in_an_hour, Time{in_an_hour.unix_ms + 1000})}) {
    Pair pair;
    auto server = must(server_tls_->accept(pair.server.descriptor()));
    auto client = must(mutual_tls(authority_, authority_.issue({.not_before = not_before, .not_after = not_after}))
                           ->connect(pair.client.descriptor(), "h", "spiffe://acme.test/server"));
    EXPECT_EQ(shake(*server, *client).server, Outcome::kFailed);
    EXPECT_EQ(server->failure().code(), not_after < kTestTime ? Code::kExpired : Code::kDenied);
  }
}

TEST_F(Tls, NameMissing) {
  auto client = connect(*mutual_tls(authority_, authority_.issue({.id = ""})));
  EXPECT_EQ(shake(*server_, *client).server, Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kDenied);
}

TEST_F(Tls, CredentialsAreReadAtEachHandshake) {
  auto source = std::make_shared<SwappableCredentials>(server_identity_.credentials());
  auto tls = MutualTls::create(source, authority_.verifier(), [] { return kTestTime; }).value();
  Pair first, second;
  auto first_server = must(tls->accept(first.server.descriptor()));
  auto first_client = must(client_tls_->connect(first.client.descriptor(), "h", "spiffe://acme.test/server"));
  ASSERT_EQ(shake(*first_server, *first_client).client, Outcome::kDone);
  source->replace(authority_.issue({.id = "spiffe://acme.test/renewed"}).credentials());
  auto second_server = must(tls->accept(second.server.descriptor()));
  auto second_client = must(client_tls_->connect(second.client.descriptor(), "h", "spiffe://acme.test/renewed"));
  ASSERT_EQ(shake(*second_server, *second_client).client, Outcome::kDone);
  // The first connection goes on.
  Bytes room(10);
  EXPECT_EQ(first_client->write(as_bytes("hello")).bytes, 5U);
  EXPECT_EQ(first_server->read(room).bytes, 5U);
}

TEST_F(Tls, KeyUpdatesWithoutData) {
  auto server = must(ServerOnlyTls::create(std::make_shared<SwappableCredentials>(server_identity_.credentials()))
                         .value()
                         ->accept(pair_.server.descriptor()));
  PlainClient client;
  client.start(pair_.client.descriptor());
  Outcome outcome;
  client.against(*server, outcome);
  ASSERT_EQ(outcome, Outcome::kDone);
  Bytes room(10);
  for (int i = 0; i < 100 && outcome != Outcome::kFailed; ++i) {
    SSL_key_update(client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
    SSL_do_handshake(client.ssl);
    if (i < 10) {  // a few are anybody's right
      EXPECT_EQ(SSL_write(client.ssl, "a", 1), 1);
      ASSERT_EQ(server->read(room).outcome, Outcome::kDone) << i;
    } else {
      outcome = server->read(room).outcome;
    }
  }
  EXPECT_EQ(outcome, Outcome::kFailed);
  EXPECT_EQ(server->failure().code(), Code::kInvalid);
}

TEST_F(Tls, NotTls) {
  ASSERT_EQ(::write(pair_.client.descriptor(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27), 27);
  EXPECT_EQ(server_->handshake(), Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kInvalid);
  EXPECT_EQ(server_->handshake(), Outcome::kFailed);
}

TEST_F(Tls, PeerGoneDuringHandshake) {
  pair_.client.reset();
  EXPECT_EQ(server_->handshake(), Outcome::kFailed);
  EXPECT_EQ(server_->failure().code(), Code::kUnavailable);
}

TEST_F(Tls, PartsMissing) {
  auto source = std::make_shared<SwappableCredentials>(server_identity_.credentials());
  const Clock clock = [] { return kTestTime; };
  EXPECT_EQ(MutualTls::create(nullptr, authority_.verifier(), clock).error().code(), Code::kInvalid);
  EXPECT_EQ(MutualTls::create(source, nullptr, clock).error().code(), Code::kInvalid);
  EXPECT_EQ(MutualTls::create(source, authority_.verifier(), nullptr).error().code(), Code::kInvalid);
  EXPECT_EQ(ServerOnlyTls::create(nullptr).error().code(), Code::kInvalid);
  EXPECT_EQ(client_tls_->connect(pair_.client.descriptor(), "h", "").error().code(), Code::kInvalid);
}

TEST_F(Tls, CredentialsThatDoNotFit) {
  const auto secret = [](std::string_view text) { return crypto::Secret::copy_of(as_bytes(text)); };
  const auto code = [](const Result<std::shared_ptr<const Credentials>>& result) {
    return result.ok() ? std::string("accepted") : std::string(code_name(result.error().code()));
  };
  const std::string refused(code_name(Code::kInvalid));
  const std::string& chain = server_identity_.chain_pem;
  const std::string& key = server_identity_.key_pem;
  EXPECT_EQ(code(Credentials::from_pem(chain, secret(key))), "accepted");
  EXPECT_EQ(code(Credentials::from_pem(chain, secret(client_identity_.key_pem))), refused);
  EXPECT_EQ(code(Credentials::from_pem("", secret(key))), refused);
  EXPECT_EQ(code(Credentials::from_pem(chain, secret("no key"))), refused);
  EXPECT_EQ(code(Credentials::from_pem(chain.substr(0, chain.size() / 2), secret(key))), refused);
  EXPECT_EQ(code(Credentials::from_pem(chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                       secret(key))),
            refused);
  std::string long_chain;
  for (int i = 0; i < 9; ++i) long_chain += chain;
  EXPECT_EQ(code(Credentials::from_pem(long_chain, secret(key))), refused);
  EXPECT_EQ(code(Credentials::from_der(server_identity_.chain, secret("no key"))), refused);
  Bytes trailing = server_identity_.chain[0];
  trailing.push_back(0);
  EXPECT_EQ(code(Credentials::from_der(std::vector<Bytes>{trailing}, secret(key))), refused);
  EXPECT_EQ(server_identity_.credentials()->not_after().unix_ms, kTestTime.unix_ms + 3'600'000);
}

}  // namespace
}  // namespace cloister::net
