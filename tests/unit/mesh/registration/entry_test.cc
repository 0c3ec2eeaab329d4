// Registration entries: what may be registered, how it is kept, whom it matches.
#include "mesh/registration/entry.h"

#include <gtest/gtest.h>

#include "mesh/registration/entry_table.h"
#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kId = "00112233445566778899aabbccddeeff";

identity::SpiffeId id(const std::string& uri) { return value_of(identity::SpiffeId::parse(uri)); }
Selector selector(const std::string& text) { return value_of(parse_selector(text)); }
identity::TrustDomain domain(const std::string& name) { return value_of(identity::TrustDomain::parse(name)); }

RegistrationEntry entry(const std::string& uri, std::initializer_list<std::string> selectors,
                        const std::string& entry_id = kId) {
  RegistrationEntry made{entry_id, id(uri), {}, {}, {}, {}, {}, {}, {}};
  for (const std::string& one : selectors) made.selectors.push_back(selector(one));
  return made;
}

TEST(EntryTest, ComesBackAsItWasKept) {
  RegistrationEntry all = entry("spiffe://acme.example/ml/vllm", {"unix:uid:1000", "k8s:pod-label:app:vllm"});
  all.x509_ttl = minutes(10);
  all.jwt_ttl = seconds(30);
  all.hint = "serving";
  all.federates_with = {domain("partner.example")};
  all.expires = Time{1'800'000'000'000};
  all.created = Time{1'700'000'000'123};
  ASSERT_TRUE(check_entry(all).ok());
  EXPECT_EQ(value_of(parse_entry(format_entry(all))), all);
  RegistrationEntry little = entry("spiffe://acme.example/a", {"unix:uid:0"});
  ASSERT_TRUE(check_entry(little).ok());
  EXPECT_EQ(value_of(parse_entry(format_entry(little))), little);
}

TEST(EntryTest, SelectorsAreSortedAndUnique) {
  RegistrationEntry one = entry("spiffe://acme.example/a", {"unix:uid:7", "slurm:job_id:1", "unix:uid:7"});
  ASSERT_TRUE(check_entry(one).ok());
  EXPECT_EQ(one.selectors, (std::vector{selector("slurm:job_id:1"), selector("unix:uid:7")}));
}

TEST(EntryTest, SameCallersForTheSameIdentityAreTheSameEntry) {
  const auto id_of = [](RegistrationEntry one) {
    EXPECT_TRUE(check_entry(one).ok());
    return one.id;
  };
  RegistrationEntry one = entry("spiffe://acme.example/a", {"unix:uid:7", "slurm:job_id:1"});
  RegistrationEntry other = entry("spiffe://acme.example/a", {"slurm:job_id:1", "unix:uid:7"});
  other.hint = "other";
  EXPECT_EQ(id_of(one), id_of(other));
  EXPECT_NE(id_of(one), id_of(entry("spiffe://acme.example/b", {"unix:uid:7", "slurm:job_id:1"})));
  EXPECT_NE(id_of(one), id_of(entry("spiffe://acme.example/a", {"unix:uid:7"})));
}

TEST(EntryTest, WhatIsNotRegistered) {
  const auto refused = [](RegistrationEntry wrong, std::string_view why) {
    expect_refused(check_entry(wrong), Code::kInvalid, why);
  };
  const RegistrationEntry good = entry("spiffe://acme.example/a", {"unix:uid:0"});
  refused(entry("spiffe://acme.example/a", {}), "everybody");
  refused(entry("spiffe://acme.example", {"unix:uid:0"}), "trust domain");
  refused(entry("spiffe://acme.example/cloister/keys", {"unix:uid:0"}), "service itself");
  RegistrationEntry wrong = good;
  wrong.x509_ttl = seconds(59);
  refused(wrong, "certificates");
  wrong.x509_ttl = days(2);
  refused(wrong, "certificates");
  wrong = good;
  wrong.jwt_ttl = seconds(9);
  refused(wrong, "tokens");
  wrong = good;
  wrong.hint = "a\nb";
  refused(wrong, "hint");
  wrong = good;
  wrong.federates_with = {domain("acme.example")};
  refused(wrong, "its own");
  wrong = good;
  for (std::size_t i = 0; i < kEntrySelectorsMax; ++i) wrong.selectors.push_back(selector("a:" + std::to_string(i)));
  refused(wrong, "32");
}

