// gRPC end to end: our server, our client, and clients that behave badly.
#include "net/grpc_server.h"

#include <sys/socket.h>

#include "net/grpc_client.h"
#include "tests/support/hex.h"
#include "tests/unit/net/service.h"

namespace cloister::net {
namespace {

using testing::unhex;

// "/echo" answers each message; "/watch" keeps its calls open; "/deny" refuses; "/large" sends a mebibyte.
class TestService final : public GrpcService {
 public:
  class Receiver final : public GrpcReceiver {
   public:
    Receiver(TestService& service, std::shared_ptr<GrpcCall> call) : service_(service), call_(std::move(call)) {}

    void message(Buffer message) override {
      const std::string& method = call_->head().target;
      if (method == "/deny") return call_->finish({GrpcCode::kPermissionDenied, "not you"});
      if (method == "/large") return call_->send(Buffer(1 << 20, 'a'));
      call_->send(std::move(message));
    }
    void half_closed() override {
      if (call_->head().target != "/watch") call_->finish({});
    }
    void gone() override { ++service_.gone; }

   private:
    TestService& service_;
    const std::shared_ptr<GrpcCall> call_;
  };

  std::unique_ptr<GrpcReceiver> begin(std::shared_ptr<GrpcCall> call) override {
    if (call->head().target == "/none") return nullptr;
    auto receiver = std::make_unique<Receiver>(*this, call);
    if (call->head().target == "/watch") {
      const std::scoped_lock lock(mutex);
      watching.push_back(std::move(call));
    }
    return receiver;
  }

  std::shared_ptr<GrpcCall> watcher() {
    EXPECT_TRUE(eventually([this] {
      const std::scoped_lock lock(mutex);
      return !watching.empty();
    }));
    const std::scoped_lock lock(mutex);
    return watching.back();
  }

  std::atomic<int> gone{0};
  std::mutex mutex;
  std::vector<std::shared_ptr<GrpcCall>> watching;
};

class GrpcServer : public Service {
 protected:
  void serve() {
    ServerOptions options;
    options.limits = limits_;
    options.clock = [] { return testing::kTestTime; };
    auto handler = grpc_handler(service_, grpc_);
    ASSERT_TRUE(handler.ok()) << handler.error().message();
    server_ = HttpServer::create(std::move(options), std::move(handler).value()).value();
    listen_unix();
  }
  std::unique_ptr<GrpcClient> client(GrpcClientOptions options = {}) const {
    return GrpcClient::create(UnixTarget{socket_path(), ::getuid()}, options).value();
  }
  static GrpcRequest request(std::string method, std::string_view message = "hello") {
    return {std::move(method), {{"x-meta", "data"}}, to_buffer(message)};
  }
  static std::string text_of(const Result<GrpcEvent>& event) {
    if (!event.ok()) return "error: " + event.error().message();
    if (std::holds_alternative<GrpcNothingYet>(*event)) return "nothing yet";
    if (const auto* status = std::get_if<GrpcStatus>(&*event)) {
      return "status " + std::to_string(static_cast<int>(status->code)) + " " + status->text;
    }
    return std::string(as_text(std::get<Buffer>(*event)));
  }

