// HTTP/1.1 in memory: what a server must answer, what it must refuse, and when it must give up.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/net/memory_host.h"

namespace cloister::net {
namespace {

class Http1 : public ::testing::Test {
 protected:
  // Bytes from the client at `now_`; returns what was sent back.
  std::string send(std::string_view bytes) {
    if (!session_) start();
    Buffer out;
    session_->feed(now_, as_bytes(bytes), out);
    return take(out);
  }
  std::string answer(RequestId id, Response response) {
    Buffer out;
    session_->answer(now_, id, std::move(response), out);
    return take(out);
  }
  std::string expire_after(Duration time) {
    if (!session_) start();
    now_ += time.ms;
    Buffer out;
    session_->expire(now_, out);
    return take(out);
  }
  void start() { session_ = new_http1_session({&limits_, &bodies_, &host_}, now_); }
  static std::string take(const Buffer& out) { return std::string(as_text(out)); }

  void expect_refused(std::string_view bytes, int status, Refusal why) {
    session_.reset();
    host_ = {};
    const std::string out = send(bytes);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << bytes << " was answered:\n" << out;
    EXPECT_NE(out.find("connection: close\r\n"), std::string::npos) << out;
    EXPECT_NE(out.find("application/problem+json"), std::string::npos) << out;
    EXPECT_TRUE(host_.seen.empty()) << bytes;
    EXPECT_EQ(host_.refusals, std::vector<Refusal>{why}) << bytes;
    EXPECT_EQ(session_->end(), Session::End::kLingering);
    EXPECT_FALSE(session_->wants_input());
  }

