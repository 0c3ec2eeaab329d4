// Engines: libraries that aren't ONNX Runtime, and a process behind a Unix socket. ONNX models themselves are run in
// tests/interop/inference_test.py, where there is a library and a model.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/address.h"
#include "net/http_server.h"
#include "net/socket.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "worker/inference/http_engine.h"
#include "worker/inference/onnx_runtime.h"
#include "worker/inference/tenant_tokens.h"

namespace cloister::worker {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::TempDir;
using cloister::testing::value_of;

TEST(OnnxRuntime, NoSuchLibrary) {
  expect_refused(OnnxRuntime::open("/nonexistent/libonnxruntime.so", 1), Code::kNotFound, "libonnxruntime");
}

TEST(OnnxRuntime, AnotherLibrary) {
  expect_refused(OnnxRuntime::open("libc.so.6", 1), Code::kUnsupported, "ONNX Runtime");
}

class Mirror final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request& request, net::Deferral&) override {
    const std::string* type = request.headers.find("content-type");
    net::Response response{request.method == "POST" ? 200U : 405U, {{"content-type", type ? *type : ""}}, {}, {}};
    response.body = net::to_buffer(request.target + " ");
    net::append(response.body, request.body);
    return response;
  }
};

TEST(HttpEngine, AsksTheProcessBehindTheSocket) {
  const TempDir folder;
  const Path socket = folder.path() / "engine.sock";
  const net::ServerOptions options{.limits = {}, .threads = 1, .clock = system_time, .on_refusal = {}};
  const auto server = value_of(net::HttpServer::create(options, std::make_shared<Mirror>()));
  ASSERT_TRUE(server->listen(net::UnixListener{socket, net::UnixUsers::only({::geteuid()})}).ok());
  const auto engine = value_of(HttpEngine::create({socket, ::geteuid()}, "/v1/completions", seconds(10)));
  ASSERT_TRUE(engine->load({}).ok());
  const EngineAnswer answer = value_of(engine->infer({"text/plain", as_bytes("hello")}));
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.content_type, "text/plain");
  EXPECT_EQ(as_text(answer.content), "/v1/completions hello");
}

// Says one thing to the first who asks, and dies.
class DyingEngine {
 public:
  DyingEngine(const Path& path, std::string says) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = value_of(net::unix_address(path));
    CLOISTER_CHECK(::bind(listener_.descriptor(), address.get(), address.size) == 0);
    CLOISTER_CHECK(::listen(listener_.descriptor(), 8) == 0);
    thread_ = std::thread([this, says = std::move(says)] {
      const net::Socket client(::accept(listener_.descriptor(), nullptr, nullptr));
      char room[65536];
      if (!client || ::recv(client.descriptor(), room, sizeof room, 0) <= 0) return;
      EXPECT_GT(::send(client.descriptor(), says.data(), says.size(), MSG_NOSIGNAL), 0);
    });
  }
  ~DyingEngine() {
    ::shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
  }

 private:
  net::Socket listener_;
  std::thread thread_;
};

class Kept final : public net::BodySink {
 public:
  Status begin(const net::Response&) override { return {}; }
  Status take(ByteView piece) override {
    text += as_text(piece);
    return {};
  }
  std::string text;
};

TEST(HttpEngine, AnswerWhoseEndNobodySaid) {
  for (const char* head : {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"}) {
    const TempDir folder;
    const Path socket = folder.path() / "engine.sock";
    const auto engine = value_of(HttpEngine::create({socket, ::geteuid()}, "/", seconds(10)));
    const std::string answer = std::string(head) + "data: one\n\n";
    Kept kept;
    {
      const DyingEngine dying(socket, answer);
      expect_refused(engine->stream({"text/plain", as_bytes("hello")}, kept), Code::kUnavailable, "engine");
    }
    EXPECT_EQ(kept.text, "data: one\n\n");
    ASSERT_EQ(::unlink(socket.c_str()), 0);
    const DyingEngine dying(socket, answer);
    expect_refused(engine->infer({"text/plain", as_bytes("hello")}), Code::kUnavailable, "engine");
  }
}

TEST(HttpEngine, AnswersAsLargeAsClientsTake) {
  const std::size_t size = 17 << 20;
  const auto head = [](std::size_t length) {
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(length) + "\r\n\r\n";
  };
  const TempDir folder;
  const Path socket = folder.path() / "engine.sock";
  const auto engine = value_of(HttpEngine::create({socket, ::geteuid()}, "/", seconds(10)));
  {
    const DyingEngine dying(socket, head(size) + std::string(size, 'x'));
    Kept kept;
    ASSERT_TRUE(engine->stream({"text/plain", as_bytes("hello")}, kept).ok());
    EXPECT_EQ(kept.text.size(), size);
  }
  ASSERT_EQ(::unlink(socket.c_str()), 0);
  const DyingEngine dying(socket, head(kEngineAnswerMax + 1) + std::string(kEngineAnswerMax + 1, 'x'));
  expect_refused(engine->infer({"text/plain", as_bytes("hello")}), Code::kUnavailable, "engine");
}

TEST(HttpEngine, NobodyThere) {
  const TempDir folder;
  const auto engine = value_of(HttpEngine::create({folder.path() / "engine.sock", ::geteuid()}, "/", seconds(1)));
  expect_refused(engine->infer({"text/plain", as_bytes("hello")}), Code::kUnavailable, "engine");
}

TEST(TenantTokens, WhoseItIs) {
  const TenantTokens tokens({{"acme", crypto::sha256(as_bytes("a"))}, {"other", crypto::sha256(as_bytes("b"))}});
  EXPECT_EQ(*tokens.tenant_of("Bearer a"), "acme");
  EXPECT_EQ(*tokens.tenant_of("Bearer b"), "other");
  for (const char* text : {"", "Bearer", "Bearer c", "Bearer a ", "a", "Basic a"}) {
    EXPECT_EQ(tokens.tenant_of(text), nullptr) << text;
  }
  EXPECT_EQ(TenantTokens({}).tenant_of("Bearer a"), nullptr);
}

}  // namespace
}  // namespace cloister::worker
