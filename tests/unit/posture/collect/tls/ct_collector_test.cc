// Certificates that logs have seen: known ones, others, and answers that say too little.
#include "posture/collect/tls/ct_collector.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "probe/certificate/seen_certificate.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'795'000'000'000};  // 2026-11-18T11:06:40Z

std::string sighting(const std::string& serial, bool known, const std::string& name = "api.example.org",
                     const std::string& not_after = "2027-01-01T00:00:00.000Z", const std::string& issuer = "CN=X") {
  return R"({"index":7,"logged":"2026-11-17T00:00:00.000Z","precertificate":true,"known":)" +
         std::string(known ? "true" : "false") + R"(,"names":[")" + name + R"("],"issuer":")" + issuer +
         R"(","serial":")" + serial + R"(","not_before":"2026-11-17T00:00:00.000Z","not_after":")" + not_after +
         R"("})";
}

std::string sighting_of(const crypto::Certificate& certificate, bool known) {
  return sighting(to_hex(certificate.facts().serial), known, "api.example.org", "2027-01-01T00:00:00.000Z",
                  probe::name_text(certificate.facts().issuer));
}

std::string scan(const std::string& sightings, const std::string& domains = R"("example.org")",
                 const std::string& unreadable = "0", std::uint64_t size = 9, std::uint64_t read = 9,
                 const std::string& origin = "log.example/2027", const std::string& known = "2") {
  return R"({"origin":")" + origin + R"(","size":)" + std::to_string(size) +
         R"(,"head":"2026-11-18T09:00:00.000Z","read":)" + std::to_string(read) + R"(,"unreadable":)" + unreadable +
         R"(,"known_certificates":)" + known + R"(,"domains":[)" + domains + R"(],"sightings":[)" + sightings + "]}";
}

// As crt.sh answers https://crt.sh/?q=example.org&output=json.
const std::string kCrtSh =
    R"([{"issuer_ca_id":295815,"issuer_name":"C=US, O=Let's Encrypt, CN=R11","common_name":"api.example.org",)"
    R"("name_value":"api.example.org\n*.example.org","id":15912345678,"entry_timestamp":"2026-11-17T20:11:13.513",)"
    R"("not_before":"2026-11-17T19:12:42","not_after":"2027-02-15T19:12:41",)"
    R"("serial_number":"04c1f3A2","result_count":2}])";

struct Kept final : FactSink {
  std::vector<Fact> all;
  void add(Fact fact) override { all.push_back(std::move(fact)); }
};

struct TransparencyTest : ::testing::Test {
  Estate estate;
  std::vector<crypto::Certificate> known;
  std::optional<Time> modified = kNow;

  TransparencyTest() {
    estate.endpoints.push_back({"api", "api.example.org:443", {}, 1});
    estate.endpoints.push_back({"other", "other.example.net:443", {}, 2});
  }
  std::vector<Fact> collect(const std::vector<std::string>& files) {
    std::vector<InputFile> inputs;
    for (const std::string& text : files) inputs.push_back({"answer.json", text, modified});
    Kept kept;
    CollectContext context;
    context.estate = &estate;
    context.now = kNow;
    TransparencyCollector(std::move(inputs), known).collect(context, kept);
    return kept.all;
  }
  Fact only(const std::vector<std::string>& files) {
    const auto facts = collect(files);
    EXPECT_EQ(facts.size(), 1U);
    return facts.empty() ? Fact() : facts.front();
  }
};

TEST_F(TransparencyTest, KnownAndUnknown) {
  const Fact good = only({scan(sighting("01", true))});
  EXPECT_EQ(good.kind, "ct.monitor");
  EXPECT_EQ(good.subject.text(), "endpoint:api");
  EXPECT_EQ(good.number("unmatched"), 0);
  EXPECT_EQ(good.truth("alert_seen"), std::nullopt) << "nobody saw it alert";
  EXPECT_EQ(to_rfc3339(good.at), "2026-11-18T09:00:00.000Z");
  EXPECT_EQ(good.valid_until, good.at + kProbeValid);
  EXPECT_EQ(only({scan(sighting("01", true) + "," + sighting("02", false))}).number("unmatched"), 1);
}

TEST_F(TransparencyTest, WhoseNamesItIs) {
  EXPECT_EQ(only({scan(sighting("02", false, "*.example.org"))}).number("unmatched"), 1);
  EXPECT_EQ(only({scan(sighting("02", false, "www.example.org"))}).number("unmatched"), 0);
  EXPECT_EQ(only({scan(sighting("02", false, "*.api.example.org"))}).number("unmatched"), 0);
  EXPECT_EQ(only({scan(sighting("02", false, "api.example.org", "2026-01-01T00:00:00.000Z"))}).number("unmatched"), 0)
      << "it has expired";
  EXPECT_TRUE(collect({scan("", R"("example.com")")}).empty()) << "nobody looked for it";
  EXPECT_TRUE(collect({scan("", R"("ample.org")")}).empty());
}

// A look tells what is new since the one before: all of them together are what is known.
TEST_F(TransparencyTest, SeveralLooks) {
  EXPECT_EQ(only({scan(""), scan(sighting("02", false))}).number("unmatched"), 1);
  EXPECT_EQ(only({scan(sighting("02", true)), scan(sighting("02", false))}).number("unmatched"), 0)
      << "a precertificate and its certificate are one";
}

