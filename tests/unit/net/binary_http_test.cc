#include "net/binary_http.h"

#include <gtest/gtest.h>

#include "net/varint.h"
#include "tests/support/hex.h"

namespace cloister::net {
namespace {

using cloister::testing::unhex;

BinaryRequest a_request() {
  BinaryRequest request{"POST", "https", "worker.example", "/v2/models/vad/infer", {}, to_buffer("{}"), {}};
  request.headers.add("content-type", "application/json");
  request.trailers.add("digest", "abc");
  return request;
}

Error refusal(ByteView bytes, BinaryHttpLimits limits = {}) {
  const auto request = parse_binary_request(bytes, limits);
  if (request.ok()) return Error(Code::kInternal, "it was taken");
  EXPECT_EQ(request.error().code(), Code::kInvalid);
  return request.error();
}

// "name" and "value" in indeterminate form, by hand.
Buffer open_request(std::string_view name, std::string_view value) {
  Buffer out;
  append_varint(out, 2);
  for (const std::string_view part : {std::string_view("GET"), std::string_view("https"), std::string_view("a"),
                                      std::string_view("/"), name, value}) {
    append_varint(out, part.size());
    append(out, part);
  }
  out.push_back(0);
  return out;
}

TEST(BinaryHttp, RequestThereAndBack) {
  for (const std::size_t multiple : {1U, 64U}) {
    const Buffer bytes = encode_binary_request(a_request(), multiple);
    EXPECT_EQ(bytes.size() % multiple, 0U);
    const auto read = parse_binary_request(bytes, {});
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->method, "POST");
    EXPECT_EQ(read->scheme, "https");
    EXPECT_EQ(read->authority, "worker.example");
    EXPECT_EQ(read->path, "/v2/models/vad/infer");
    EXPECT_EQ(*read->headers.find("content-type"), "application/json");
    EXPECT_EQ(as_text(read->content), "{}");
    EXPECT_EQ(*read->trailers.find("digest"), "abc");
  }
}

TEST(BinaryHttp, ResponseInTwoPartsIsOne) {
  Response response{201, {{"content-type", "text/plain"}}, to_buffer("hello"), {{"receipt", "r"}}};
  Buffer parts = encode_binary_response_head(response);
  append(parts, encode_binary_trailers(response.trailers));
  EXPECT_EQ(parts, encode_binary_response(response));
  const auto read = parse_binary_response(encode_binary_response(response, 256), {});
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->status, 201U);
  EXPECT_EQ(as_text(read->body), "hello");
  EXPECT_EQ(*read->trailers.find("receipt"), "r");
}

// RFC 9292 5.1, the request in indeterminate form with ten zeros behind it.
TEST(BinaryHttp, IndeterminateRequestOfTheStandard) {
  const auto read = parse_binary_request(
      unhex("0203474554056874747073000a2f68656c6c6f2e7478740a757365722d6167656e74346375726c2f372e31362e33206c6962"
            "6375726c2f372e31362e33204f70656e53534c2f302e392e376c207a6c69622f312e322e3304686f73740f7777772e657861"
            "6d706c652e636f6d0f6163636570742d6c616e677561676506656e2c206d690000000000000000000000000000"),
      {});
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->path, "/hello.txt");
  EXPECT_EQ(*read->headers.find("host"), "www.example.com");
  EXPECT_EQ(*read->headers.find("accept-language"), "en, mi");
}

TEST(BinaryHttp, IndeterminateContentInPieces) {
  const auto read = parse_binary_response(unhex("0340c8"
                                                "00"
                                                "0568656c6c6f"
                                                "0120"
                                                "05776f726c64"
                                                "00"
                                                "00"),
                                          {});
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(as_text(read->body), "hello world");
}

TEST(BinaryHttp, InformationalResponsesAreDropped) {
  const auto read = parse_binary_response(unhex("01"
                                                "4066"
                                                "00"
                                                "4067"
                                                "0401610162"
                                                "40c8"
                                                "00"
                                                "026f6b"),
                                          {});
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->status, 200U);
  EXPECT_EQ(read->headers.find("a"), nullptr);
  EXPECT_EQ(as_text(read->body), "ok");
  Bytes endless{1};
  for (int i = 0; i < 100; ++i) endless.insert(endless.end(), {0x40, 0x66, 0});
  EXPECT_FALSE(parse_binary_response(endless, {}).ok());
}

