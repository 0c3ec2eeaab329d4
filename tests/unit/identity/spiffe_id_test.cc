#include "identity/spiffe_id.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/expect.h"

namespace cloister::identity {
namespace {

using testing::expect_refused;
using testing::value_of;

TEST(SpiffeId, ReadsAndWrites) {
  for (const std::string uri :
       {"spiffe://example.org", "spiffe://example.org/a", "spiffe://a/b/c", "spiffe://example.org/A.b-c_9/...",
        "spiffe://a_b-c.9/x", "spiffe://10.0.0.1/x", "spiffe://-/_", "spiffe://a..b/x"}) {
    const SpiffeId id = value_of(SpiffeId::parse(uri));
    EXPECT_EQ(id.uri(), uri);
    EXPECT_EQ(value_of(SpiffeId::of(id.trust_domain(), id.path())), id);
  }
  const SpiffeId id = value_of(SpiffeId::parse("spiffe://example.org/ns/prod"));
  EXPECT_EQ(id.trust_domain().name(), "example.org");
  EXPECT_EQ(id.path(), "/ns/prod");
}

TEST(SpiffeId, SchemeAndTrustDomainInUpperCase) {
  EXPECT_EQ(value_of(SpiffeId::parse("SPIFFE://Example.ORG/Path")).uri(), "spiffe://example.org/Path");
  EXPECT_FALSE(value_of(SpiffeId::parse("spiffe://a/B")) == value_of(SpiffeId::parse("spiffe://a/b")));
}

TEST(SpiffeId, NotASpiffeUri) {
  for (const char* uri : {"", "spiffe", "spiffe:", "spiffe:/", "spiffe:/a/b", "spiffe//a", "http://a/b", " spiffe://a",
                          "spiffee://a", "spiffe:a", "://a"}) {
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "begin");
  }
}

TEST(SpiffeId, WrongTrustDomain) {
  for (const char* uri : {"spiffe://", "spiffe:///a", "spiffe:////"}) {
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "empty");
  }
  for (const char* uri :
       {"spiffe://a:80/b", "spiffe://u@a/b", "spiffe://u:p@a/b", "spiffe://a%41/b", "spiffe://a b/c", "spiffe://a?q",
        "spiffe://a#f", "spiffe://[::1]/a", "spiffe://\xc3\xa9/a", "spiffe://a\n", "spiffe://a\\b", "spiffe://*/a"}) {
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "trust domain");
  }
  expect_refused(SpiffeId::parse(std::string_view("spiffe://a\0b", 12)), Code::kInvalid, "trust domain");
}

TEST(SpiffeId, WrongPath) {
  for (const char* uri : {"spiffe://a/", "spiffe://a/b/"}) expect_refused(SpiffeId::parse(uri), Code::kInvalid, "ends");
  for (const char* uri : {"spiffe://a//b", "spiffe://a/b//c"})
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "empty");
  for (const char* uri : {"spiffe://a/.", "spiffe://a/..", "spiffe://a/./b", "spiffe://a/b/../c", "spiffe://a/b/.."}) {
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "dots");
  }
  for (const char* uri :
       {"spiffe://a/b?c", "spiffe://a/b#c", "spiffe://a/%41", "spiffe://a/b c", "spiffe://a/b:c", "spiffe://a/b@c",
        "spiffe://a/\xc3\xa9", "spiffe://a/b\n", "spiffe://a/b~", "spiffe://a/b+c", "spiffe://a/b*"}) {
    expect_refused(SpiffeId::parse(uri), Code::kInvalid, "character");
  }
  expect_refused(SpiffeId::parse(std::string_view("spiffe://a/b\0", 13)), Code::kInvalid, "character");
}

TEST(SpiffeId, PathWithoutItsSlash) {
  const TrustDomain trust_domain = value_of(TrustDomain::parse("example.org"));
  expect_refused(SpiffeId::of(trust_domain, "a"), Code::kInvalid, "slash");
  EXPECT_EQ(value_of(SpiffeId::of(trust_domain, "")).uri(), trust_domain.uri());
}

TEST(SpiffeId, LongestAndTooLong) {
  const std::string start = "spiffe://example.org/";
  EXPECT_TRUE(SpiffeId::parse(start + std::string(2048 - start.size(), 'a')).ok());
  expect_refused(SpiffeId::parse(start + std::string(2049 - start.size(), 'a')), Code::kInvalid, "2048");
  const TrustDomain trust_domain = value_of(TrustDomain::parse("example.org"));
  expect_refused(SpiffeId::of(trust_domain, "/" + std::string(2048, 'a')), Code::kInvalid, "2048");
  EXPECT_TRUE(SpiffeId::parse("spiffe://" + std::string(255, 'a') + "/b").ok());
  expect_refused(SpiffeId::parse("spiffe://" + std::string(256, 'a') + "/b"), Code::kInvalid, "255");
}

TEST(TrustDomain, IsANameNotAUri) {
  EXPECT_EQ(value_of(TrustDomain::parse("Example.org")).name(), "example.org");
  for (const char* name : {"", "spiffe://a", "a/b", "a:1", "a b"}) EXPECT_FALSE(TrustDomain::parse(name).ok()) << name;
}

TEST(SpiffeId, HasAnOrder) {
  std::set<SpiffeId> ids;
  for (const char* uri : {"spiffe://b/a", "spiffe://a/b", "spiffe://a/a", "spiffe://A/a"})
    ids.insert(value_of(SpiffeId::parse(uri)));
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids.begin()->uri(), "spiffe://a/a");
}

}  // namespace
}  // namespace cloister::identity
