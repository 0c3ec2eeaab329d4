// Bodies that are sent while they are made: over a real server, with peers that are slow, go away or stay silent.
#include "net/body_stream.h"

#include "tests/unit/net/service.h"

namespace cloister::net {
namespace {

// Keeps what comes; refuses when told to.
class Collected final : public BodySink {
 public:
  Status begin(const Response& head) override {
    status = head.status;
    ++begun;
    return {};
  }
  Status take(ByteView piece) override {
    body += as_text(piece);
    ++pieces;
    return body.size() < refuse_at ? Status() : Status(Error(Code::kDenied, "enough"));
  }
  Status wait() override { return ++waits < refuse_waits_at ? Status() : Status(Error(Code::kDenied, "too slow")); }

  unsigned status = 0, begun = 0, pieces = 0, waits = 0, refuse_waits_at = 1'000'000;
  std::size_t refuse_at = SIZE_MAX;
  std::string body;
};

class BodyStream : public Service {
 protected:
  // A server whose answers are written by `write`, on a thread of its own.
  void start_streaming(std::function<void(BodyWriter)> write) {
    start([this, write](Request&, Deferral& later) -> std::optional<Response> {
      auto answer = std::make_shared<Answer>(later.take());
      streams_ = answer->can_stream();
      if (!answer->can_stream()) {
        answer->send(json_response(200, "{}"));
        return std::nullopt;
      }
      threads_.emplace_back(
          [answer, write] { write(answer->stream({200, {{"content-type", "text/plain"}}, {}, {}})); });
      return std::nullopt;
    });
    listen_unix();
  }
  void TearDown() override {
    server_.reset();
    for (std::thread& thread : threads_) thread.join();
  }
  std::string ask_raw(std::string_view request) {
    const Socket socket = raw_unix();
    send_text(socket, request);
    return read_all(socket);
  }