TEST(EntryTest, DamagedStoredEntry) {
  for (const std::string text :
       {"", "[]", "{}", R"({"spiffe_id":5})", R"({"spiffe_id":"spiffe://a/b","selectors":"x","created_ms":1})",
        R"({"spiffe_id":"spiffe://a/b","selectors":[1],"created_ms":1})",
        R"({"spiffe_id":"spiffe://a/b","selectors":["unix:uid:0"]})",
        R"({"spiffe_id":"spiffe://a/b","selectors":[],"created_ms":1})",
        R"({"spiffe_id":"spiffe://a/b","selectors":["unix:uid:0"],"created_ms":-1})",
        R"({"spiffe_id":"spiffe://a/b","selectors":["unix:uid:0"],"created_ms":1,"x509_ttl_seconds":"1"})"}) {
    EXPECT_FALSE(parse_entry(text).ok()) << text;
  }
}

TEST(EntryTest, FileOfEntries) {
  const auto entries = value_of(parse_entry_file(R"([[entry]]
spiffe_id = "spiffe://acme.example/ml/vllm"
selectors = ["unix:uid:1000", "unix:path:/usr/bin/vllm"]
x509_ttl_seconds = 600
federates_with = "partner.example"
[[entry]]
spiffe_id = "spiffe://acme.example/ml/redis"
selectors = "systemd:id:redis.service"
hint = "cache"
expires = 2030-01-01T00:00:00Z
)"));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].selectors.size(), 2U);
  EXPECT_EQ(entries[0].x509_ttl, minutes(10));
  EXPECT_EQ(entries[0].federates_with, std::vector{domain("partner.example")});
  EXPECT_EQ(entries[1].hint, "cache");
  EXPECT_TRUE(entries[1].expires);
}

TEST(EntryTest, FileThatSaysTooLittleOrTooMuch) {
  expect_refused(parse_entry_file("[[entry]]\n"), Code::kInvalid, "spiffe_id");
  expect_refused(parse_entry_file("[[entry]]\nspiffe_id = \"spiffe://a/b\"\n"), Code::kInvalid, "selectors");
  expect_refused(parse_entry_file("[[entry]]\nspiffe_id = \"http://a/b\"\nselectors = \"unix:uid:0\"\n"),
                 Code::kInvalid, "line 2");
  expect_refused(parse_entry_file("[[entry]]\nspiffe_id = \"spiffe://a/b\"\nselectors = \"uid\"\n"), Code::kInvalid,
                 "line 3");
  expect_refused(parse_entry_file("[[entry]]\nspiffeid = \"spiffe://a/b\"\n"), Code::kInvalid, "spiffe_id");
  expect_refused(parse_entry_file("[[entries]]\n"), Code::kInvalid, "no table");
  expect_refused(parse_entry_file("spiffe_id = \"spiffe://a/b\"\n"), Code::kInvalid, "[[entry]]");
}

TEST(EntryTableTest, AllSelectorsMustMatch) {
  const EntryTable table({entry("spiffe://acme.example/a", {"unix:uid:1000", "unix:path:/usr/bin/vllm"})});
  const Time now{1};
  EXPECT_EQ(
      table.matching({selector("unix:uid:1000"), selector("unix:path:/usr/bin/vllm"), selector("x:y")}, now).size(),
      1U);
  EXPECT_TRUE(table.matching({selector("unix:uid:1000")}, now).empty());
  EXPECT_TRUE(table.matching({selector("unix:path:/usr/bin/vllm")}, now).empty());
  EXPECT_TRUE(table.matching({}, now).empty());
}

TEST(EntryTableTest, OldestFirstAndExpiredNever) {
  RegistrationEntry old = entry("spiffe://acme.example/old", {"unix:uid:1"}, std::string(32, 'f'));
  RegistrationEntry young = entry("spiffe://acme.example/young", {"unix:gid:1"}, std::string(32, '0'));
  young.created = Time{5};
  young.expires = Time{10};
  const EntryTable table({young, old});
  const std::set<Selector> caller = {selector("unix:uid:1"), selector("unix:gid:1")};
  const auto both = table.matching(caller, Time{9});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0]->spiffe_id, old.spiffe_id);
  EXPECT_EQ(table.matching(caller, Time{10}).size(), 1U);
}

TEST(EntryTableTest, WhatHasToBeLookedAt) {
  EXPECT_EQ(EntryTable({entry("spiffe://a/b", {"unix:uid:1"})}).attest_with(), AttestWith{});
  EXPECT_TRUE(EntryTable({entry("spiffe://a/b", {"unix:sha256:ab"})}).attest_with().digest);
  EXPECT_TRUE(EntryTable({entry("spiffe://a/b", {"unix:user:alice"})}).attest_with().names);
}

}  // namespace
}  // namespace cloister::mesh
