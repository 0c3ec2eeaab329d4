// Engines: libraries that aren't ONNX Runtime, and a process behind a Unix socket. ONNX models themselves are run in
// tests/interop/inference_test.py, where there is a library and a model.
#include <gtest/gtest.h>
#include <unistd.h>

#include "net/http_server.h"
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
