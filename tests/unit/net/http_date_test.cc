#include "net/http_date.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::net {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

TEST(HttpDate, ThereAndBack) {
  EXPECT_EQ(to_rfc3339(value_of(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"))), "1994-11-06T08:49:37.000Z");
  EXPECT_EQ(to_http_date(Time{784111777000}), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, WhatIsNone) {
  for (const char* text :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nvo 1994 08:49:37 GMT", "Sun, 36 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, xx Nov 1994 08:49:37 GMT"}) {
    expect_refused(parse_http_date(text), Code::kInvalid, "date");
  }
}

}  // namespace
}  // namespace cloister::net
