// What sealing costs a streamed answer: the same pieces over plain HTTP and through the inference service, by one
// client over Unix sockets, in turn. Each piece is sealed, padded, sent, opened and unpadded by itself.
//   bench_inference_stream [BYTES]     of each piece; 100, as an event with one token has
#include <unistd.h>

#include "bench.h"
#include "crypto/library.h"
#include "net/binary_response_stream.h"
#include "net/http_client.h"
#include "net/http_date.h"
#include "net/http_server.h"
#include "net/padded_content.h"
#include "worker/inference/inference_service.h"

namespace {

using namespace cloister;

constexpr int kPieces = 5000;  // of a stream
constexpr std::string_view kToken = "token";

class PieceEngine final : public worker::Engine {
 public:
  explicit PieceEngine(std::size_t size) : piece_(size, 'x') {}
  Status load(ByteView) override { return {}; }
  Result<worker::EngineAnswer> infer(const worker::Question&) override {
    return Error(Code::kUnsupported, "only in pieces");
  }
  Status stream(const worker::Question&, net::BodySink& sink) override {
    CLOISTER_RETURN_IF_ERROR(sink.begin({200, {{"content-type", "text/event-stream"}}, {}, {}}));
    for (int i = 0; i < kPieces; ++i) CLOISTER_RETURN_IF_ERROR(sink.take(piece_));
    return {};
  }

 private:
  const Bytes piece_;
};

class PlainService final : public net::Handler {
 public:
  explicit PlainService(std::size_t size) : size_(size) {}
  std::optional<net::Response> handle(net::Request&, net::Deferral& later) override {
    auto answer = std::make_shared<net::Answer>(later.take());
    queue_.submit([this, answer] {
      net::BodyWriter writer = answer->stream({200, {{"content-type", "text/event-stream"}}, {}, {}});
      for (int i = 0; i < kPieces; ++i) {
        if (!writer.write(net::Buffer(size_, 'x'))) bench::fail("nobody reads");
      }
      writer.finish();
    });
    return std::nullopt;
  }

 private:
  const std::size_t size_;
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

struct Counted final : net::BodySink {
  Status begin(const net::Response&) override { return {}; }
  Status take(ByteView piece) override {
    bytes += piece.size();
    return {};
  }
  std::size_t bytes = 0;
};

// What a client does with each chunk.
class Opening final : public net::BodySink {
 public:
  explicit Opening(const net::OhttpSender& sender) : opener_(sender.opener()) {}
  Status begin(const net::Response&) override { return {}; }
  Status take(ByteView piece) override {
    CLOISTER_RETURN_IF_ERROR(opener_.put(piece, plaintext_));
    CLOISTER_RETURN_IF_ERROR(stream_.put(plaintext_, coded_));
    net::wipe_and_clear(plaintext_);
    CLOISTER_RETURN_IF_ERROR(padding_.put(coded_, content_));
    net::wipe_and_clear(coded_);
    bytes += content_.size();
    net::wipe_and_clear(content_);
    return {};
  }
  Status finish() { return opener_.finish(plaintext_); }
  std::size_t bytes = 0;

 private:
  net::OhttpOpener opener_;
  net::BinaryResponseStream stream_{{}};
  net::PaddedReader padding_;
  net::Buffer plaintext_, coded_, content_;
};

struct Microseconds {
  double wall = 0;
  double processor = 0;  // of this process, both ends
};

Microseconds each_piece(const std::function<void()>& stream) {
  const double processor = bench::cpu_seconds();
  const double wall = bench::seconds_of(stream);
  return {wall / kPieces * 1e6, (bench::cpu_seconds() - processor) / kPieces * 1e6};
}

void plain_stream(const Served& served, std::size_t size) {
  Counted counted;
  bench::must(served.client->stream({"POST", "/", {}, {}, nullptr}, counted, seconds(30)));
  if (counted.bytes != size * kPieces) bench::fail("something is missing");
}

void sealed_stream(const Served& served, const net::OhttpKey& key, crypto::Random& random, std::size_t size) {
  net::BinaryRequest inner{"POST", "https", "worker", "/v2/models/llm/infer", {}, {}, {}};
  inner.headers = {{"authorization", "Bearer " + std::string(kToken)},
                   {"date", net::to_http_date(system_time())},
                   {"accept-encoding", std::string(net::kPaddedCoding)}};
  auto sender = bench::must(net::OhttpSender::create(key, net::OhttpForm::kChunked, random));
  net::Request request{"POST", "/v1/inference", {{"content-type", "message/ohttp-chunked-req"}}, {}, nullptr};
  sender.seal(net::encode_binary_request(inner, 256), net::Last::kYes, request.body);
  Opening opening(sender);
  bench::must(served.client->stream(request, opening, seconds(30)));
  bench::must(opening.finish());
  if (opening.bytes != size * kPieces) bench::fail("something is missing");
}

}  // namespace

int main(int argc, char** argv) {
  bench::must(crypto::start_process());
  const std::size_t size = argc > 1 ? static_cast<std::size_t>(std::atoi(argv[1])) : 100;
  const bench::Workspace folder;
  crypto::SystemRandom random;
  worker::InferenceOptions options;
  options.model_name = "llm";
  options.tenants = {{"acme", crypto::sha256(as_bytes(kToken))}};
  const auto collect = [](const attest::Binding&) {
    return attest::EvidenceSet{{attest::Kind::kInsecureSoftware, {{"statement", Bytes(1)}}}, {}};
  };
  const Served plain = serve(folder / "plain", std::make_shared<PlainService>(size));
  const Served sealed =
      serve(folder / "sealed", bench::must(worker::InferenceService::create(
                                   options, std::make_unique<PieceEngine>(size), collect, system_time, random)));
  const auto shown = bench::must(sealed.client->send({"GET", "/v1/bundle", {}, {}, nullptr}, seconds(30)));
  const auto bundle = bench::must(attest::decode_worker_bundle(shown.response.body));
  const net::OhttpKey key = bench::must(net::parse_ohttp_key(bundle.key_configuration));
  std::vector<double> plain_us, sealed_us, difference, processor;
  for (int round = -1; round < bench::rounds(); ++round) {
    const Microseconds a = each_piece([&] { plain_stream(plain, size); });
    const Microseconds b = each_piece([&] { sealed_stream(sealed, key, random, size); });
    if (round < 0) continue;
    plain_us.push_back(a.wall);
    sealed_us.push_back(b.wall);
    difference.push_back(b.wall - a.wall);
    processor.push_back(b.processor - a.processor);
  }
  std::printf("streams of %d pieces of %zu bytes, %d rounds in turn, for each piece\n", kPieces, size, bench::rounds());
  std::printf("  plain %.1f us, sealed %.1f us: %.1f us more, %.1f us of processor time at both ends\n",
              bench::median(plain_us), bench::median(sealed_us), bench::median(difference), bench::median(processor));
  return 0;
}
