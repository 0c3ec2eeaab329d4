#include "attest/event_log/tcg_log.h"

#include <gtest/gtest.h>

#include "attest/event_log/dstack_log.h"
#include "attest/event_log/registers.h"
#include "base/reader.h"
#include "crypto/hash.h"
#include "tests/support/event_logs.h"
#include "tests/support/expect.h"

namespace cloister::attest::event_log {
namespace {

using namespace cloister::testing;

// What extending 48 zero bytes by these digests makes.
Bytes extended(std::initializer_list<ByteView> digests) {
  Bytes value(48, 0);
  for (const ByteView digest : digests) {
    value.insert(value.end(), digest.begin(), digest.end());
    value = to_bytes(crypto::sha384(value));
  }
  return value;
}

Bytes sha384_of(std::string_view text) { return to_bytes(crypto::sha384(as_bytes(text))); }

TEST(TcgLog, ReplaysByRegister) {
  const auto events = value_of(parse_tcg_log(make_tcg_log({{1, 8, "a"}, {2, 9, "b"}, {1, 10, "c"}, {1, 3, "note"}})));
  ASSERT_EQ(events.size(), 4U);
  EXPECT_TRUE(events[0].vouched);
  EXPECT_EQ(value_of(replay(events, 1, DigestAlgorithm::kSha384)), extended({sha384_of("a"), sha384_of("c")}));
  EXPECT_EQ(value_of(replay(events, 2, DigestAlgorithm::kSha384)), extended({sha384_of("b")}));
  EXPECT_EQ(value_of(replay(events, 3, DigestAlgorithm::kSha384)), Bytes(48, 0));
  expect_refused(replay(events, 1, DigestAlgorithm::kSha256), Code::kCorrupt, "no digest");
  expect_refused(replay(events, 1, DigestAlgorithm::kSha1), Code::kUnsupported, "aren't replayed");
}

TEST(TcgLog, DataThatItsDigestDoesNotVouchFor) {
  Bytes log = make_tcg_log({{1, 8, "abc"}});
  log.back() ^= 1;
  const auto events = value_of(parse_tcg_log(log));
  EXPECT_FALSE(events[0].vouched);
  EXPECT_EQ(value_of(replay(events, 1, DigestAlgorithm::kSha384)), extended({sha384_of("abc")}));
}

TEST(TcgLog, WhatFollowsTheEnd) {
  for (const std::uint8_t fill : {0x00, 0xFF}) {
    Bytes log = make_tcg_log({{1, 8, "a"}});
    const std::size_t size = log.size();
    log.insert(log.end(), 8, fill);
    const Bytes more = make_tcg_log({{1, 8, "b"}});
    log.insert(log.end(), more.begin(), more.end());
    EXPECT_EQ(value_of(parse_tcg_log(log)).size(), 1U);
    log.resize(size + 5);
    EXPECT_EQ(value_of(parse_tcg_log(log)).size(), 1U);
  }
}

TEST(TcgLog, Truncated) {
  const Bytes log = make_tcg_log({{1, 8, "first"}, {2, 8, "second"}});
  const std::size_t one = make_tcg_log({{1, 8, "first"}}).size();
  const std::size_t none = make_tcg_log({}).size();
  for (std::size_t size = 0; size < log.size(); ++size) {
    EXPECT_EQ(parse_tcg_log(ByteView(log).first(size)).ok(), size == none || size == one) << size;
  }
}

TEST(TcgLog, LengthsAndAlgorithmsThatCannotBe) {
  const Bytes good = make_tcg_log({{1, 8, "a"}});
  const std::size_t event = make_tcg_log({}).size();
  const auto with = [&](std::size_t at, std::uint32_t value) {
    Bytes log = good;
    store_le(&log[at], value);
    return parse_tcg_log(log);
  };
  EXPECT_TRUE(with(event + 8, 1).ok());
  EXPECT_FALSE(with(event + 8, 2).ok());  // digests
  EXPECT_FALSE(with(event + 8, 0xFFFFFFFF).ok());
  EXPECT_FALSE(with(event + 12, 0xB).ok());  // an algorithm that the log doesn't name
  EXPECT_FALSE(with(event + 12 + 2 + 48, 0xFFFFFFFF).ok());
  EXPECT_FALSE(with(4, 8).ok());               // type of the first event
  EXPECT_FALSE(with(8, 1).ok());               // its digest
  EXPECT_FALSE(with(28, 0xFFFFFFFF).ok());     // its size
  EXPECT_FALSE(with(32, 0).ok());              // its signature
  EXPECT_FALSE(with(32 + 24, 0).ok());         // number of algorithms
  EXPECT_FALSE(with(32 + 28, 0x00300D).ok());  // one that is unknown
  EXPECT_FALSE(with(32 + 28, 0x20000C).ok());  // a digest of another size
}

TEST(DstackLog, RuntimeEventsAreVouchedFor) {
  const std::string log = make_dstack_log({{3, "app-id", "0102"}, {0, "", "aa"}});
  const auto events = value_of(parse_dstack_log(as_bytes(log)));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].index, 4U);
  EXPECT_TRUE(events[0].vouched);
  EXPECT_FALSE(events[1].vouched);
  std::string changed = log;
  changed.replace(changed.find("0102"), 4, "0103");
  EXPECT_FALSE(value_of(parse_dstack_log(as_bytes(changed)))[0].vouched);
}

TEST(DstackLog, Malformed) {
  const std::string good = make_dstack_log({{3, "app-id", "0102"}});
  for (const auto& [from, to] : {std::pair{"\"imr\":3", "\"imr\":4"},
                                 {"\"imr\"", "\"imp\""},
                                 {"\"event_payload\":\"0102\"", "\"event_payload\":\"010\""},
                                 {"\"digest\":\"", "\"digest\":\"00"},
                                 {"134217729", "4294967296"},
                                 {"[", "[7,"}}) {
    std::string text = good;
    text.replace(text.find(from), std::string_view(from).size(), to);
    EXPECT_FALSE(parse_dstack_log(as_bytes(text)).ok()) << to;
  }
  EXPECT_FALSE(parse_dstack_log(as_bytes("{}")).ok());
}

TEST(Registers, LogThatIsNotTheirs) {
  const Bytes log = make_tcg_log({{1, 8, "a"}, {4, 8, "d"}});
  Bytes values[4] = {extended({sha384_of("a")}), Bytes(48, 0), Bytes(48, 0), extended({sha384_of("d")})};
  const auto check = [&](ByteView bytes) {
    const ByteView registers[4] = {values[0], values[1], values[2], values[3]};
    Verdict verdict;
    verdict.kind = Kind::kTdx;
    check_registers(verdict, bytes, registers);
    return verdict.checks.at(0);
  };
  EXPECT_EQ(check(log).state, CheckState::kPassed);
  EXPECT_EQ(check(make_tcg_log({{1, 8, "a"}})).reason, Reason::kMeasurementMismatch);
  EXPECT_EQ(check(make_tcg_log({{1, 8, "a"}, {4, 8, "d"}, {2, 8, "x"}})).reason, Reason::kMeasurementMismatch);
  EXPECT_EQ(check(make_tcg_log({{4, 8, "d"}, {1, 8, "b"}})).reason, Reason::kMeasurementMismatch);
  EXPECT_EQ(check(ByteView(log).first(40)).reason, Reason::kMalformed);
  EXPECT_EQ(check(as_bytes("[")).reason, Reason::kMalformed);
  values[3][0] ^= 1;
  EXPECT_EQ(check(log).reason, Reason::kMeasurementMismatch);
}

}  // namespace
}  // namespace cloister::attest::event_log