TEST(BinaryHttp, EveryTruncationIsCompletedOrRefused) {
  BinaryRequest request = a_request();
  request.trailers = {};
  const Buffer bytes = encode_binary_request(request);
  const std::size_t content_at = bytes.size() - 1 - 3;  // length, "{}", and the empty trailers
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = parse_binary_request(ByteView(bytes).first(size), {});
    const bool between_parts = size == content_at || size == bytes.size() - 1;
    const std::size_t line_end = 1 + 5 + 6 + 15 + 21;  // framing and the four lines
    EXPECT_EQ(read.ok(), between_parts || size == line_end) << size;
  }
}

TEST(BinaryHttp, WhatFollowsMustBeZeros) {
  Buffer bytes = encode_binary_request(a_request(), 256);
  bytes.back() = 1;
  EXPECT_NE(refusal(bytes).message().find("padding"), std::string::npos);
}

TEST(BinaryHttp, FieldsThatNoneMayHave) {
  EXPECT_TRUE(parse_binary_request(open_request("accept", "a\tb"), {}).ok());
  EXPECT_TRUE(parse_binary_request(open_request("accept", ""), {}).ok());
  for (const char* name : {"Accept", ":path", "a b", "a\n", "connection", "transfer-encoding", "te", "upgrade"}) {
    EXPECT_EQ(refusal(open_request(name, "x")).code(), Code::kInvalid) << name;
  }
  for (const char* value : {"a\r\nb", "a\nb", " a", "a ", "\x7f", "a\x01"}) {
    EXPECT_EQ(refusal(open_request("accept", value)).code(), Code::kInvalid) << value;
  }
  EXPECT_EQ(refusal(open_request("accept", std::string_view("a\0b", 3))).code(), Code::kInvalid);
}

TEST(BinaryHttp, LinesThatNoneMayHave) {
  const auto with = [](auto change) {
    BinaryRequest request = a_request();
    change(request);
    return encode_binary_request(request);
  };
  EXPECT_EQ(refusal(with([](auto& r) { r.method = "GE T"; })).code(), Code::kInvalid);
  EXPECT_EQ(refusal(with([](auto& r) { r.method = ""; })).code(), Code::kInvalid);
  EXPECT_EQ(refusal(with([](auto& r) { r.scheme = ""; })).code(), Code::kInvalid);
  EXPECT_EQ(refusal(with([](auto& r) { r.path = "infer"; })).code(), Code::kInvalid);
  EXPECT_EQ(refusal(with([](auto& r) { r.path = "/a b"; })).code(), Code::kInvalid);
  EXPECT_EQ(refusal(with([](auto& r) { r.authority = "a\r\nb"; })).code(), Code::kInvalid);
  EXPECT_TRUE(parse_binary_request(with([](auto& r) { r.authority = ""; }), {}).ok());
}

TEST(BinaryHttp, LimitsHold) {
  const Buffer bytes = encode_binary_request(a_request());
  EXPECT_EQ(refusal(bytes, {.content_bytes = 1}).code(), Code::kInvalid);
  EXPECT_EQ(refusal(bytes, {.header_count = 1}).code(), Code::kInvalid) << "trailers count, too";
  EXPECT_EQ(refusal(bytes, {.header_bytes = 20}).code(), Code::kInvalid);
  EXPECT_EQ(refusal(bytes, {.line_bytes = 10}).code(), Code::kInvalid);
  EXPECT_FALSE(parse_binary_response(unhex("0340c8"
                                           "00"
                                           "0568656c6c6f"
                                           "0120"
                                           "00"),
                                     {.content_bytes = 5})
                   .ok());
  EXPECT_EQ(refusal(unhex("00ffffffffffffffff")).code(), Code::kInvalid) << "a length beyond everything";
}

TEST(BinaryHttp, ARequestIsNoResponse) {
  EXPECT_FALSE(parse_binary_response(encode_binary_request(a_request()), {}).ok());
  EXPECT_FALSE(parse_binary_request(encode_binary_response(Response{}), {}).ok());
  EXPECT_FALSE(parse_binary_response(unhex("0100"), {}).ok()) << "status 0";
  EXPECT_FALSE(parse_binary_response(unhex("014258"), {}).ok()) << "status 600";
}

}  // namespace
}  // namespace cloister::net
