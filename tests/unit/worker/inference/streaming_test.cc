// Answers that are sealed while an engine makes them: from a process behind a socket, through a server, to a client
// that sees every chunk.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/base64.h"
#include "net/binary_response_stream.h"
#include "net/http_client.h"
#include "net/http_date.h"
#include "net/http_server.h"
#include "net/padded_content.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "worker/inference/http_engine.h"
#include "worker/inference/inference_service.h"

namespace cloister::worker {
namespace {

using cloister::testing::TempDir;
using cloister::testing::value_of;

constexpr Time kNow{1'800'000'000'000};
constexpr Duration kPatience = seconds(20);

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return condition();
}

// Stands for a server of language models: events one by one, each when it is told to go on.
class EventEngine final : public net::Handler {
 public:
  ~EventEngine() override {
    for (std::thread& thread : threads_) thread.join();
  }
  std::optional<net::Response> handle(net::Request& request, net::Deferral& later) override {
    if (as_text(request.body) == "refuse") return net::problem(429);
    const std::string* type = request.headers.find("content-type");
    EXPECT_EQ(type == nullptr ? "" : *type, "application/json");
    auto answer = std::make_shared<net::Answer>(later.take());
    threads_.emplace_back([this, answer, kind = std::string(as_text(request.body))] {
      net::BodyWriter writer =
          answer->stream({200, {{"content-type", "text/event-stream"}, {"server", "secret-build-7"}}, {}, {}});
      if (kind == "endless") {
        ended = eventually([&writer] { return !writer.write(net::Buffer(1000, 'x')); });
        return;
      }
      if (kind == "silent") {
        ended = eventually([&writer] { return writer.gone(); });
        return;
      }
      for (unsigned i = 0; i < 3; ++i) {
        eventually([this, i] { return allowed > i; });
        if (!writer.write(net::to_buffer("data: " + std::to_string(i) + "\n\n"))) return;
      }
      if (kind != "break off") writer.finish();
    });
    return std::nullopt;
  }

  std::atomic<unsigned> allowed{99};
  std::atomic<bool> ended{false};

 private:
  std::vector<std::thread> threads_;
};

// Who asked, in memory.
class Asker final : public net::Deferral {
 public:
  net::Answer take() override {
    return net::Answer([](net::Response) {},
                       [this](net::Response) {
                         flow = std::make_shared<net::BodyFlow>([](net::Push) { return true; });
                         return flow;
                       });
  }
  std::shared_ptr<net::BodyFlow> flow;
};

// Whoever asked leaves when all but the end has been made.
class Abandoned final : public Engine {
 public:
  explicit Abandoned(const Asker& asker) : asker_(asker) {}
  Status load(ByteView) override { return {}; }
  Result<EngineAnswer> infer(const Question&) override { return EngineAnswer{}; }
  Status stream(const Question&, net::BodySink& sink) override {
    CLOISTER_RETURN_IF_ERROR(sink.begin({200, {}, {}, {}}));
    CLOISTER_RETURN_IF_ERROR(sink.take(as_bytes("all of it")));
    asker_.flow->close();
    return {};
  }

 private:
  const Asker& asker_;
};

// Opens what comes, chunk by chunk, and notes how large each is.
class Opened final : public net::BodySink {
 public:
  explicit Opened(const net::OhttpSender& sender) : opener_(sender.opener()) {}
  Status begin(const net::Response& head) override {
    outer = head;
    return {};
  }
  Status take(ByteView piece) override {
    net::append(sealed, piece);
    net::Buffer plaintext, coded;
    CLOISTER_RETURN_IF_ERROR(opener_.put(piece, plaintext));
    sizes.push_back(plaintext.size());
    CLOISTER_RETURN_IF_ERROR(stream.put(plaintext, coded));
    CLOISTER_RETURN_IF_ERROR(padding_.put(coded, text_));
    if (on_text) on_text(text());
    return stop_after == 0 || text_.size() < stop_after ? Status() : Status(Error(Code::kDenied, "enough"));
  }
  Status finish() {
    net::Buffer plaintext, coded;
    CLOISTER_RETURN_IF_ERROR(opener_.finish(plaintext));
    sizes.push_back(plaintext.size());
    CLOISTER_RETURN_IF_ERROR(stream.put(plaintext, coded));
    CLOISTER_RETURN_IF_ERROR(stream.finish());
    digest = opener_.digest_before_last();
    return padding_.finish();
  }
  std::string text() const { return std::string(as_text(text_)); }

  net::Response outer;
  net::Buffer sealed;
  std::vector<std::size_t> sizes;
  net::BinaryResponseStream stream{{}};
  crypto::Sha256Digest digest{};
  std::function<void(const std::string&)> on_text;
  std::size_t stop_after = 0;