  std::vector<std::thread> threads_;
  std::atomic<bool> streams_{false};
};

TEST_F(BodyStream, PiecesComeAsTheyAreWritten) {
  std::atomic<unsigned> seen{0};
  start_streaming([&seen](BodyWriter writer) {
    for (unsigned i = 0; i < 5; ++i) {
      EXPECT_TRUE(writer.write(to_buffer("piece" + std::to_string(i))));
      EXPECT_TRUE(eventually([&] { return seen > i; })) << "the next waits for this one";
    }
    writer.finish();
  });
  struct Counted final : BodySink {
    explicit Counted(std::atomic<unsigned>& count) : seen(count) {}
    Status begin(const Response&) override { return {}; }
    Status take(ByteView piece) override {
      body += as_text(piece);
      seen = static_cast<unsigned>(body.size() / 6);
      return {};
    }
    std::atomic<unsigned>& seen;
    std::string body;
  } sink(seen);
  const auto response = unix_client()->stream(post("/", "q"), sink, kPatience);
  ASSERT_TRUE(response.ok()) << response.error().message();
  EXPECT_EQ(*response->headers.find("content-type"), "text/plain");
  EXPECT_TRUE(response->body.empty());
  EXPECT_EQ(sink.body, "piece0piece1piece2piece3piece4");
}

TEST_F(BodyStream, TheConnectionGoesOnAfterwards) {
  start_streaming([](BodyWriter writer) {
    EXPECT_TRUE(writer.write(to_buffer("hello")));
    writer.finish();
  });
  const std::string all = ask_raw(
      "POST /a HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\nq"
      "POST /b HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1\r\n\r\nq");
  EXPECT_EQ(all.find("transfer-encoding: chunked\r\n"), all.find("transfer-encoding"));
  EXPECT_EQ(all.find("content-length"), std::string::npos);
  const std::string chunks = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  const std::size_t first = all.find(chunks);
  ASSERT_NE(first, std::string::npos) << all;
  EXPECT_NE(all.find(chunks, first + 1), std::string::npos) << all;
}

TEST_F(BodyStream, Http10EndsWithTheConnection) {
  start_streaming([](BodyWriter writer) {
    EXPECT_TRUE(writer.write(to_buffer("hello ")));
    EXPECT_TRUE(writer.write(to_buffer("you")));
    writer.finish();
  });
  const std::string all = ask_raw("POST / HTTP/1.0\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(all.find("transfer-encoding"), std::string::npos);
  EXPECT_TRUE(all.ends_with("connection: close\r\n\r\nhello you")) << all;
}

TEST_F(BodyStream, CutBodyIsNotWhole) {
  start_streaming([](BodyWriter writer) { EXPECT_TRUE(writer.write(to_buffer("hello"))); });
  EXPECT_FALSE(ask_raw("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").ends_with("0\r\n\r\n"));
  Collected sink;
  const auto response = unix_client()->stream(post("/", "q"), sink, kPatience);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code(), Code::kInvalid);
  EXPECT_EQ(sink.body, "hello");
}

TEST_F(BodyStream, WriterWaitsForASlowPeer) {
  std::atomic<std::size_t> written{0};
  start_streaming([&written](BodyWriter writer) {
    while (writer.write(Buffer(16 << 10, 'x'))) written += 16 << 10;
  });
  {
    const Socket socket = raw_unix();
    send_text(socket, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
    std::size_t before = 0;
    EXPECT_TRUE(eventually([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      return written > 0 && written == std::exchange(before, written.load());
    })) << "it goes on writing";
    EXPECT_LT(written, std::size_t{2} << 20) << "what the kernel holds, and the window";
  }
  threads_.front().join();  // the peer has gone, so it ends
  threads_.clear();
}

TEST_F(BodyStream, WriterLearnsThatThePeerHasGone) {
  std::atomic<bool> gone{false};
  start_streaming([&gone](BodyWriter writer) {
    EXPECT_TRUE(writer.write(to_buffer("hello")));
    gone = eventually([&writer] { return writer.gone(); });
  });
  {
    const Socket socket = raw_unix();
    send_text(socket, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
    char room[4096];
    EXPECT_GT(::recv(socket.descriptor(), room, sizeof room, 0), 0);
  }
  EXPECT_TRUE(eventually([&gone] { return gone.load(); }));
}

TEST_F(BodyStream, SilentWriterIsCut) {
  limits_.answer_time = Duration{300};
  start_streaming([](BodyWriter writer) {
    EXPECT_TRUE(writer.write(to_buffer("hello")));
    EXPECT_TRUE(eventually([&writer] { return writer.gone(); }));
  });
  EXPECT_FALSE(ask_raw("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").ends_with("0\r\n\r\n"));
  EXPECT_EQ(refused(Refusal::kAnswerTime), 1U);
}

TEST_F(BodyStream, ServerEndsBeforeTheWriter) {
  std::atomic<bool> begun{false}, gone{false};
  start_streaming([&](BodyWriter writer) {
    begun = writer.write(to_buffer("hello"));
    gone = eventually([&writer] { return !writer.write(Buffer(1 << 10, 'x')); });
  });
  const Socket socket = raw_unix();
  send_text(socket, "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(eventually([&begun] { return begun.load(); }));
  server_.reset();
  EXPECT_TRUE(eventually([&gone] { return gone.load(); }));
}

TEST_F(BodyStream, HeadThatCanNotBeSent) {
  start([this](Request&, Deferral& later) -> std::optional<Response> {
    auto answer = std::make_shared<Answer>(later.take());
    threads_.emplace_back([answer] {
      BodyWriter writer = answer->stream({200, {{"connection", "upgrade"}}, {}, {}});
      EXPECT_TRUE(eventually([&writer] { return writer.gone(); }));
    });
    return std::nullopt;
  });
  listen_unix();
  const auto exchange = unix_client()->send(post("/", "q"), kPatience);
  ASSERT_TRUE(exchange.ok());
  EXPECT_EQ(exchange->response.status, 500U);
}

TEST_F(BodyStream, SinkThatRefusesEndsIt) {
  std::atomic<bool> gone{false};
  start_streaming(
      [&gone](BodyWriter writer) { gone = eventually([&writer] { return !writer.write(Buffer(100, 'x')); }); });
  Collected sink;
  sink.refuse_at = 1000;
  const auto response = unix_client()->stream(post("/", "q"), sink, kPatience);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().message(), "enough");
  EXPECT_TRUE(eventually([&gone] { return gone.load(); })) << "the server sees the connection close";
}

TEST_F(BodyStream, SinkIsAskedWhileNothingComes) {
  std::atomic<bool> gone{false};
  start_streaming([&gone](BodyWriter writer) { gone = eventually([&writer] { return writer.gone(); }); });
  Collected sink;
  sink.refuse_waits_at = 3;
  const auto response = unix_client()->stream(post("/", "q"), sink, kPatience);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().message(), "too slow");
  EXPECT_EQ(sink.begun, 1U);
  EXPECT_TRUE(eventually([&gone] { return gone.load(); }));
}

TEST_F(BodyStream, SilenceIsLimited) {
  start_streaming([](BodyWriter writer) { EXPECT_TRUE(eventually([&writer] { return writer.gone(); })); });
  Collected sink;
  const auto response = unix_client()->stream(post("/", "q"), sink, Duration{200});
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code(), Code::kUnavailable);
}

TEST_F(BodyStream, AllPiecesTogetherAreLimited) {
  start_streaming([](BodyWriter writer) {
    while (writer.write(Buffer(1000, 'x'))) {
    }
  });
  Collected sink;
  ClientOptions options;
  options.response.body_bytes = 10'000;
  const auto client = HttpClient::create(UnixTarget{socket_path(), ::getuid()}, options).value();
  const auto response = client->stream(post("/", "q"), sink, kPatience);
  ASSERT_FALSE(response.ok());
  EXPECT_EQ(response.error().code(), Code::kInvalid);
  EXPECT_LE(sink.body.size(), 10'000U);
}

TEST_F(BodyStream, OrdinaryAnswersAreHandedOnToo) {
  start();
  listen_unix();
  Collected sink;
  const auto response = unix_client()->stream(post("/", "hello"), sink, kPatience);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(sink.body, "hello");
  const auto empty = unix_client()->stream(get("/"), sink, kPatience);
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(sink.begun, 2U);
}

}  // namespace
}  // namespace cloister::net