  GrpcLimits grpc_;
  std::shared_ptr<TestService> service_ = std::make_shared<TestService>();
};

TEST_F(GrpcServer, UnaryCall) {
  serve();
  const auto answer = client()->call(request("/echo"), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->status.code, GrpcCode::kOk);
  EXPECT_EQ(as_text(answer->message), "hello");
  EXPECT_TRUE(eventually([this] { return service_->gone == 1; }));
}

TEST_F(GrpcServer, StatusAlone) {
  serve();
  const auto answer = client()->call(request("/deny"), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(answer->status.code, GrpcCode::kPermissionDenied);
  EXPECT_EQ(answer->status.text, "not you");
  EXPECT_EQ(client()->call(request("/none"), kPatience)->status.code, GrpcCode::kUnimplemented);
}

TEST_F(GrpcServer, LargeMessages) {
  serve();
  const std::string large(grpc_.message_bytes, 'x');
  const auto answer = client()->call(request("/echo", large), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(as_text(answer->message), large);
  const auto refused = client()->call(request("/echo", large + "x"), kPatience);
  ASSERT_TRUE(refused.ok()) << refused.error().message();
  EXPECT_EQ(refused->status.code, GrpcCode::kResourceExhausted);
}

TEST_F(GrpcServer, ServerStreams) {
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  EXPECT_EQ(text_of(answers->next(Duration{20})), "nothing yet");
  const auto call = service_->watcher();
  EXPECT_EQ(*call->head().headers.find("x-meta"), "data");
  EXPECT_EQ(call->head().connection->unix_peer->pid, ::getpid());
  std::thread sender([call] {
    for (int i = 0; i < 100; ++i) call->send(to_buffer(std::to_string(i)));
    call->finish({GrpcCode::kUnavailable, "that was all"});
  });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(text_of(answers->next(kPatience)), std::to_string(i));
  EXPECT_EQ(text_of(answers->next(kPatience)), "status 14 that was all");
  EXPECT_EQ(text_of(answers->next(kPatience)), "status 14 that was all");
  sender.join();
}

TEST_F(GrpcServer, OverMutualTls) {
  serve();
  listen_tls();
  const auto tls = testing::mutual_tls(authority_, authority_.issue({.id = "spiffe://acme.test/client"}));
  const TlsTarget target{{"127.0.0.1", port_}, "spiffe://acme.test/server", tls};
  auto answer = GrpcClient::create(target, {}).value()->call(request("/echo"), kPatience);
  ASSERT_TRUE(answer.ok()) << answer.error().message();
  EXPECT_EQ(as_text(answer->message), "hello");
  const TlsTarget other{{"127.0.0.1", port_}, "spiffe://acme.test/other", tls};
  EXPECT_EQ(GrpcClient::create(other, {}).value()->call(request("/echo"), kPatience).error().code(), Code::kDenied);
}

TEST_F(GrpcServer, ClientGoesAway) {
  serve();
  auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  answers.reset();
  EXPECT_TRUE(eventually([this] { return service_->gone == 1; }));
  EXPECT_TRUE(service_->watcher()->over());
}

TEST_F(GrpcServer, ServerGoesAway) {
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  server_.reset();
  EXPECT_EQ(service_->gone, 1);
  EXPECT_EQ(answers->next(kPatience).error().code(), Code::kUnavailable);
  service_->watcher()->send(to_buffer("too late"));
}

TEST_F(GrpcServer, DrainTellsStreamsToComeBack) {
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  EXPECT_TRUE(server_->drain(kPatience).ok());
  EXPECT_EQ(text_of(answers->next(kPatience)), "status 14 this connection ends: call again");
}

TEST_F(GrpcServer, ClientThatDoesNotRead) {
  grpc_.queued_bytes = 2 << 20;
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  const auto call = service_->watcher();
  for (int i = 0; i < 100 && !call->over(); ++i) call->send(Buffer(100'000, 'a'));
  EXPECT_TRUE(call->over());
  EXPECT_TRUE(eventually([this] { return refused(Refusal::kWriteTime) == 1; }));
  EXPECT_TRUE(eventually([this] { return service_->gone == 1; }));
}

TEST_F(GrpcServer, StreamsOutliveEveryTimeLimitButThatOfSilence) {
  limits_.answer_time = limits_.body_time = limits_.idle_time = limits_.header_time = Duration{50};
  limits_.silence_time = Duration{100};
  limits_.write_time = Duration{300};
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  EXPECT_EQ(text_of(answers->next(seconds(2))), "nothing yet");  // our client answers pings
  EXPECT_FALSE(service_->watcher()->over());
  // And now nobody does.
  EXPECT_TRUE(eventually([this] { return service_->watcher()->over(); }));
  EXPECT_EQ(refused(Refusal::kSilent), 1U);
}

TEST_F(GrpcServer, ClientNoticesASilentServer) {
  // Takes the connection and never says a word.
  const Socket listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress address = unix_address(socket_path()).value();
  ASSERT_EQ(::bind(listener.descriptor(), address.get(), address.size), 0);
  ASSERT_EQ(::listen(listener.descriptor(), 1), 0);
  GrpcClientOptions options;
  options.silence_time = Duration{50};
  options.ping_time = Duration{50};
  const auto answers = client(options)->begin(request("/watch"), kPatience).value();
  const auto event = answers->next(kPatience);
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.error().message(), "the server doesn't answer any more");
}

TEST_F(GrpcServer, CancelWakesTheReader) {
  serve();
  const auto answers = client()->begin(request("/watch"), kPatience).value();
  EXPECT_EQ(text_of(answers->next(kPatience)), "hello");
  std::thread canceller([&answers] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    answers->cancel();
  });
  EXPECT_EQ(answers->next(Duration{60'000}).error().code(), Code::kUnavailable);
  EXPECT_EQ(answers->next(Duration{60'000}).error().message(), "the call was cancelled");
  canceller.join();
}

TEST_F(GrpcServer, WrongUserListens) {
  serve();
  const auto wrong = GrpcClient::create(UnixTarget{socket_path(), ::getuid() + 1}, {}).value();
  EXPECT_EQ(wrong->call(request("/echo"), kPatience).error().code(), Code::kDenied);
}

TEST_F(GrpcServer, WhatIsNotGrpc) {
  serve();
  EXPECT_EQ(unix_client()->send(get("/"), kPatience)->response.status, 415U);  // HTTP/1.1
  Request no_trailers = post("/echo", "");
  no_trailers.headers.add("content-type", "application/grpc");
  EXPECT_EQ(unix_client()->send(no_trailers, kPatience)->response.status, 400U);
}

TEST_F(GrpcServer, RequestsThatCannotBeSent) {
  EXPECT_FALSE(GrpcClient::create(UnixTarget{{}, 0}, {}).ok());
  EXPECT_FALSE(GrpcClient::create(LocalTarget{{"127.0.0.1", 0}}, {}).ok());
  EXPECT_FALSE(GrpcClient::create(TlsTarget{{"127.0.0.1", 1}, "", nullptr}, {}).ok());
  serve();
  EXPECT_EQ(client()->call({"echo", {}, {}}, kPatience).error().code(), Code::kInvalid);
  EXPECT_EQ(client()->call({"/echo", {{"a", "b\r\nc"}}, {}}, kPatience).error().code(), Code::kInvalid);
}

// Both sides talk in turn, by frames written by hand: the request isn't over while answers come.
TEST_F(GrpcServer, Bidirectional) {
  serve();
  const Socket socket = raw_unix();
  // POST http /echo, with te: trailers and content-type: application/grpc; not indexed.
  const Bytes block = unhex(
      "838644052f6563686f"
      "4101680002746508747261696c657273"
      "5f106170706c69636174696f6e2f67727063");
  Bytes opening = to_bytes(as_bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
  const auto add = [&opening](const Bytes& bytes) { opening.insert(opening.end(), bytes.begin(), bytes.end()); };
  add(unhex("000000040000000000"));
  add({0, 0, static_cast<std::uint8_t>(block.size()), 1, 4, 0, 0, 0, 1});
  add(block);
  send_text(socket, as_text(opening));
  std::string heard;
  const auto hear = [&heard, &socket](std::string_view wanted) {
    char room[1024];
    while (heard.find(wanted) == std::string::npos) {
      const ssize_t count = ::recv(socket.descriptor(), room, sizeof room, 0);
      if (count <= 0) return false;
      heard.append(room, static_cast<std::size_t>(count));
    }
    return true;
  };
  for (const char* word : {"one", "two"}) {
    Bytes data = unhex(
        "000008000000000001"
        "0000000003");
    for (const char* c = word; *c != 0; ++c) data.push_back(static_cast<std::uint8_t>(*c));
    send_text(socket, as_text(data));
    EXPECT_TRUE(hear(word));
  }
  EXPECT_EQ(heard.find("grpc-status"), std::string::npos);
  send_text(socket, as_text(unhex("000000000100000001")));
  EXPECT_TRUE(eventually([this] { return service_->gone == 1; }));
}

}  // namespace
}  // namespace cloister::net