 private:
  net::OhttpOpener opener_;
  net::PaddedReader padding_;
  net::Buffer text_;
};

class Streaming : public ::testing::Test {
 protected:
  void SetUp() override {
    const net::ServerOptions options{.limits = {}, .threads = 1, .clock = system_time, .on_refusal = {}};
    events_ = std::make_shared<EventEngine>();
    engine_server_ = value_of(net::HttpServer::create(options, events_));
    ASSERT_TRUE(engine_server_->listen(net::UnixListener{folder_ / "engine", users()}).ok());
    service_ =
        service_of(value_of(HttpEngine::create({folder_ / "engine", ::geteuid()}, "/v1/chat/completions", kPatience)));
    server_ = value_of(net::HttpServer::create(options, service_));
    ASSERT_TRUE(server_->listen(net::UnixListener{folder_ / "worker", users()}).ok());
    client_ = value_of(net::HttpClient::create(net::UnixTarget{folder_ / "worker", ::geteuid()}, {}));
    const auto shown = value_of(client_->send({"GET", "/v1/bundle", {}, {}, nullptr}, kPatience));
    bundle_ = value_of(attest::decode_worker_bundle(shown.response.body));
  }
  void TearDown() override {
    server_.reset();
    service_.reset();
    engine_server_.reset();
  }
  std::shared_ptr<InferenceService> service_of(std::unique_ptr<Engine> engine) {
    InferenceOptions inference;
    inference.model_name = "llm";
    inference.manifest = to_bytes(as_bytes("manifest"));
    inference.policy = "policy-1";
    inference.tenants = {{"acme", crypto::sha256(as_bytes("token"))}};
    return value_of(InferenceService::create(
        inference, std::move(engine),
        [](const attest::Binding& binding) {
          attest::EvidenceSet set;
          set.primary = {attest::Kind::kInsecureSoftware, {{"statement", attest::report_data(binding)}}};
          return Result<attest::EvidenceSet>(std::move(set));
        },
        [] { return kNow; }, random_));
  }
  static net::UnixUsers users() { return net::UnixUsers::only({::geteuid()}); }

  net::OhttpSender sender() {
    return value_of(net::OhttpSender::create(value_of(net::parse_ohttp_key(bundle_.key_configuration)),
                                             net::OhttpForm::kChunked, client_random_));
  }
  net::Request sealed(std::string_view text, net::OhttpSender& sender, const std::string& accepted) {
    net::BinaryRequest inner{"POST", "https", "worker", "/v2/models/llm/infer", {}, net::to_buffer(text), {}};
    inner.headers = {{"authorization", "Bearer token"},
                     {"date", net::to_http_date(kNow)},
                     {"content-type", "application/json"},
                     {"accept-encoding", accepted}};
    net::Request request{"POST", "/v1/inference", {{"content-type", "message/ohttp-chunked-req"}}, {}, nullptr};
    sender.seal(net::encode_binary_request(inner, 64), net::Last::kYes, request.body);
    sealed_request_ = request.body;
    return request;
  }
  Result<net::Response> ask(std::string_view text, net::OhttpSender& sender, net::BodySink& sink,
                            const std::string& accepted = "gzip, cloister-padded") {
    return client_->stream(sealed(text, sender, accepted), sink, kPatience);
  }

