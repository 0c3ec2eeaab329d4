// Answers of HTTP/1 by strangers, read within bounds.
#include "probe/http/talk.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::probe {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

TEST(HttpAnswerTest, HeadAndBody) {
  const auto answer = value_of(parse_http1_answer("HTTP/1.1 301 Moved\r\nLocation:  https://a/ \r\nX: 1\r\n\r\nbody"));
  EXPECT_EQ(answer.status, 301U);
  EXPECT_EQ(answer.header("location"), "https://a/");
  EXPECT_EQ(answer.header("absent"), "");
  EXPECT_EQ(answer.body, "body");
}

TEST(HttpAnswerTest, NoHeaders) { EXPECT_EQ(value_of(parse_http1_answer("HTTP/1.0 200 OK\r\n\r\n")).status, 200U); }

TEST(HttpAnswerTest, NotHttp) {
  for (const char* text : {"", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
                           "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n"}) {
    expect_refused(parse_http1_answer(text), Code::kInvalid, "isn't HTTP/1");
  }
}

TEST(HttpAnswerTest, HeaderWithoutColon) {
  expect_refused(parse_http1_answer("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"), Code::kInvalid, "malformed");
}

TEST(HttpAnswerTest, EndlessHead) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  while (text.size() <= kHttpHeadMax) text += "a: b\r\n";
  expect_refused(parse_http1_answer(text + "\r\n"), Code::kInvalid, "isn't HTTP/1");
}

TEST(HttpAnswerTest, TooManyHeaders) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 200; ++i) text += "a: b\r\n";
  expect_refused(parse_http1_answer(text + "\r\n"), Code::kInvalid, "too many");
}

TEST(HttpAnswerTest, EndlessBodyIsCut) {
  const auto answer = value_of(parse_http1_answer("HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x')));
  EXPECT_EQ(answer.body.size(), kHttpBodyMax);
}

}  // namespace
}  // namespace cloister::probe
