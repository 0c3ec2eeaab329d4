// The client against servers that misbehave: each is a script on a Unix socket.
#include "net/http_client.h"

#include "net/http1_parser.h"
#include "tests/unit/net/service.h"

namespace cloister::net {
namespace {

// Answers each connection with the next of its scripts, then closes it.
class ScriptedServer {
 public:
  explicit ScriptedServer(const Path& path, std::vector<std::string> scripts) {
    listener_ = Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = unix_address(path).value();
    CLOISTER_CHECK(::bind(listener_.descriptor(), address.get(), address.size) == 0);
    CLOISTER_CHECK(::listen(listener_.descriptor(), 8) == 0);
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const std::string& script : scripts) serve(script);
    });
  }
  ~ScriptedServer() {
    ::shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
  }
  int requests() const { return requests_; }

 private:
  void serve(const std::string& script) {
    const Socket client(::accept(listener_.descriptor(), nullptr, nullptr));
    if (!client) return;
    std::string request;
    char room[65536];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::recv(client.descriptor(), room, sizeof room, 0);
      if (count <= 0) return;
      request.append(room, static_cast<std::size_t>(count));
    }
    ++requests_;
    send_text(client, script);
    if (script.empty()) ::recv(client.descriptor(), room, sizeof room, 0);  // silence, until the client gives up
  }

  Socket listener_;
  std::thread thread_;
  std::atomic<int> requests_{0};
};

class Client : public ::testing::Test {
 protected:
  Result<Exchange> ask(std::string script, const Request& request = get("/"), Duration patience = kPatience) {
    const testing::TempDir folder;
    ScriptedServer server(folder / "s", {std::move(script)});
    return HttpClient::create(UnixTarget{folder / "s", ::getuid()}, options_).value()->send(request, patience);
  }
  void expect_refused(const std::string& script, Code code) {
    const auto exchange = ask(script);
    ASSERT_FALSE(exchange.ok()) << script.substr(0, 200);
    EXPECT_EQ(exchange.error().code(), code) << exchange.error().message();
  }
  ClientOptions options_;
};

const std::string kOk = "HTTP/1.1 200 OK\r\n";

