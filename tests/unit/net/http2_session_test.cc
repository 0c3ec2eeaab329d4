// HTTP/2 in memory, against nghttp2's own client and against frames written by hand.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>

#include "tests/unit/net/memory_host.h"

namespace cloister::net {
namespace {

// What came back on one stream.
struct Reply {
  std::string status;
  std::map<std::string, std::string> headers;  // trailers too
  std::string body;
  bool closed = false;
  std::uint32_t error = 0;
};

// nghttp2 as a client. `window` is how much of a body the server may send unasked.
class Client {
 public:
  explicit Client(std::uint32_t window = 65'535, bool updates_windows = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    if (!updates_windows) nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  ~Client() { nghttp2_session_del(session_); }

  std::int32_t request(const std::string& method, const std::string& path, const std::string& body = {},
                       const Headers& more = {}) {
    std::vector<Header> headers{{":method", method}, {":scheme", "https"}, {":path", path}, {":authority", "here"}};
    headers.insert(headers.end(), more.all().begin(), more.all().end());
    std::vector<nghttp2_nv> fields;
    for (Header& header : headers) {
      fields.push_back({reinterpret_cast<std::uint8_t*>(header.name.data()),
                        reinterpret_cast<std::uint8_t*>(header.value.data()), header.name.size(), header.value.size(),
                        NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = this;
    provider.read_callback = on_read;
    const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                                   body.empty() ? nullptr : &provider, nullptr);
    bodies_[id] = body;
    return id;
  }
  void cancel(std::int32_t id) { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL); }
  void ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }
  nghttp2_session* session() { return session_; }

  std::string output() {
    std::string out;
    for (;;) {
      const std::uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size <= 0) return out;
      out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
  }
  void input(ByteView bytes) { nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()); }

  std::map<std::int32_t, Reply> replies;
  std::optional<std::uint32_t> goaway;

 private:
  static Client& self(void* data) { return *static_cast<Client*>(data); }
  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    Reply& reply = self(data).replies[frame->hd.stream_id];
    const std::string key(reinterpret_cast<const char*>(name), name_size);
    const std::string text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") {
      reply.status += (reply.status.empty() ? "" : " ") + text;
    } else {
      reply.headers[key] = text;
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                     void* data) {
    self(data).replies[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* data) {
    self(data).replies[id].closed = true;
    self(data).replies[id].error = error;
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(data).goaway = frame->goaway.error_code;
    return 0;
  }
  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                         nghttp2_data_source* source, void*) {
    std::string& body = static_cast<Client*>(source->ptr)->bodies_[id];
    const std::size_t count = std::min(size, body.size());
    std::copy_n(body.begin(), count, out);
    body.erase(0, count);
    if (body.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, std::string> bodies_;
};

class Http2 : public ::testing::Test {
 protected:
  void start() {
    if (session_) return;
    Buffer out;
    session_ = new_http2_session({&limits_, &bodies_, &host_}, now_, out);
    client_.input(out);
  }
  // Lets both talk until neither has more to say.
  void talk() {
    start();
    for (int turn = 0; turn < 2000; ++turn) {
      const std::string bytes = client_.output();
      Buffer out;
      if (!bytes.empty() && session_->end() == Session::End::kNot) session_->feed(now_, as_bytes(bytes), out);
      session_->resume(now_, out);
      if (bytes.empty() && out.empty()) return;
      client_.input(out);
    }
  }
  void answer(RequestId id, Response response) {
    Buffer out;
    session_->answer(now_, id, std::move(response), out);
    client_.input(out);
    talk();
  }
  void expire_after(Duration time) {
    now_ += time.ms;
    Buffer out;
    session_->expire(now_, out);
    client_.input(out);
    talk();
  }
  // Frames by hand, fed as they are; returns the raw answer.
  Buffer raw(ByteView bytes) {
    Buffer out;
    if (!session_) session_ = new_http2_session({&limits_, &bodies_, &host_}, now_, out);
    session_->feed(now_, bytes, out);
    return out;
  }

  Limits limits_;
  BodyBudget bodies_{64 << 20};
  MemoryHost host_;
  Ticks now_ = 1000;
  Client client_;
  std::unique_ptr<Session> session_;
};

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

Bytes frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, ByteView payload) {
  Bytes out;
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(payload.size() >> shift));
  out.push_back(type);
  out.push_back(flags);
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(stream >> shift));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}
Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes opening() { return to_bytes(as_bytes(kPreface)) + frame(NGHTTP2_SETTINGS, 0, 0, {}); }
// GET / of https://h, all from HPACK's static table but the authority.
const Bytes kGetBlock{0x82, 0x87, 0x84, 0x41, 0x01, 'h'};