// The first look begins at the log's end unless it was asked to read everything.
TEST_F(TransparencyTest, EntriesThatNobodyRead) {
  const auto look = [](std::uint64_t from, std::uint64_t to, const std::string& found = "") {
    return scan(found, R"("example.org")", "0", to, to - from);
  };
  EXPECT_TRUE(only({look(9, 9)}).not_assessed);
  EXPECT_TRUE(only({look(0, 0)}).not_assessed);
  EXPECT_TRUE(only({look(9, 9), look(9, 12)}).not_assessed);
  EXPECT_TRUE(only({look(0, 9), look(12, 20)}).not_assessed) << "the look between them is missing";
  EXPECT_EQ(only({look(12, 20), look(0, 9), look(9, 12)}).number("unmatched"), 0);
  EXPECT_TRUE(only({look(0, 9), scan("", R"("example.org")", "0", 9, 0, "other.example/2027")}).not_assessed)
      << "two logs are two";
  EXPECT_EQ(only({look(9, 12, sighting("02", false))}).number("unmatched"), 1) << "what is bad counts all the same";
  expect_refused(parse_transparency(scan("", R"("example.org")", "0", 3, 4)), Code::kInvalid, "which entries");
  expect_refused(parse_transparency(scan("", R"("example.org")", "0", 9, 9, "")), Code::kInvalid, "which entries");
}

TEST_F(TransparencyTest, AlertOfACertificateThatIsKnownNow) {
  const auto certificate = testing::TestAuthority(1).certificate();
  known = {certificate};
  const Fact fact = only({scan(sighting_of(certificate, false))});
  EXPECT_EQ(fact.number("unmatched"), 0);
  EXPECT_EQ(fact.truth("alert_seen"), true);
  EXPECT_EQ(only({scan(sighting_of(certificate, true))}).truth("alert_seen"), std::nullopt);
  const Fact all =
      only({scan(sighting_of(certificate, false), R"("example.org")", "0", 9, 9, "log.example/2027", "0")});
  EXPECT_EQ(all.number("unmatched"), 0);
  EXPECT_EQ(all.truth("alert_seen"), std::nullopt) << "a monitor that knows none tells of all";
}

TEST_F(TransparencyTest, SerialNumberOfAnotherIssuer) {
  const auto certificate = testing::TestAuthority(1).certificate();
  known = {certificate};
  const Fact fact = only({scan(sighting(to_hex(certificate.facts().serial), false))});
  EXPECT_EQ(fact.number("unmatched"), 1);
  EXPECT_EQ(fact.truth("alert_seen"), std::nullopt);
  const std::string end = "2027-01-01T00:00:00.000Z", name = "api.example.org";
  EXPECT_EQ(only({scan(sighting("02", true) + "," + sighting("02", false, name, end, "CN=Y"))}).number("unmatched"), 1);
  EXPECT_EQ(
      only({scan(sighting("02", true, name, end, "C=US, O=Y") + "," + sighting("02", false, name, end, "O=Y, C=US"))})
          .number("unmatched"),
      0)
      << "the same name, written backwards";
}

TEST_F(TransparencyTest, UnreadableEntriesProveNothingGood) {
  EXPECT_TRUE(only({scan(sighting("01", true), R"("example.org")", "1")}).not_assessed);
  EXPECT_EQ(only({scan(sighting("01", false), R"("example.org")", "1")}).number("unmatched"), 1);
}

TEST_F(TransparencyTest, AnswerOfCrtSh) {
  const Fact fact = only({kCrtSh});
  EXPECT_EQ(fact.number("unmatched"), 1);
  EXPECT_EQ(fact.at, kNow) << "the file's time: the answer has none";
  EXPECT_NE(fact.raw.find("4c1f3a2"), std::string::npos) << fact.raw;
  modified.reset();
  EXPECT_TRUE(collect({kCrtSh}).empty()) << "nobody knows how old it is";
  modified = kNow;
  EXPECT_TRUE(collect({"[]"}).empty()) << "it doesn't say what was looked for";
  const std::string same =
      sighting("04c1f3a2", true, "api.example.org", "2027-02-15T19:12:41.000Z", "C=US, O=Let's Encrypt, CN=R11");
  EXPECT_EQ(only({kCrtSh, scan(same)}).number("unmatched"), 0) << "a monitor read the whole log";
  EXPECT_EQ(only({kCrtSh, scan("")}).number("unmatched"), 1);
}

TEST_F(TransparencyTest, AnswerOfCertSpotter) {
  const auto certificate = testing::TestAuthority(1).certificate();
  const std::string answer =
      R"([{"id":"1","tbs_sha256":"x","cert_sha256":"y","dns_names":["api.example.org"],"cert_der":")" +
      to_base64(certificate.der()) + R"("}])";
  EXPECT_EQ(value_of(parse_transparency(answer)).certificates.size(), 1U);
  known = {certificate};
  EXPECT_TRUE(only({answer}).not_assessed) << "one page of an answer to nobody knows what";
  EXPECT_EQ(only({answer}).number("unmatched"), std::nullopt);
  expect_refused(parse_transparency(R"([{"id":"1","dns_names":["api.example.org"]}])"), Code::kInvalid, "expand");
  EXPECT_FALSE(parse_transparency(R"([{"dns_names":["a"],"cert_der":"AAAA"}])").ok());
}

TEST_F(TransparencyTest, WhatIsNoAnswer) {
  for (const char* text : {"", "{}", "1", R"([{}])", R"({"sightings":[]})",
                           R"({"sightings":[{}],"domains":["a"],"head":"2026-11-18T09:00:00Z","unreadable":0})",
                           R"([{"serial_number":"1","name_value":"","not_after":"2027-02-15T19:12:41"}])",
                           R"([{"serial_number":"1","name_value":"a","not_after":"soon"}])"}) {
    const auto facts = collect({text});
    ASSERT_EQ(facts.size(), 1U) << text;
    EXPECT_EQ(facts.front().kind, "inventory.source");
    EXPECT_TRUE(facts.front().not_assessed) << text;
  }
}

}  // namespace
}  // namespace cloister::posture