TEST_F(Client, ReadsEveryKindOfBody) {
  EXPECT_EQ(as_text(ask(kOk + "Content-Length: 5\r\n\r\nhello")->response.body), "hello");
  EXPECT_EQ(as_text(ask(kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")->response.body), "hello");
  EXPECT_EQ(as_text(ask(kOk + "\r\nuntil the end")->response.body), "until the end");
  EXPECT_EQ(ask("HTTP/1.1 204 No Content\r\n\r\n")->response.status, 204U);
  const auto early =
      ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\n" + kOk + "Content-Length: 1\r\n\r\na");
  EXPECT_EQ(early->response.status, 200U);
  EXPECT_EQ(early->response.headers.find("x"), nullptr);
  Request head = get("/");
  head.method = "HEAD";
  const auto answer = ask(kOk + "Content-Length: 1000\r\n\r\n", head);
  EXPECT_EQ(*answer->response.headers.find("content-length"), "1000");
  EXPECT_TRUE(answer->response.body.empty());
}

TEST_F(Client, MalformedAnswers) {
  expect_refused("hello\r\n\r\n", Code::kInvalid);
  expect_refused("HTTP/2.0 200 OK\r\n\r\n", Code::kInvalid);
  expect_refused("HTTP/1.1 abc\r\n\r\n", Code::kInvalid);
  expect_refused(kOk + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", Code::kInvalid);
  expect_refused(kOk + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Code::kInvalid);
  expect_refused(kOk + "Transfer-Encoding: gzip\r\n\r\n", Code::kInvalid);
  expect_refused("HTTP/1.1 101 Switching\r\n\r\n", Code::kInvalid);
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  expect_refused(interim + kOk + "\r\n", Code::kInvalid);
}

TEST_F(Client, AnswersThatEndEarly) {
  expect_refused(kOk + "Content-Length: 5\r\n\r\nhel", Code::kInvalid);
  expect_refused(kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Code::kInvalid);
  expect_refused(kOk + "Content-Le", Code::kInvalid);
  expect_refused("HTTP", Code::kInvalid);
}

TEST_F(Client, EndByCloseWhereItIsNone) {
  options_.response.end_by_close = false;
  expect_refused(kOk + "\r\nuntil the end", Code::kInvalid);
  expect_refused("HTTP/1.0 200 OK\r\n\r\n", Code::kInvalid);
  EXPECT_EQ(as_text(ask(kOk + "Content-Length: 5\r\n\r\nhello")->response.body), "hello");
  EXPECT_EQ(as_text(ask(kOk + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")->response.body), "hello");
  EXPECT_EQ(ask("HTTP/1.1 204 No Content\r\n\r\n")->response.status, 204U);
}

TEST_F(Client, AnswersTooLarge) {
  options_.response.body_bytes = 1000;
  options_.response.header_bytes = 1000;
  options_.response.header_count = 5;
  expect_refused(kOk + "Content-Length: 1001\r\n\r\n", Code::kInvalid);
  expect_refused(kOk + "\r\n" + std::string(1001, 'a'), Code::kInvalid);
  expect_refused(kOk + "Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'a') + "\r\n0\r\n\r\n",
                 Code::kInvalid);
  expect_refused(kOk + "x: " + std::string(1001, 'a') + "\r\n\r\n", Code::kInvalid);
  expect_refused(kOk + "x: " + std::string(5000, 'a'), Code::kInvalid);
  expect_refused(kOk + "a: b\r\na: b\r\na: b\r\na: b\r\na: b\r\na: b\r\n\r\n", Code::kInvalid);
}

TEST_F(Client, Silence) {
  const auto exchange = ask("", get("/"), Duration{200});
  ASSERT_FALSE(exchange.ok());
  EXPECT_EQ(exchange.error().code(), Code::kUnavailable);
  EXPECT_NE(exchange.error().message().find("no answer in time"), std::string::npos);
}

TEST_F(Client, NobodyThere) {
  const testing::TempDir folder;
  auto client = HttpClient::create(UnixTarget{folder / "s", ::getuid()}, {}).value();
  EXPECT_EQ(client->send(get("/"), kPatience).error().code(), Code::kUnavailable);
}

TEST_F(Client, SocketOfAnotherUser) {
  const testing::TempDir folder;
  ScriptedServer server(folder / "s", {kOk + "\r\n"});
  auto client = HttpClient::create(UnixTarget{folder / "s", ::getuid() + 1}, {}).value();
  const auto exchange = client->send(get("/"), kPatience);
  ASSERT_FALSE(exchange.ok());
  EXPECT_EQ(exchange.error().code(), Code::kDenied);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Client, KeptConnectionThatIsGone) {
  // Keeps the connection by its words and closes it by its deeds.
  const std::string answer = kOk + "Content-Length: 1\r\n\r\na";
  for (const bool noticed : {true, false}) {
    const testing::TempDir folder;
    ScriptedServer server(folder / "s", {answer, answer});
    auto client = HttpClient::create(UnixTarget{folder / "s", ::getuid()}, {}).value();
    ASSERT_TRUE(client->send(get("/"), kPatience).ok());
    if (noticed) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(client->send(get("/"), kPatience).ok());
    EXPECT_EQ(server.requests(), 2);
  }
}

TEST_F(Client, RequestsThatCannotBeSent) {
  const testing::TempDir folder;
  auto client = HttpClient::create(UnixTarget{folder / "s", ::getuid()}, {}).value();
  const auto code = [&client](const Request& request) { return client->send(request, kPatience).error().code(); };
  EXPECT_EQ(code(get("no-slash")), Code::kInvalid);
  EXPECT_EQ(code(get("/a b")), Code::kInvalid);
  EXPECT_EQ(code(get("/a\r\nx: y")), Code::kInvalid);
  Request request = get("/");
  request.method = "GE T";
  EXPECT_EQ(code(request), Code::kInvalid);
  request = get("/");
  request.headers.add("x", "a\r\nb: c");
  EXPECT_EQ(code(request), Code::kInvalid);
  request = get("/");
  request.headers.add("content-length", "7");
  EXPECT_EQ(code(request), Code::kInvalid);
}

TEST_F(Client, PartsMissing) {
  const testing::TlsAuthority authority;
  const auto tls = testing::mutual_tls(authority, authority.issue());
  const auto code = [](HttpClient::Target target) { return HttpClient::create(std::move(target), {}).error().code(); };
  EXPECT_EQ(code(TlsTarget{{"127.0.0.1", 1}, "spiffe://acme.test/server", nullptr}), Code::kInvalid);
  EXPECT_EQ(code(TlsTarget{{"127.0.0.1", 1}, "", tls}), Code::kInvalid);
  EXPECT_EQ(code(TlsTarget{{"", 1}, "spiffe://acme.test/server", tls}), Code::kInvalid);
  EXPECT_EQ(code(UnixTarget{std::string(200, 'a'), 0}), Code::kInvalid);
}

class ClientOverTls : public Service {};

TEST_F(ClientOverTls, KeepsItsConnection) {
  start();
  listen_tls();
  auto client = tls_client();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client->send(post("/", "x"), kPatience).ok());
  EXPECT_EQ(server_->counters().connections_accepted, 1U);
}

TEST_F(ClientOverTls, RefusesAnotherServer) {
  start();
  listen_tls();
  const auto exchange =
      tls_client({.id = "spiffe://acme.test/client"}, "spiffe://acme.test/another")->send(get("/"), kPatience);
  ASSERT_FALSE(exchange.ok());
  EXPECT_EQ(exchange.error().code(), Code::kDenied);
  EXPECT_EQ(server_->counters().requests, 0U);
}

TEST_F(ClientOverTls, DoesNotUseAConnectionBeyondItsProof) {
  credentials_->replace(
      authority_.issue({.id = "spiffe://acme.test/server", .not_after = Time{testing::kTestTime.unix_ms + 1000}})
          .credentials());
  start();
  listen_tls();
  auto client = tls_client();
  ASSERT_TRUE(client->send(get("/"), kPatience).ok());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  ASSERT_TRUE(client->send(get("/"), kPatience).ok());
  EXPECT_EQ(server_->counters().connections_accepted, 2U);
}

TEST_F(ClientOverTls, NamesAreResolved) {
  start();
  listen_tls();
  auto tls = testing::mutual_tls(authority_, authority_.issue());
  auto client = HttpClient::create(TlsTarget{{"localhost", port_}, "spiffe://acme.test/server", tls}, {}).value();
  EXPECT_TRUE(client->send(get("/"), kPatience).ok());
  auto nowhere =
      HttpClient::create(TlsTarget{{"nowhere.invalid", port_}, "spiffe://acme.test/server", tls}, {}).value();
  EXPECT_EQ(nowhere->send(get("/"), kPatience).error().code(), Code::kUnavailable);
}

class ClientWithoutCertificate : public Service {
 protected:
  void listen_server_only() {
    auto tls = ServerOnlyTls::create(credentials_);
    const auto port = server_->listen({"127.0.0.1", 0}, std::move(tls).value());
    ASSERT_TRUE(port.ok()) << port.error().message();
    port_ = port.value();
  }
  Result<Exchange> ask(std::shared_ptr<const PeerVerifier> verifier, const std::string& server_id) {
    auto tls = AnonymousTls::create(std::move(verifier), [] { return testing::kTestTime; }).value();
    auto client = HttpClient::create(AnonymousTlsTarget{{"127.0.0.1", port_}, server_id, std::move(tls)}, {}).value();
    return client->send(get("/"), kPatience);
  }
};

TEST_F(ClientWithoutCertificate, ProvesItsServer) {
  start();
  listen_server_only();
  const auto exchange = ask(authority_.verifier(), "spiffe://acme.test/server");
  ASSERT_TRUE(exchange.ok()) << exchange.error().message();
  EXPECT_EQ(exchange->connection->peer->id, "spiffe://acme.test/server");
}

TEST_F(ClientWithoutCertificate, RefusesAnotherServer) {
  start();
  listen_server_only();
  EXPECT_EQ(ask(authority_.verifier(), "spiffe://acme.test/another").error().code(), Code::kDenied);
  const testing::TlsAuthority stranger("globex.test");
  EXPECT_EQ(ask(stranger.verifier(), "spiffe://acme.test/server").error().code(), Code::kDenied);
  EXPECT_EQ(server_->counters().requests, 0U);
}

TEST_F(ClientWithoutCertificate, IsTurnedAwayWhereOneIsAskedFor) {
  start();
  listen_tls();
  EXPECT_EQ(ask(authority_.verifier(), "spiffe://acme.test/server").error().code(), Code::kDenied);
  EXPECT_EQ(server_->counters().requests, 0U);
}

TEST(AnonymousTlsParts, Missing) {
  EXPECT_EQ(AnonymousTls::create(nullptr, [] { return testing::kTestTime; }).error().code(), Code::kInvalid);
  const testing::TlsAuthority authority;
  EXPECT_EQ(AnonymousTls::create(authority.verifier(), nullptr).error().code(), Code::kInvalid);
}

TEST(Http1ResponseParser, InPieces) {
  const std::string text = "HTTP/1.1 404 Nope\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nrest";
  Http1ResponseParser parser({}, Http1ResponseParser::Body::kExpected);
  Bytes waiting;
  for (const char byte : text) {
    waiting.push_back(static_cast<std::uint8_t>(byte));
    if (parser.state() == ParseState::kDone) continue;
    const std::size_t used = parser.put(waiting);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(used));
  }
  EXPECT_EQ(parser.state(), ParseState::kDone);
  EXPECT_EQ(parser.response().status, 404U);
  EXPECT_EQ(*parser.response().headers.find("a"), "b");
  EXPECT_EQ(as_text(parser.response().body), "abc");
  EXPECT_TRUE(parser.keeps_alive());
  EXPECT_EQ(as_text(waiting), "rest");
}

}  // namespace
}  // namespace cloister::net