  Limits limits_;
  BodyBudget bodies_{1 << 20};
  MemoryHost host_;
  Ticks now_ = 1000;
  std::unique_ptr<Session> session_;
};

int count(const std::string& text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: here\r\n\r\n";

TEST_F(Http1, AnswersARequest) {
  const std::string out = send(kGet);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\ndate: Mon, 21 Sep 2026 14:13:20 GMT\r\ncontent-type: application/json\r\n"
            "content-length: 13\r\n\r\n{\"path\":\"/a\"}");
  ASSERT_EQ(host_.seen.size(), 1U);
  EXPECT_EQ(host_.seen[0].method, "GET");
  EXPECT_EQ(host_.seen[0].target, "/a?b=c");
  EXPECT_EQ(*host_.seen[0].headers.find("host"), "here");
  EXPECT_EQ(session_->end(), Session::End::kNot);
  EXPECT_TRUE(session_->wants_input());
}

TEST_F(Http1, ByteByByte) {
  const std::string request = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
  std::string out;
  for (const char byte : request) out += send(std::string_view(&byte, 1));
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200 OK")) << out;
  ASSERT_EQ(host_.seen.size(), 1U);
  EXPECT_EQ(host_.seen[0].body, "hello");
}

TEST_F(Http1, ChunkedBody) {
  send(
      "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n6\r\n "
      "world\r\n0\r\nTrailer: x\r\n\r\n");
  ASSERT_EQ(host_.seen.size(), 1U);
  EXPECT_EQ(host_.seen[0].body, "hello world");
  EXPECT_EQ(host_.seen[0].headers.find("trailer"), nullptr);
}

TEST_F(Http1, FormsOfTargets) {
  send("GET http://here/p?q HTTP/1.1\r\nHost: here\r\n\r\n");
  send("GET HTTPS://here?q HTTP/1.1\r\nHost: here\r\n\r\n");
  send("GET http://here HTTP/1.1\r\nHost: here\r\n\r\n");
  send("OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n");
  ASSERT_EQ(host_.seen.size(), 4U);
  EXPECT_EQ(host_.seen[0].target, "/p?q");
  EXPECT_EQ(host_.seen[1].target, "/?q");
  EXPECT_EQ(host_.seen[2].target, "/");
  EXPECT_EQ(host_.seen[3].target, "*");
  expect_refused("GET * HTTP/1.1\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET here/p HTTP/1.1\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET /p#f HTTP/1.1\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("CONNECT here:443 HTTP/1.1\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
}

TEST_F(Http1, NotHttp) {
  expect_refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello", 400, Refusal::kMalformed);
  expect_refused("hello\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET /\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused("GET / HTTP/1.1\nHost: h\n\n", 400, Refusal::kMalformed);
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, Refusal::kMalformed);
}

TEST_F(Http1, TwoReadingsOfLength) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  expect_refused(head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(head + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, Refusal::kMalformed);
  expect_refused(head + "Content-Length: 5, 5\r\n\r\nhello", 400, Refusal::kMalformed);
  expect_refused(head + "Content-Length: +5\r\n\r\nhello", 400, Refusal::kMalformed);
  expect_refused(head + "Content-Length: -1\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(head + "Content-Length: 18446744073709551616\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(head + "Transfer-Encoding: gzip\r\n\r\n", 501, Refusal::kMalformed);
  expect_refused(head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, Refusal::kMalformed);
  expect_refused(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, Refusal::kMalformed);
  expect_refused(head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 413, Refusal::kBody);
  expect_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, Refusal::kMalformed);
}

TEST_F(Http1, MalformedHeaders) {
  const std::string line = "GET / HTTP/1.1\r\n";
  expect_refused(line + "\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\nHost: a\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host : a\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\nX: \x01\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\nX Y: 1\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\n: 1\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\nX: a\rb\r\n\r\n", 400, Refusal::kMalformed);
  expect_refused(line + "Host: a\r\nX: a\nb\r\n\r\n", 400, Refusal::kMalformed);
}

TEST_F(Http1, UriTooLong) {
  limits_.uri_bytes = 100;
  EXPECT_TRUE(send("GET /" + std::string(99, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 200"));
  expect_refused("GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414, Refusal::kUri);
  limits_.header_bytes = 200;
  expect_refused("GET /" + std::string(5000, 'a'), 414, Refusal::kUri);
}

TEST_F(Http1, HeadersTooLargeOrTooMany) {
  limits_.header_bytes = 1000;
  limits_.header_count = 10;
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_TRUE(send(line + "X: " + std::string(900, 'a') + "\r\n\r\n").starts_with("HTTP/1.1 200"));
  expect_refused(line + "X: " + std::string(1000, 'a') + "\r\n\r\n", 431, Refusal::kHeader);
  expect_refused(line + "X: " + std::string(5000, 'a'), 431, Refusal::kHeader);  // before its end has come
  std::string many = line;
  for (int i = 0; i < 10; ++i) many += "a: b\r\n";
  expect_refused(many + "\r\n", 431, Refusal::kHeader);
}

TEST_F(Http1, HeadersThatNeverEndInManyPieces) {
  limits_.header_bytes = 1000;
  send("GET / HTTP/1.1\r\nHost: h\r\n");
  std::string out;
  int pieces = 0;
  for (; out.empty() && pieces < 1000; ++pieces) out = send("x: 12345678\r\n");
  EXPECT_TRUE(out.starts_with("HTTP/1.1 431")) << out;
  EXPECT_LT(pieces, 100);
}

TEST_F(Http1, BodyTooLarge) {
  limits_.body_bytes = 10;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_TRUE(send(head + "Content-Length: 10\r\n\r\n0123456789").starts_with("HTTP/1.1 200"));
  expect_refused(head + "Content-Length: 11\r\n\r\n", 413, Refusal::kBody);  // before a byte of it is taken
  expect_refused(head + "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n", 413, Refusal::kBody);
  expect_refused(head + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n01234\r\n", 413, Refusal::kBody);
}

TEST_F(Http1, BodiesOfAllConnectionsTooLarge) {
  BodyBudget small(15);
  MemoryHost other_host;
  other_host.respond = later;
  auto other = new_http1_session({&limits_, &small, &other_host}, now_);
  Buffer out;
  const std::string request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789";
  other->feed(now_, as_bytes(request), out);
  ASSERT_EQ(other_host.seen.size(), 1U);
  session_ = new_http1_session({&limits_, &small, &host_}, now_);
  EXPECT_TRUE(send(request).starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(host_.was_refused(Refusal::kBodiesInFlight));
  other->answer(now_, other_host.seen[0].id, problem(404), out);  // makes room
  session_ = new_http1_session({&limits_, &small, &host_}, now_);
  EXPECT_TRUE(send(request).starts_with("HTTP/1.1 200"));
}

TEST_F(Http1, ChunksThatAreNearlyAllOverhead) {
  send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "1;" + std::string(1000, 'x') + "\r\na\r\n";
  std::string out;
  int chunks = 0;
  for (; out.empty() && chunks < 1000; ++chunks) out = send(chunk);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 400")) << out;
  EXPECT_LT(chunks, 100);
}

TEST_F(Http1, ExpectContinue) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(send(head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(send("he").empty());
  EXPECT_TRUE(send("llo").starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(send(head + "hello").starts_with("HTTP/1.1 200"));  // the body didn't wait
  EXPECT_EQ(send(head), "HTTP/1.1 100 Continue\r\n\r\n");
  expect_refused("POST / HTTP/1.1\r\nHost: h\r\nExpect: a miracle\r\nContent-Length: 5\r\n\r\n", 417,
                 Refusal::kMalformed);
}

TEST_F(Http1, DeepPipelining) {
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string out = send(requests);
  EXPECT_EQ(count(out, "HTTP/1.1 200 OK"), 500);
  EXPECT_LT(out.find("\"/7\""), out.find("\"/499\""));
}

TEST_F(Http1, PipeliningWaitsForRoom) {
  limits_.output_bytes = 1000;
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += kGet;
  std::string out = send(requests);
  EXPECT_LT(host_.seen.size(), 20U);
  EXPECT_FALSE(session_->wants_input());
  for (int i = 0; i < 100 && host_.seen.size() < 100; ++i) {
    Buffer more;
    session_->resume(now_, more);
    EXPECT_LT(more.size(), 2000U);
    out += take(more);
  }
  EXPECT_EQ(count(out, "HTTP/1.1 200 OK"), 100);
  Buffer none;
  session_->resume(now_, none);
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(session_->wants_input());
}

TEST_F(Http1, AnswersLaterAndInOrder) {
  host_.respond = later;
  EXPECT_TRUE(send(std::string(kGet) + std::string(kGet)).empty());
  ASSERT_EQ(host_.seen.size(), 1U);  // the second waits for the first
  EXPECT_FALSE(session_->wants_input());
  EXPECT_TRUE(answer(host_.seen[0].id + 5, problem(500)).empty());  // of another request
  EXPECT_TRUE(answer(host_.seen[0].id, json_response(200, "1")).ends_with("\r\n\r\n1"));
  ASSERT_EQ(host_.seen.size(), 2U);
  EXPECT_TRUE(answer(host_.seen[0].id, json_response(200, "twice")).empty());
  EXPECT_TRUE(answer(host_.seen[1].id, json_response(200, "2")).ends_with("\r\n\r\n2"));
  EXPECT_TRUE(session_->wants_input());
}

TEST_F(Http1, HeadHasNoBody) {
  const std::string out = send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_NE(out.find("content-length: 12\r\n"), std::string::npos) << out;
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
  host_.respond = [](Request&) {
    Response response;
    response.status = 204;
    return std::optional(response);
  };
  EXPECT_EQ(send(kGet).find("content-length"), std::string::npos);
}

TEST_F(Http1, WhatCannotBeSentIsA500) {
  for (const Header& header : {Header{"x-a", "b\r\nset-cookie: c"}, Header{"X-A", "b"}, Header{"", "b"},
                               Header{"content-length", "5"}, Header{"connection", "close"}, Header{"a b", "c"}}) {
    host_.respond = [&header](Request&) {
      Response response;
      response.headers.add(header.name, header.value);
      return std::optional(response);
    };
    const std::string out = send(kGet);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 500 ")) << out;
    EXPECT_EQ(out.find("set-cookie"), std::string::npos);
  }
}

TEST_F(Http1, ClosesWhenAskedTo) {
  EXPECT_NE(send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").find("connection: close\r\n"),
            std::string::npos);
  EXPECT_EQ(session_->end(), Session::End::kLingering);
  session_.reset();
  EXPECT_TRUE(send("GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(session_->end(), Session::End::kLingering);
}

TEST_F(Http1, RequestsOfAConnectionAreCounted) {
  limits_.requests_per_connection = 3;
  const std::string out = send(std::string(kGet) + std::string(kGet) + std::string(kGet) + std::string(kGet));
  EXPECT_EQ(count(out, "HTTP/1.1 200"), 3);
  EXPECT_EQ(count(out, "connection: close"), 1);
  EXPECT_EQ(session_->end(), Session::End::kLingering);
}

TEST_F(Http1, SlowHeaders) {
  send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(session_->deadline(), now_ + limits_.header_time.ms);
  for (int i = 0; i < 9; ++i) {
    EXPECT_TRUE(expire_after(Duration{1'000}).empty());
    send("s");  // a byte now and then buys no time
  }
  EXPECT_TRUE(expire_after(Duration{1'001}).starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(host_.was_refused(Refusal::kHeaderTime));
  EXPECT_EQ(session_->end(), Session::End::kLingering);
}

TEST_F(Http1, SlowBody) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
  for (int i = 0; i < 59; ++i) {
    EXPECT_TRUE(expire_after(Duration{1'000}).empty());
    send("s");
  }
  EXPECT_TRUE(expire_after(Duration{1'001}).starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(host_.was_refused(Refusal::kBodyTime));
}

TEST_F(Http1, SlowHandler) {
  host_.respond = later;
  send(kGet);
  EXPECT_TRUE(expire_after(limits_.answer_time).starts_with("HTTP/1.1 504"));
  EXPECT_TRUE(host_.was_refused(Refusal::kAnswerTime));
  EXPECT_TRUE(answer(host_.seen[0].id, json_response(200, "late")).empty());
}

TEST_F(Http1, IdleConnectionsEnd) {
  EXPECT_TRUE(expire_after(limits_.idle_time).empty());
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
  session_.reset();
  send(kGet);
  for (int i = 0; i < 100; ++i) send("\r\n");  // empty lines are no request
  EXPECT_TRUE(expire_after(limits_.idle_time).empty());
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
  EXPECT_TRUE(host_.refusals.empty());
}

TEST_F(Http1, DrainFinishesWhatWasBegun) {
  host_.respond = later;
  send(kGet);
  Buffer out;
  session_->drain(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kNot);
  EXPECT_NE(answer(host_.seen[0].id, json_response(200, "1")).find("connection: close"), std::string::npos);
  EXPECT_EQ(session_->end(), Session::End::kLingering);
  session_.reset();
  start();
  session_->drain(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
  EXPECT_TRUE(out.empty());
}

TEST_F(Http1, HalfClosedClientGetsItsAnswer) {
  host_.respond = later;
  send(kGet);
  Buffer out;
  session_->input_ended(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kNot);
  EXPECT_TRUE(answer(host_.seen[0].id, json_response(200, "1")).starts_with("HTTP/1.1 200"));
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
}

TEST_F(Http1, ClientGoneInTheMiddle) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc");
  Buffer out;
  session_->input_ended(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
  EXPECT_TRUE(host_.seen.empty());
}

TEST(ProtocolOf, TellsThemApart) {
  EXPECT_EQ(protocol_of(as_bytes("")), std::nullopt);
  EXPECT_EQ(protocol_of(as_bytes("P")), std::nullopt);
  EXPECT_EQ(protocol_of(as_bytes("PRI")), std::nullopt);
  EXPECT_EQ(protocol_of(as_bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), Protocol::kHttp2);
  EXPECT_EQ(protocol_of(as_bytes("PO")), Protocol::kHttp1);
  EXPECT_EQ(protocol_of(as_bytes("GET / HTTP/1.1\r\n")), Protocol::kHttp1);
}

TEST(Bucket, RefillsOverTime) {
  Bucket bucket(2, 10);
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_TRUE(bucket.take(1000));
  EXPECT_FALSE(bucket.take(1000));
  EXPECT_FALSE(bucket.take(1050));
  EXPECT_TRUE(bucket.take(1200));
  EXPECT_TRUE(bucket.take(100'000));
  EXPECT_TRUE(bucket.take(100'000));
  EXPECT_FALSE(bucket.take(100'000));
}

// A body that is sent piece by piece.
class Http1Body : public Http1 {
 protected:
  void SetUp() override { host_.respond = later; }
  bool begin(std::string& out, Response head = {200, {{"x", "y"}}, {}, {}}) {
    Buffer bytes;
    const bool begun = session_->begin_body(now_, 1, std::move(head), bytes);
    out = take(bytes);
    return begun;
  }
  std::string push(std::string_view text, bool last = false, RequestId id = 1) {
    Push push;
    push.bytes = to_buffer(text);
    if (last) push.trailers.emplace();
    Buffer out;
    session_->push(now_, id, std::move(push), out);
    return take(out);
  }
  std::string out_;
};

TEST_F(Http1Body, ChunksUntilTheEnd) {
  EXPECT_EQ(send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"), "");
  EXPECT_FALSE(session_->wants_input());
  ASSERT_TRUE(begin(out_));
  EXPECT_NE(out_.find("x: y\r\ntransfer-encoding: chunked\r\n\r\n"), std::string::npos) << out_;
  EXPECT_TRUE(session_->wants_input()) << "to learn that the peer has gone";
  EXPECT_EQ(push("hello, this is longer"), "15\r\nhello, this is longer\r\n");
  EXPECT_EQ(push("", false), "");
  EXPECT_EQ(push("", false, 2), "") << "of another request";
  EXPECT_EQ(push("x", true), "1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(push("more"), "");
  EXPECT_EQ(session_->end(), Session::End::kNot);
}

TEST_F(Http1Body, RequestBehindItWaits) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  EXPECT_EQ(send("GET /next HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_FALSE(session_->wants_input()) << "no more than one read waits";
  EXPECT_EQ(host_.seen.size(), 1U);
  push("", true);
  ASSERT_EQ(host_.seen.size(), 2U);
  EXPECT_EQ(host_.seen[1].target, "/next");
}

TEST_F(Http1Body, CutEndsTheConnection) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  Push cut;
  cut.cut = true;
  Buffer out;
  session_->push(now_, 1, std::move(cut), out);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
}

TEST_F(Http1Body, PeerThatSendsNoMoreHasGone) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  Buffer out;
  session_->input_ended(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
}

TEST_F(Http1Body, SilenceCutsIt) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  now_ += limits_.answer_time.ms - 1;
  push("x");
  EXPECT_EQ(expire_after(Duration{limits_.answer_time.ms - 1}), "");
  EXPECT_EQ(session_->end(), Session::End::kNot) << "each piece gives it time";
  EXPECT_EQ(expire_after(Duration{1}), "");
  EXPECT_EQ(session_->end(), Session::End::kQuiet);
  EXPECT_TRUE(host_.was_refused(Refusal::kAnswerTime));
}

TEST_F(Http1Body, TooLateOrNotFit) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  EXPECT_FALSE(begin(out_, {204, {}, {}, {}}));
  EXPECT_TRUE(out_.starts_with("HTTP/1.1 500 ")) << out_;
  EXPECT_FALSE(begin(out_)) << "it was answered";
  EXPECT_EQ(out_, "");
}

TEST_F(Http1Body, HeadAlone) {
  send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  EXPECT_EQ(push("hello"), "");
  EXPECT_EQ(push("", true), "");
  EXPECT_EQ(session_->end(), Session::End::kNot);
}

TEST_F(Http1Body, DrainingEndsAfterIt) {
  send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(begin(out_));
  Buffer out;
  session_->drain(now_, out);
  EXPECT_EQ(session_->end(), Session::End::kNot);
  EXPECT_EQ(push("x", true), "1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(session_->end(), Session::End::kLingering);
}

}  // namespace
}  // namespace cloister::net