TEST_F(Http2, AnswersARequest) {
  const auto id = client_.request("POST", "/a?b", "hello");
  talk();
  const Reply& reply = client_.replies[id];
  EXPECT_EQ(reply.status, "200");
  EXPECT_EQ(reply.body, "{\"path\":\"/a\"}");
  EXPECT_EQ(reply.headers.at("content-length"), "13");
  EXPECT_EQ(reply.headers.at("date"), host_.date());
  EXPECT_TRUE(reply.closed);
  ASSERT_EQ(host_.seen.size(), 1U);
  EXPECT_EQ(host_.seen[0].method, "POST");
  EXPECT_EQ(host_.seen[0].target, "/a?b");
  EXPECT_EQ(host_.seen[0].body, "hello");
  EXPECT_EQ(*host_.seen[0].headers.find("host"), "here");
  EXPECT_EQ(host_.seen[0].headers.find(":path"), nullptr);
}

TEST_F(Http2, ManyStreamsAnsweredInAnyOrder) {
  host_.respond = later;
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(client_.request("GET", "/" + std::to_string(i)));
  talk();
  ASSERT_EQ(host_.seen.size(), 50U);
  for (int i = 49; i >= 0; --i) {
    answer(host_.seen[static_cast<std::size_t>(i)].id, json_response(200, std::to_string(i)));
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client_.replies[ids[static_cast<std::size_t>(i)]].body, std::to_string(i));
}

TEST_F(Http2, LargeBodiesBothWays) {
  limits_.output_bytes = 50'000;
  const std::string body(3 << 20, 'b');
  host_.respond = [](Request& request) {
    Response response;
    response.body = std::move(request.body);
    return std::optional(response);
  };
  const auto id = client_.request("POST", "/", body);
  talk();
  EXPECT_EQ(client_.replies[id].status, "200");
  EXPECT_EQ(client_.replies[id].body.size(), body.size());
}

TEST_F(Http2, Trailers) {
  host_.respond = [](Request&) {
    Response response;
    response.body = to_buffer("message");
    response.trailers.add("grpc-status", "0");
    return std::optional(response);
  };
  const auto id = client_.request("POST", "/service/method", "x", {{"te", "trailers"}});
  talk();
  EXPECT_EQ(client_.replies[id].body, "message");
  EXPECT_EQ(client_.replies[id].headers.at("grpc-status"), "0");
  EXPECT_EQ(client_.replies[id].headers.count("content-length"), 0U);
  EXPECT_TRUE(client_.replies[id].closed);
}

TEST_F(Http2, HeadHasNoBody) {
  const auto id = client_.request("HEAD", "/");
  talk();
  EXPECT_EQ(client_.replies[id].status, "200");
  EXPECT_EQ(client_.replies[id].headers.at("content-length"), "12");
  EXPECT_TRUE(client_.replies[id].body.empty());
  EXPECT_TRUE(client_.replies[id].closed);
}

TEST_F(Http2, WhatCannotBeSentIsA500) {
  host_.respond = [](Request&) {
    Response response;
    response.headers.add("x-a", "b\r\nc");
    return std::optional(response);
  };
  const auto id = client_.request("GET", "/");
  talk();
  EXPECT_EQ(client_.replies[id].status, "500");
}

TEST_F(Http2, BadTargets) {
  for (const std::string& path : {std::string("a"), std::string("*"), std::string("/a#b")}) {
    const auto id = client_.request("GET", path);
    talk();
    EXPECT_NE(client_.replies[id].status, "200") << path;
  }
  EXPECT_TRUE(host_.seen.empty());
  const auto id = client_.request("OPTIONS", "*");
  talk();
  EXPECT_EQ(client_.replies[id].status, "200");
  const auto two = client_.request("GET", "/", {}, {{"host", "there"}});
  talk();
  EXPECT_EQ(client_.replies[two].status, "400");
}

TEST_F(Http2, UriTooLong) {
  limits_.uri_bytes = 100;
  const auto id = client_.request("GET", "/" + std::string(100, 'a'));
  talk();
  EXPECT_EQ(client_.replies[id].status, "414");
  EXPECT_TRUE(host_.was_refused(Refusal::kUri));
}

