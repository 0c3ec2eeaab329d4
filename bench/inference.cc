// What sealing costs a question to a model: the same engine asked over plain HTTP and through the inference service,
// by one client over Unix sockets, in turn; and the parts of the difference.
//   bench_inference [LIBRARY MODEL]     ONNX Runtime and a model of Silero's; without them, an engine that only echoes
#include <unistd.h>

#include "base/base64.h"
#include "bench.h"
#include "crypto/library.h"
#include "net/http_client.h"
#include "net/http_date.h"
#include "net/http_server.h"
#include "worker/inference/inference_service.h"
#include "worker/inference/onnx_engine.h"

namespace {

using namespace cloister;

constexpr int kQuestions = 500;  // of a round
constexpr std::string_view kToken = "token";

class EchoEngine final : public worker::Engine {
 public:
  Status load(ByteView) override { return {}; }
  Result<worker::EngineAnswer> infer(const worker::Question& question) override {
    return worker::EngineAnswer{200, "application/json", net::Buffer(question.content.begin(), question.content.end())};
  }
};

class PlainService final : public net::Handler {
 public:
  explicit PlainService(std::unique_ptr<worker::Engine> engine) : engine_(std::move(engine)) {}
  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override {
    auto answer = std::make_shared<net::Answer>(later.take());
    auto body = std::make_shared<net::Buffer>(std::move(request.body));
    queue_.submit([this, answer, body] {
      auto got = bench::must(engine_->infer({"application/json", *body}));
      answer->send({200, {{"content-type", "application/json"}}, std::move(got.content), {}});
    });
    return std::nullopt;
  }

 private:
  std::unique_ptr<worker::Engine> engine_;
  worker::WorkQueue queue_{1, 64};
};

struct Served {
  std::unique_ptr<net::HttpServer> server;
  std::unique_ptr<net::HttpClient> client;
};

Served serve(const Path& socket, std::shared_ptr<net::Handler> handler) {
  Served served;
  served.server = bench::must(net::HttpServer::create(
      net::ServerOptions{.limits = {}, .threads = 1, .clock = system_time, .on_refusal = {}}, std::move(handler)));
  bench::must(served.server->listen(net::UnixListener{socket, net::UnixUsers::only({::geteuid()})}));
  served.client = bench::must(net::HttpClient::create(net::UnixTarget{socket, ::geteuid()}, {}));
  return served;
}

net::Response post(const Served& served, std::string target, std::string_view type, ByteView body) {
  net::Request request{"POST", std::move(target), {{"content-type", std::string(type)}}, {}, nullptr};
  net::append(request.body, body);
  auto exchange = bench::must(served.client->send(request, seconds(30)));
  if (exchange.response.status != 200) bench::fail("status " + std::to_string(exchange.response.status));
  return std::move(exchange.response);
}

class SealedClient {
 public:
  explicit SealedClient(const Served& served) : served_(&served) {
    net::Request request{"GET", "/v1/bundle", {}, {}, nullptr};
    const auto exchange = bench::must(served.client->send(request, seconds(30)));
    bundle_ = bench::must(attest::decode_worker_bundle(exchange.response.body));
    key_ = std::make_unique<net::OhttpKey>(bench::must(net::parse_ohttp_key(bundle_.key_configuration)));
  }

  void ask(ByteView content) {
    net::BinaryRequest inner{"POST", "https", "worker", "/v2/models/vad/infer", {}, {}, {}};
    inner.headers = {{"authorization", "Bearer " + std::string(kToken)},
                     {"date", net::to_http_date(system_time())},
                     {"content-type", "application/json"}};
    net::append(inner.content, content);
    auto sender = bench::must(net::OhttpSender::create(*key_, net::OhttpForm::kChunked, random_));
    net::Buffer sealed;
    sender.seal(net::encode_binary_request(inner, 256), net::Last::kYes, sealed);
    const net::Response outer = post(*served_, "/v1/inference", "message/ohttp-chunked-req", sealed);
    const auto opened = bench::must(sender.open(outer.body, 1 << 24));
    const net::Response answer = bench::must(net::parse_binary_response(opened.plaintext, {}));
    const std::string* receipt = answer.trailers.find(worker::kReceiptField);
    if (answer.status != 200 || receipt == nullptr) bench::fail("no answer");
    const Bytes bytes = bench::must(from_base64(*receipt, Base64::kUrl));
    bench::must(attest::open_receipt(bytes, bundle_.receipt_key));
  }

