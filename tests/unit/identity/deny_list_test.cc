#include "identity/deny_list.h"

#include <gtest/gtest.h>

#include "tests/unit/identity/fixture.h"

namespace cloister::identity {
namespace {

using namespace testing;

constexpr std::string_view kText =
    "cloister deny-list 1\n"
    "id spiffe://example.org/a 2026-11-24T14:00:00Z\n"
    "id spiffe://example.org/b 2026-11-24T15:00:00Z key found in a ticket\n"
    "serial example.com 01 2026-11-24T14:00:00Z\n"
    "serial example.org 4001ff 2026-11-24T14:00:00Z stolen laptop\n";

VerifiedSvid peer(std::string_view uri, Bytes serial = {1}) { return {id_of(uri), std::move(serial), kNow + hours(1)}; }

TEST(DenyList, ReadsWhatItWrites) {
  const DenyList list = value_of(parse_deny_list(kText));
  EXPECT_EQ(list.ids().size(), 2U);
  EXPECT_EQ(list.serials().size(), 2U);
  EXPECT_EQ(format_deny_list(list), kText);
  EXPECT_EQ(value_of(DenyList::create(list.ids(), list.serials())), list);
  EXPECT_EQ(format_deny_list({}), "cloister deny-list 1\n");
  EXPECT_EQ(value_of(parse_deny_list("cloister deny-list 1\n")), DenyList());
}

TEST(DenyList, RefusesWhoIsOnIt) {
  const DenyList list = value_of(parse_deny_list(kText));
  expect_refused(list.check(peer("spiffe://example.org/b"), kNow), Code::kDenied, "key found in a ticket");
  expect_refused(list.check(id_of("spiffe://example.org/a"), kNow), Code::kDenied,
                 "spiffe://example.org/a is denied until");
  expect_refused(list.check(peer("spiffe://example.org/c", {0x40, 0x01, 0xff}), kNow), Code::kDenied, "stolen laptop");
  expect_refused(list.check(peer("spiffe://example.com/c"), kNow), Code::kDenied, "certificate 01");
}

TEST(DenyList, LetsOthersPass) {
  const DenyList list = value_of(parse_deny_list(kText));
  for (const char* uri :
       {"spiffe://example.org/c", "spiffe://example.org/aa", "spiffe://example.org/a/b", "spiffe://example.com/a0"}) {
    EXPECT_TRUE(list.check(peer(uri, {2}), kNow).ok()) << uri;
  }
  EXPECT_TRUE(list.check(peer("spiffe://example.org/c", {0x40, 0x01}), kNow).ok());
  EXPECT_TRUE(list.check(peer("spiffe://example.com/c", {0x40, 0x01, 0xff}), kNow).ok());
  EXPECT_TRUE(DenyList().check(peer("spiffe://example.org/a"), kNow).ok());
}

TEST(DenyList, EntriesRunOut) {
  const DenyList list = value_of(parse_deny_list(kText));
  const Time two_oclock = value_of(parse_rfc3339("2026-11-24T14:00:00Z"));
  EXPECT_FALSE(list.check(id_of("spiffe://example.org/a"), two_oclock + Duration{-1}).ok());
  EXPECT_TRUE(list.check(id_of("spiffe://example.org/a"), two_oclock).ok());
  EXPECT_EQ(format_deny_list(list.current(two_oclock)),
            "cloister deny-list 1\nid spiffe://example.org/b 2026-11-24T15:00:00Z key found in a ticket\n");
}

TEST(DenyList, TextInAnotherForm) {
  const auto refused = [](std::string_view text, std::string_view word) {
    expect_refused(parse_deny_list(text), Code::kInvalid, word);
  };
  const auto line = [](std::string_view entry) { return "cloister deny-list 1\n" + std::string(entry) + "\n"; };
  refused("", "line 1");
  refused("cloister deny-list 1", "line 1");
  refused("cloister deny-list 2\n", "line 1");
  refused("cloister deny-list 1\r\n", "line 1");
  refused("\ncloister deny-list 1\n", "line 1");
  refused(line(""), "line 2");
  refused(line("# comment"), "line 2");
  refused(line("ID spiffe://a/b 2026-11-24T14:00:00Z"), "line 2");
  refused(line("id"), "line 2");
  refused(line("id spiffe://a/b"), "line 2");
  refused(line("id a/b 2026-11-24T14:00:00Z"), "line 2");
  refused(line("id spiffe://a/b never"), "line 2");
  refused(line("serial a 0 2026-11-24T14:00:00Z"), "line 2");
  refused(line("serial a/b 01 2026-11-24T14:00:00Z"), "line 2");
  refused(line("serial a 2026-11-24T14:00:00Z"), "line 2");
  refused("cloister deny-list 1\nid spiffe://a/b 2026-11-24T14:00:00Z", "line 2");
  refused(line("id  spiffe://a/b 2026-11-24T14:00:00Z"), "");
  refused(line("id spiffe://A/b 2026-11-24T14:00:00Z"), "one written form");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00.000Z"), "one written form");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00Z "), "one written form");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00Z  two spaces"), "begins with a space");
  refused(line("serial a 0A 2026-11-24T14:00:00Z"), "one written form");
  refused(line("id spiffe://a/c 2026-11-24T14:00:00Z\nid spiffe://a/b 2026-11-24T14:00:00Z"), "one written form");
  refused(line("serial a 01 2026-11-24T14:00:00Z\nid spiffe://a/b 2026-11-24T14:00:00Z"), "one written form");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00Z\nid spiffe://a/b 2026-11-24T15:00:00Z"), "twice");
  refused(line("serial a 01 2026-11-24T14:00:00Z\nserial a 01 2026-11-24T14:00:00Z"), "twice");
  refused(line("serial a 00 2026-11-24T14:00:00Z"), "positive");
  refused(line("serial a 0001 2026-11-24T14:00:00Z"), "positive");
  refused(line("serial a " + std::string(42, '1') + " 2026-11-24T14:00:00Z"), "20 bytes");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00Z tab\there"), "plain text");
  refused(line("id spiffe://a/b 2026-11-24T14:00:00Z " + std::string(257, 'x')), "256");
}

TEST(DenyList, TooManyEntries) {
  std::vector<DeniedId> ids;
  for (std::size_t i = 0; i < kDenyEntriesMax; ++i) ids.push_back({id_of("spiffe://a/" + std::to_string(i)), kNow, {}});
  const DenyList list = value_of(DenyList::create(ids, {}));
  EXPECT_EQ(value_of(parse_deny_list(format_deny_list(list))), list);
  EXPECT_FALSE(list.check(ids[777].id, kNow + seconds(-1)).ok());
  expect_refused(DenyList::create(ids, {{domain_of(), {1}, kNow, {}}}), Code::kInvalid, "too many");
  expect_refused(parse_deny_list(std::string(kDenyListSizeMax + 1, 'x')), Code::kInvalid, "too long");
}

TEST(DenyList, TimeOutOfBounds) {
  expect_refused(DenyList::create({{id_of(), Time{-1}, {}}}, {}), Code::kInvalid, "1970");
  expect_refused(DenyList::create({{id_of(), Time{253'402'300'800'000}, {}}}, {}), Code::kInvalid, "9999");
  EXPECT_EQ(value_of(DenyList::create({{id_of(), Time{1999}, {}}}, {})).ids()[0].until, Time{1000});
}

}  // namespace
}  // namespace cloister::identity