  const TempDir folder_;
  testing::DeterministicRandom random_{1}, client_random_{2};
  std::shared_ptr<EventEngine> events_;
  std::unique_ptr<net::HttpServer> engine_server_, server_;
  std::shared_ptr<InferenceService> service_;
  std::unique_ptr<net::HttpClient> client_;
  attest::WorkerBundle bundle_;
  net::Buffer sealed_request_;
};

TEST_F(Streaming, EachPieceComesBeforeTheNextIsMade) {
  events_->allowed = 1;
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  opened.on_text = [this](const std::string& text) {
    events_->allowed = static_cast<unsigned>(std::ranges::count(text, ':')) + 1;
  };
  ASSERT_TRUE(ask("{}", sender, opened).ok());
  ASSERT_TRUE(opened.finish().ok());
  EXPECT_EQ(opened.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  EXPECT_EQ(*opened.outer.headers.find("content-type"), "message/ohttp-chunked-res");
  EXPECT_EQ(*opened.outer.headers.find("x-accel-buffering"), "no");
  EXPECT_EQ(opened.stream.response().status, 200U);
  EXPECT_EQ(*opened.stream.response().headers.find("content-type"), "text/event-stream");
  EXPECT_EQ(opened.stream.response().headers.find("server"), nullptr) << "the engine's own headers stay inside";
  EXPECT_TRUE(eventually([this] { return service_->counts().answered == 1; }));
}

TEST_F(Streaming, EveryChunkIsAMultiple) {
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  ASSERT_TRUE(ask("{}", sender, opened).ok());
  ASSERT_TRUE(opened.finish().ok());
  for (const std::size_t size : opened.sizes) EXPECT_EQ(size % 64, 0U);
}

TEST_F(Streaming, TheReceiptIsOverEverything) {
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  ASSERT_TRUE(ask("{}", sender, opened).ok());
  ASSERT_TRUE(opened.finish().ok());
  const std::string* field = opened.stream.response().trailers.find(kReceiptField);
  ASSERT_NE(field, nullptr);
  const auto receipt = value_of(attest::open_receipt(value_of(from_base64(*field, Base64::kUrl)), bundle_.receipt_key));
  EXPECT_EQ(receipt.request, crypto::sha256(sealed_request_));
  EXPECT_EQ(receipt.response, opened.digest);
  EXPECT_EQ(receipt.policy, "policy-1");
}

TEST_F(Streaming, WhoDoesNotAskForPiecesGetsAWholeAnswer) {
  net::OhttpSender sender = this->sender();
  struct Kept final : net::BodySink {
    Status begin(const net::Response&) override { return {}; }
    Status take(ByteView piece) override {
      net::append(body, piece);
      return {};
    }
    net::Buffer body;
  } kept;
  ASSERT_TRUE(ask("{}", sender, kept, "gzip, cloister-padded-not").ok());
  const auto opened = value_of(sender.open(kept.body, 10'000));
  EXPECT_EQ(opened.plaintext.front(), 1) << "of known length";
  EXPECT_EQ(as_text(value_of(net::parse_binary_response(opened.plaintext, {})).body),
            "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

TEST_F(Streaming, RefusalOfTheEngineIsWhole) {
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  ASSERT_TRUE(ask("refuse", sender, opened).ok());
  ASSERT_TRUE(opened.finish().ok());
  EXPECT_EQ(opened.stream.response().status, 429U);
}

TEST_F(Streaming, EngineThatBreaksOff) {
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  EXPECT_FALSE(ask("break off", sender, opened).ok());
  EXPECT_EQ(opened.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
  EXPECT_FALSE(opened.finish().ok());
  EXPECT_TRUE(eventually([this] { return service_->counts().cut == 1; }));
}

TEST_F(Streaming, WhoGoesAwayEndsTheEnginesWork) {
  for (const char* kind : {"endless", "silent"}) {
    events_->ended = false;
    net::OhttpSender sender = this->sender();
    Opened opened(sender);
    opened.stop_after = kind == std::string("endless") ? 5'000 : 0;
    if (opened.stop_after == 0) {
      // Gone while nothing comes.
      struct Impatient final : net::BodySink {
        Status begin(const net::Response&) override { return {}; }
        Status take(ByteView) override { return {}; }
        Status wait() override { return Error(Code::kDenied, "too slow"); }
      } impatient;
      EXPECT_FALSE(ask(kind, sender, impatient).ok());
    } else {
      EXPECT_FALSE(ask(kind, sender, opened).ok());
    }
    EXPECT_TRUE(eventually([this] { return events_->ended.load(); })) << kind;
  }
  EXPECT_TRUE(eventually([this] { return service_->counts().cut == 2; }));
}

TEST_F(Streaming, LastChunkThatNobodyTakes) {
  Asker asker;
  const auto service = service_of(std::make_unique<Abandoned>(asker));
  net::Request shows{"GET", "/v1/bundle", {}, {}, nullptr};
  bundle_ = value_of(attest::decode_worker_bundle(service->handle(shows, asker)->body));
  net::OhttpSender sender = this->sender();
  net::Request request = sealed("{}", sender, "cloister-padded");
  ASSERT_FALSE(service->handle(request, asker)) << "it answers later";
  EXPECT_TRUE(eventually([&service] { return service->counts().cut == 1; }));
  EXPECT_EQ(service->counts().answered, 0U);
}

TEST_F(Streaming, AfterTheEndOfTheLeaseItBreaksOff) {
  net::OhttpSender sender = this->sender();
  Opened opened(sender);
  opened.on_text = [this](const std::string& text) {
    if (text.size() > 5'000) service_->answer_until(kNow);
  };
  EXPECT_FALSE(ask("endless", sender, opened).ok());
  EXPECT_FALSE(opened.finish().ok());
  EXPECT_TRUE(eventually([this] { return events_->ended.load(); }));
}

TEST_F(Streaming, EngineThatIsNotThere) {
  engine_server_.reset();
  net::OhttpSender sender = this->sender();
  struct Kept final : net::BodySink {
    Status begin(const net::Response&) override { return {}; }
    Status take(ByteView piece) override {
      net::append(body, piece);
      return {};
    }
    net::Buffer body;
  } kept;
  ASSERT_TRUE(ask("{}", sender, kept).ok());
  const auto opened = value_of(sender.open(kept.body, 10'000));
  const auto inner = value_of(net::parse_binary_response(opened.plaintext, {}));
  EXPECT_EQ(inner.status, 503U);
  EXPECT_NE(inner.trailers.find(kReceiptField), nullptr);
}

}  // namespace
}  // namespace cloister::worker