 private:
  const Served* served_;
  crypto::SystemRandom random_;
  attest::WorkerBundle bundle_;
  std::unique_ptr<net::OhttpKey> key_;
};

std::string question() {
  std::string json = R"({"inputs":[{"name":"input","datatype":"FP32","shape":[1,576],"data":[)";
  for (int i = 0; i < 576; ++i) json += (i == 0 ? "0.125" : ",0.125");
  json += R"(]},{"name":"state","datatype":"FP32","shape":[2,1,128],"data":[)";
  for (int i = 0; i < 256; ++i) json += (i == 0 ? "0" : ",0");
  return json + R"(]},{"name":"sr","datatype":"INT64","shape":[],"data":[16000]}]})";
}

struct Microseconds {
  double wall = 0;
  double processor = 0;  // of this process, both ends
};

Microseconds each(const std::function<void()>& work) {
  const double processor = bench::cpu_seconds();
  const double wall = bench::seconds_of([&] {
    for (int i = 0; i < kQuestions; ++i) work();
  });
  return {wall / kQuestions * 1e6, (bench::cpu_seconds() - processor) / kQuestions * 1e6};
}

void whole_questions(int argc, char** argv, const Path& folder) {
  crypto::SystemRandom random;
  const auto make_engine = [&]() -> std::unique_ptr<worker::Engine> {
    if (argc < 3) return std::make_unique<EchoEngine>();
    auto engine = std::make_unique<worker::OnnxEngine>(bench::must(worker::OnnxRuntime::open(argv[1], 1)), "vad");
    bench::must(engine->load(bench::must(read_file(argv[2], 1 << 28))));
    return engine;
  };
  worker::InferenceOptions options;
  options.model_name = "vad";
  options.tenants = {{"acme", crypto::sha256(as_bytes(kToken))}};
  const auto collect = [](const attest::Binding&) {
    return attest::EvidenceSet{{attest::Kind::kInsecureSoftware, {{"statement", Bytes(1)}}}, {}};
  };
  const Served plain = serve(folder / "plain", std::make_shared<PlainService>(make_engine()));
  const Served sealed =
      serve(folder / "sealed",
            bench::must(worker::InferenceService::create(options, make_engine(), collect, system_time, random)));
  SealedClient client(sealed);
  const std::string text = question();
  std::vector<double> plain_us, sealed_us, difference, processor;
  for (int round = -1; round < bench::rounds(); ++round) {
    const Microseconds a = each([&] { post(plain, "/", "application/json", as_bytes(text)); });
    const Microseconds b = each([&] { client.ask(as_bytes(text)); });
    if (round < 0) continue;
    plain_us.push_back(a.wall);
    sealed_us.push_back(b.wall);
    difference.push_back(b.wall - a.wall);
    processor.push_back(b.processor - a.processor);
  }
  std::printf("a question of %zu bytes to %s, %d rounds of %d in turn\n", text.size(),
              argc < 3 ? "an engine that echoes" : "ONNX Runtime", bench::rounds(), kQuestions);
  std::printf("  plain %.0f us, sealed with receipt %.0f us: %.0f us more, %.0f us of processor time at both ends\n",
              bench::median(plain_us), bench::median(sealed_us), bench::median(difference), bench::median(processor));
}

void parts() {
  crypto::SystemRandom random;
  const auto private_key = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random);
  const net::OhttpKey key{1, private_key.public_key(), {crypto::HpkeAead::kAes128Gcm}};
  const Bytes content(5000, 'x');
  std::vector<double> both, chunk;
  for (int round = -1; round < bench::rounds(); ++round) {
    const Microseconds a = each([&] {
      auto sender = bench::must(net::OhttpSender::create(key, net::OhttpForm::kChunked, random));
      net::Buffer request, response;
      sender.seal(content, net::Last::kYes, request);
      auto receiver = bench::must(net::OhttpReceiver::create(key, private_key, net::OhttpForm::kChunked, request));
      bench::must(receiver.open(1 << 20));
      receiver.respond(random).seal(content, net::Last::kYes, response);
      bench::must(sender.open(response, 1 << 20));
    });
    auto sender = bench::must(net::OhttpSender::create(key, net::OhttpForm::kChunked, random));
    net::Buffer request;
    const Microseconds b = each([&] {
      request.clear();
      sender.seal(ByteView(content).first(64), net::Last::kNo, request);
    });
    if (round < 0) continue;
    both.push_back(a.processor);
    chunk.push_back(b.processor);
  }
  std::printf("  request and response sealed and opened: %.0f us of it; a further chunk of 64 bytes: %.2f us\n",
              bench::median(both), bench::median(chunk));
}

// From a file to a model that answers, plain and out of a sealed object straight into memory.
void loading(char** argv, const Path& folder) {
  bench::Keys keys;
  const Path sealed = folder / "model.sealed";
  keys.seal(argv[2], sealed, keys.options(16, 1));
  const auto runtime = bench::must(worker::OnnxRuntime::open(argv[1], 1));
  const auto load = [&](ByteView model) {
    const double start = monotonic_seconds();
    bench::must(runtime->load(model));
    return monotonic_seconds() - start;
  };
  std::vector<double> plain_ms, sealed_ms, engine_ms;
  for (int round = -1; round < bench::rounds(); ++round) {
    const double a = bench::seconds_of([&] { load(bench::must(read_file(argv[2], 1 << 28))); });
    double engine = 0;
    const double b = bench::seconds_of([&] {
      const auto object = keys.open(sealed);
      Bytes model(object.size());
      bench::must(object.read_at(0, model));
      engine = load(model);
      crypto::wipe(model);
    });
    if (round < 0) continue;
    plain_ms.push_back(a * 1e3);
    sealed_ms.push_back(b * 1e3);
    engine_ms.push_back(engine * 1e3);
  }
  std::printf(
      "  the model loaded from a file %.1f ms, from a sealed object %.1f ms; of that the engine alone %.1f ms\n",
      bench::median(plain_ms), bench::median(sealed_ms), bench::median(engine_ms));
}

}  // namespace

int main(int argc, char** argv) {
  bench::must(crypto::start_process());
  const bench::Workspace folder;
  whole_questions(argc, argv, folder / "");
  parts();
  if (argc > 2) loading(argv, folder / "");
  return 0;
}