TEST_F(Http2, HeadersTooLargeOrTooMany) {
  limits_.header_bytes = 1000;
  limits_.uri_bytes = 100;
  limits_.header_count = 10;
  const auto large = client_.request("GET", "/", {}, {{"x", std::string(1200, 'a')}});
  talk();
  EXPECT_EQ(client_.replies[large].status, "431");
  Headers many;
  for (int i = 0; i < 12; ++i) many.add("x", "y");
  const auto counted = client_.request("GET", "/", {}, many);
  talk();
  EXPECT_EQ(client_.replies[counted].status, "431");
  const auto fine = client_.request("GET", "/");
  talk();
  EXPECT_EQ(client_.replies[fine].status, "200");
  EXPECT_FALSE(client_.goaway.has_value());
}

TEST_F(Http2, HeadersFarTooLarge) {
  limits_.header_bytes = 1000;
  client_.request("GET", "/", {}, {{"x", std::string(20'000, 'a')}});
  talk();
  EXPECT_EQ(client_.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_TRUE(host_.was_refused(Refusal::kFlood));
  EXPECT_EQ(session_->end(), Session::End::kLingering);
}

TEST_F(Http2, BodyTooLarge) {
  limits_.body_bytes = 1000;
  const auto told = client_.request("POST", "/", std::string(1001, 'a'), {{"content-length", "1001"}});
  const auto untold = client_.request("POST", "/", std::string(500'000, 'a'));
  talk();
  EXPECT_EQ(client_.replies[told].status, "413");
  EXPECT_EQ(client_.replies[untold].status, "413");
  EXPECT_TRUE(client_.replies[untold].closed);  // the rest was taken and thrown away
  EXPECT_EQ(client_.replies[untold].error, NGHTTP2_NO_ERROR);
  const auto endless = client_.request("POST", "/", std::string(kLingerBytes + (1 << 20), 'a'));
  talk();
  EXPECT_EQ(client_.replies[endless].status, "413");
  EXPECT_TRUE(client_.replies[endless].closed);
  EXPECT_TRUE(host_.seen.empty());
  const auto fits = client_.request("POST", "/", std::string(1000, 'a'));
  talk();
  EXPECT_EQ(client_.replies[fits].status, "200");
}

TEST_F(Http2, LengthThatIsNotTheBodys) {
  const auto id = client_.request("POST", "/", "four", {{"content-length", "5"}});
  talk();
  EXPECT_NE(client_.replies[id].status, "200");
  EXPECT_TRUE(host_.seen.empty());
}

TEST_F(Http2, BodyBudgetIsGivenBack) {
  BodyBudget small(1500);
  Buffer out;
  session_ = new_http2_session({&limits_, &small, &host_}, now_, out);
  client_.input(out);
  host_.respond = later;
  client_.request("POST", "/", std::string(1000, 'a'));
  const auto second = client_.request("POST", "/", std::string(1000, 'a'));
  talk();
  EXPECT_EQ(client_.replies[second].status, "503");
  EXPECT_TRUE(host_.was_refused(Refusal::kBodiesInFlight));
  answer(host_.seen[0].id, problem(404));
  host_.respond = MemoryHost().respond;
  const auto third = client_.request("POST", "/", std::string(1000, 'a'));
  talk();
  EXPECT_EQ(client_.replies[third].status, "200");
  session_.reset();
  EXPECT_TRUE(small.take(1500));
}

TEST_F(Http2, RapidReset) {
  limits_.resets_burst = 20;
  limits_.resets_per_second = 1;
  host_.respond = later;
  start();
  for (int i = 0; i < 200 && !client_.goaway; ++i) {
    const auto id = client_.request("GET", "/");
    talk();
    client_.cancel(id);
    talk();
  }
  EXPECT_EQ(client_.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
  EXPECT_LE(host_.seen.size(), 25U);
  EXPECT_TRUE(host_.was_refused(Refusal::kFlood));
}

TEST_F(Http2, RapidResetDoesNotPileUpWork) {
  limits_.streams = 10;
  limits_.resets_burst = 10'000;
  host_.respond = later;
  start();
  for (int i = 0; i < 100; ++i) {
    const auto id = client_.request("GET", "/");
    talk();
    client_.cancel(id);
    talk();
  }
  EXPECT_EQ(host_.seen.size(), 10U);  // as many as may be unanswered at once, streams gone or not
  EXPECT_TRUE(host_.was_refused(Refusal::kUnfinished));
}

TEST_F(Http2, RapidResetProvoked) {
  // The client makes the server reset: more data than the stream's end allows.
  limits_.resets_burst = 20;
  limits_.resets_per_second = 1;
  host_.respond = later;
  raw(opening());
  for (std::uint32_t id = 1; id < 400 && session_->end() == Session::End::kNot; id += 2) {
    raw(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, kGetBlock) +
        frame(NGHTTP2_DATA, 0, id, Bytes(4)));
  }
  EXPECT_NE(session_->end(), Session::End::kNot);
  EXPECT_LE(host_.seen.size(), 25U);
}

TEST_F(Http2, FloodsOfControlFrames) {
  limits_.control_burst = 100;
  limits_.control_per_second = 1;
  const Bytes ping = frame(NGHTTP2_PING, 0, 0, Bytes(8));
  const Bytes settings = frame(NGHTTP2_SETTINGS, 0, 0, {});
  const Bytes priority = frame(NGHTTP2_PRIORITY, 0, 1, Bytes{0, 0, 0, 0, 1});
  const Bytes window = frame(NGHTTP2_WINDOW_UPDATE, 0, 0, Bytes{0, 0, 0, 1});
  for (const Bytes& flood : {ping, settings, window, priority}) {
    session_.reset();
    host_ = {};
    raw(opening());
    for (int i = 0; i < 200 && session_->end() == Session::End::kNot; ++i) raw(flood);
    EXPECT_TRUE(host_.was_refused(Refusal::kFlood)) << int{flood[3]};
  }
}

TEST_F(Http2, FloodOfEmptyData) {
  limits_.control_burst = 100;
  limits_.control_per_second = 1;
  raw(opening() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kGetBlock));
  for (int i = 0; i < 200 && session_->end() == Session::End::kNot; ++i) raw(frame(NGHTTP2_DATA, 0, 1, {}));
  EXPECT_TRUE(host_.was_refused(Refusal::kFlood));
}

TEST_F(Http2, FloodOfContinuations) {
  raw(opening() + frame(NGHTTP2_HEADERS, 0, 1, kGetBlock));
  const Bytes block{0x00, 0x01, 'x', 0x01, 'y'};
  int sent = 0;
  for (; sent < 100 && session_->end() == Session::End::kNot; ++sent) raw(frame(NGHTTP2_CONTINUATION, 0, 1, block));
  EXPECT_LT(sent, 12);
  EXPECT_TRUE(host_.seen.empty());
  EXPECT_FALSE(host_.refusals.empty());
}

TEST_F(Http2, HeaderBlockThatExpands) {
  // One header of 4,000 bytes, put into the table and then named again by a byte, over and over.
  Bytes block{0x82, 0x87, 0x84, 0x40, 0x01, 'x', 0x7F, 0xA1, 0x1E};
  block.resize(block.size() + 4000, 'a');
  block.resize(16'000, 0xBE);
  raw(opening());
  raw(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, block));
  EXPECT_TRUE(host_.was_refused(Refusal::kFlood));
  EXPECT_TRUE(host_.seen.empty());
}

TEST_F(Http2, MalformedFrames) {
  const Bytes bad_block{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  const std::vector<Bytes> inputs{
      to_bytes(as_bytes("GET / HTTP/1.1\r\nHost: here\r\n\r\n")),
      opening() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 2, kGetBlock),
      opening() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, bad_block),
      opening() + frame(NGHTTP2_DATA, 0, 1, Bytes(5)),
      opening() + frame(NGHTTP2_PING, 0, 0, Bytes(7)),
      opening() + frame(NGHTTP2_SETTINGS, 0, 1, {}),
      opening() + frame(NGHTTP2_CONTINUATION, 0, 1, kGetBlock),
      opening() + frame(NGHTTP2_HEADERS, 0, 1, kGetBlock) + frame(NGHTTP2_PING, 0, 0, Bytes(8)),
      opening() + frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, Bytes(10)),
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    session_.reset();
    raw(inputs[i]);
    EXPECT_NE(session_->end(), Session::End::kNot) << i;
  }
  EXPECT_TRUE(host_.seen.empty());
}

TEST_F(Http2, StreamsBeyondTheLimit) {
  limits_.streams = 5;
  host_.respond = later;
  raw(opening() + frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {}));
  for (std::uint32_t id = 1; id < 40; id += 2) {
    if (session_->end() != Session::End::kNot) break;
    raw(frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id, kGetBlock));
  }
  EXPECT_EQ(host_.seen.size(), 5U);
}

TEST_F(Http2, SlowHeaders) {
  raw(opening() + frame(NGHTTP2_HEADERS, 0, 1, kGetBlock));
  EXPECT_EQ(session_->deadline(), now_ + limits_.header_time.ms);
  now_ += limits_.header_time.ms;
  Buffer out;
  session_->expire(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kLingering);
  EXPECT_TRUE(host_.was_refused(Refusal::kHeaderTime));
}

TEST_F(Http2, SlowBody) {
  raw(opening() + frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, kGetBlock));
  for (int i = 0; i < 59; ++i) {
    now_ += 1000;
    raw(frame(NGHTTP2_DATA, 0, 1, Bytes(1)));
  }
  EXPECT_GT(session_->deadline(), now_);
  now_ += 1001;
  Buffer out;
  session_->expire(now_, out);
  EXPECT_TRUE(host_.was_refused(Refusal::kBodyTime));
  EXPECT_GT(out.size(), 0U);
}

TEST_F(Http2, SlowHandler) {
  host_.respond = later;
  const auto id = client_.request("GET", "/");
  talk();
  expire_after(limits_.answer_time);
  EXPECT_EQ(client_.replies[id].status, "504");
  answer(host_.seen[0].id, json_response(200, "late"));
  EXPECT_EQ(client_.replies[id].status, "504");
}

TEST(Http2SlowReader, IsReset) {
  Limits limits;
  BodyBudget bodies(1 << 20);
  MemoryHost host;
  host.respond = [](Request&) {
    Response response;
    response.body = Buffer(100'000, 'a');
    return std::optional(response);
  };
  Client client(1000, false);
  Buffer out;
  auto session = new_http2_session({&limits, &bodies, &host}, 1000, out);
  const auto id = client.request("GET", "/");
  for (int i = 0; i < 5; ++i) {
    client.input(out);
    out.clear();
    const std::string bytes = client.output();
    session->feed(1000, as_bytes(bytes), out);
  }
  EXPECT_EQ(client.replies[id].body.size(), 1000U);
  session->expire(1000 + limits.write_time.ms, out);
  client.input(out);
  EXPECT_TRUE(client.replies[id].closed);
  EXPECT_TRUE(host.was_refused(Refusal::kWriteTime));
}

TEST_F(Http2, IdleConnectionsEnd) {
  client_.request("GET", "/");
  talk();
  expire_after(limits_.idle_time);
  EXPECT_EQ(client_.goaway, NGHTTP2_NO_ERROR);
  EXPECT_NE(session_->end(), Session::End::kNot);
  EXPECT_TRUE(host_.refusals.empty());
}

TEST_F(Http2, DrainFinishesWhatWasBegun) {
  host_.respond = later;
  const auto id = client_.request("GET", "/");
  talk();
  Buffer out;
  session_->drain(now_, out);
  client_.input(out);
  EXPECT_EQ(client_.goaway, NGHTTP2_NO_ERROR);
  EXPECT_EQ(session_->end(), Session::End::kNot);
  answer(host_.seen[0].id, json_response(200, "done"));
  EXPECT_EQ(client_.replies[id].body, "done");
  EXPECT_NE(session_->end(), Session::End::kNot);
}

TEST_F(Http2, RequestsOfAConnectionAreCounted) {
  limits_.requests_per_connection = 3;
  for (int i = 0; i < 3; ++i) {
    client_.request("GET", "/");
    talk();
  }
  EXPECT_EQ(host_.seen.size(), 3U);
  EXPECT_EQ(client_.goaway, NGHTTP2_NO_ERROR);
  EXPECT_NE(session_->end(), Session::End::kNot);
}

TEST_F(Http2, ClientGoneInTheMiddle) {
  host_.respond = later;
  client_.request("GET", "/");
  talk();
  Buffer out;
  session_->input_ended(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kNot);
  answer(host_.seen[0].id, json_response(200, "1"));
  EXPECT_NE(session_->end(), Session::End::kNot);
}

}  // namespace
}  // namespace cloister::net
