// Scans as facts: what the prober doesn't know is never a good value.
#include "posture/collect/tls/scan_collector.h"

#include <gtest/gtest.h>

namespace cloister::posture {
namespace {

constexpr Time kNow{1'795'000'000'000};  // 2026-11-18T10:26:40Z

struct Seen {
  const char *check, *subject, *seen;
  const char* detail = "";
};
using Scan = std::vector<Seen>;

const Scan kGood = {{"P1", "", "no"},
                    {"P2", "", "no"},
                    {"P3", "", "no"},
                    {"P4", "", "no"},
                    {"P5", "", "yes"},
                    {"P6", "", "yes"},
                    {"P8", "", "yes"},
                    {"P9", "TLS 1.2", "yes"},
                    {"C2", "NULL", "no"},
                    {"C2", "RC4", "no"},
                    {"H12", "", "no"},
                    {"W1", "hsts", "yes"},
                    {"W2", "plaintext answers", "no"},
                    {"W6", "h2c", "no"},
                    {"X9", "stapled", "yes"},
                    {"X9", "signed", "yes"},
                    {"X9", "fresh", "yes"},
                    {"X9", "revoked", "no"},
                    {"X10", "must-staple", "no"}};

std::string scan_text(const Scan& scan, const std::string& address = "93.184.216.34:443") {
  std::string facts;
  for (const Seen& one : scan) {
    facts += std::string(facts.empty() ? "" : ",") + R"({"check":")" + one.check + R"(","subject":")" + one.subject +
             R"(","seen":")" + one.seen + R"(","detail":")" + one.detail + R"("})";
  }
  return R"({"format":"cloister-scan/1","version":"1","targets":[{"target":"api.example:443","address":")" + address +
         R"(","time":"2026-11-18T10:00:00.000Z","profile":"public-inference","grade":"A","score":95,"lost":[],)"
         R"("not_assessed":[],"facts":[)" +
         facts + "]}]}";
}

// The same with one answer changed; an empty one: the question wasn't asked.
Scan with(const std::string& check, const std::string& subject, const char* seen) {
  Scan scan;
  for (Seen one : kGood) {
    if (one.check == check && one.subject == subject) {
      if (*seen == '\0') continue;
      one.seen = seen;
    }
    scan.push_back(one);
  }
  return scan;
}

Estate estate() {
  Estate out;
  out.endpoints.push_back({"api", "api.example:443", {}, 0});
  return out;
}

Fact only_fact(const std::string& text) {
  Result<std::vector<Fact>> facts = scan_facts(estate(), text);
  CLOISTER_CHECK(facts.ok() && facts->size() == 1);
  return facts->front();
}

TEST(ScanCollectorTest, GoodEndpoint) {
  const Fact fact = only_fact(scan_text(kGood));
  EXPECT_EQ(fact.kind, "tls.endpoint");
  EXPECT_EQ(fact.subject, (Subject{SubjectKind::kEndpoint, "api"})) << "by the name that the estate gives it";
  EXPECT_EQ(fact.truth("plaintext_refused"), true);
  EXPECT_EQ(*fact.list("versions"), (std::vector<std::string>{"TLS 1.2", "TLS 1.3"}));
  EXPECT_TRUE(fact.list("weak")->empty());
  EXPECT_EQ(fact.truth("tls13"), true);
  EXPECT_EQ(fact.truth("early_data_refused"), true);
  EXPECT_EQ(fact.truth("downgrade_resisted"), true);
  EXPECT_EQ(*fact.text("staple"), "valid");
  EXPECT_EQ(fact.truth("must_staple"), false);
  EXPECT_EQ(fact.truth("hsts"), true);
  EXPECT_EQ(fact.truth("hsts_applicable"), true);
  EXPECT_EQ(fact.truth("external"), true);
  EXPECT_EQ(*fact.text("grade"), "A");
  EXPECT_EQ(fact.truth("caa"), std::nullopt) << "a scan doesn't ask the DNS";
  EXPECT_EQ(fact.valid_until, fact.at + kProbeValid);
}

TEST(ScanCollectorTest, BadAnswersAreBadValues) {
  EXPECT_EQ(only_fact(scan_text(with("W2", "plaintext answers", "yes"))).truth("plaintext_refused"), false);
  EXPECT_EQ(only_fact(scan_text(with("P3", "", "yes"))).list("versions")->front(), "TLS 1.0");
  EXPECT_EQ(only_fact(scan_text(with("C2", "RC4", "yes"))).list("weak")->front(), "C2 RC4");
  EXPECT_EQ(only_fact(scan_text(with("P6", "", "no"))).truth("tls13"), false);
  EXPECT_EQ(only_fact(scan_text(with("H12", "", "yes"))).truth("early_data_refused"), false);
  EXPECT_EQ(only_fact(scan_text(with("P9", "TLS 1.2", "no"))).truth("downgrade_resisted"), false);
  EXPECT_EQ(*only_fact(scan_text(with("X9", "revoked", "yes"))).text("staple"), "bad");
  EXPECT_EQ(only_fact(scan_text(with("W1", "hsts", "no"))).truth("hsts"), false);
  EXPECT_EQ(only_fact(scan_text(with("W6", "h2c", "yes"))).truth("plaintext_refused"), false);
  Scan plain_port = kGood;
  plain_port.push_back({"W2", "plain port answers", "yes"});
  EXPECT_EQ(only_fact(scan_text(plain_port)).truth("plaintext_refused"), false);
  EXPECT_EQ(only_fact(scan_text(kGood, "127.0.0.1:443")).truth("external"), false);
}

TEST(ScanCollectorTest, WithoutHttp2NothingAnswersByIt) {
  EXPECT_EQ(only_fact(scan_text(with("W6", "h2c", "not-applicable"))).truth("plaintext_refused"), true);
}

TEST(ScanCollectorTest, LifeOfTheCertificate) {
  const auto life = [](const char* detail) {
    Scan scan = kGood;
    scan.push_back({"X3", "valid", "yes", detail});
    return only_fact(scan_text(scan)).number("lifetime_days");
  };
  EXPECT_EQ(life("2026-11-01T00:00:00.000Z to 2026-11-06T23:59:59.000Z"), 6);
  EXPECT_EQ(life("expired: 2026-11-01T00:00:00.000Z to 2026-11-02T00:00:00.000Z"), 1);
  EXPECT_EQ(life("2026-11-02T00:00:00.000Z to 2026-11-01T00:00:00.000Z"), std::nullopt);
  EXPECT_EQ(life("soon"), std::nullopt);
  Scan responder = kGood;
  responder.push_back({"X7", "ocsp", "no"});
  EXPECT_EQ(only_fact(scan_text(responder)).truth("ocsp_responder"), false);
  EXPECT_EQ(only_fact(scan_text(kGood)).truth("ocsp_responder"), std::nullopt);
}

TEST(ScanCollectorTest, UnknownIsLeftOut) {
  for (const char* seen : {"unknown", ""}) {
    SCOPED_TRACE(seen);
    EXPECT_EQ(only_fact(scan_text(with("W2", "plaintext answers", seen))).truth("plaintext_refused"), std::nullopt);
    EXPECT_EQ(only_fact(scan_text(with("W6", "h2c", seen))).truth("plaintext_refused"), std::nullopt);
    EXPECT_EQ(only_fact(scan_text(with("P2", "", seen))).list("versions"), nullptr);
    EXPECT_EQ(only_fact(scan_text(with("P6", "", seen))).truth("tls13"), std::nullopt);
    EXPECT_EQ(only_fact(scan_text(with("H12", "", seen))).truth("early_data_refused"), std::nullopt);
    EXPECT_EQ(only_fact(scan_text(with("P9", "TLS 1.2", seen))).truth("downgrade_resisted"), std::nullopt);
    EXPECT_EQ(only_fact(scan_text(with("X9", "signed", seen))).text("staple"), nullptr);
    EXPECT_EQ(only_fact(scan_text(with("W1", "hsts", seen))).truth("hsts"), std::nullopt);
  }
  EXPECT_EQ(only_fact(scan_text(with("C2", "RC4", "unknown"))).list("weak"), nullptr);
}

class Sink final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  std::vector<Fact> facts;
};

TEST(ScanCollectorTest, TargetThatCouldNotBeScanned) {
  const Fact fact =
      only_fact(R"({"format":"cloister-scan/1","targets":[{"target":"other:1","time":"2026-11-18T10:00:00Z",)"
                R"("error":{"code":"unavailable","message":"connection refused"}}]})");
  EXPECT_EQ(fact.subject.id, "other:1");
  EXPECT_NE(fact.not_assessed->find("connection refused"), std::string::npos);
  EXPECT_TRUE(fact.values.empty());
}

TEST(ScanCollectorTest, NoResultOfAScan) {
  for (const char* text : {"", "{}", "[]", R"({"format":"other","targets":[]})", R"({"format":"cloister-scan/1"})",
                           R"({"format":"cloister-scan/1","targets":[{"target":"a:1"}]})",
                           R"({"format":"cloister-scan/1","targets":[{"target":"a:1","time":"2026-11-18T10:00:00Z"}]})",
                           R"({"format":"cloister-scan/1","targets":[7]})"}) {
    EXPECT_FALSE(scan_facts(estate(), text).ok()) << text;
  }
}

TEST(ScanCollectorTest, FileThatIsNoScanIsSaid) {
  const Estate declared = estate();
  ScanCollector collector({{"a.json", "{"}, {"b.json", scan_text(kGood)}});
  Sink sink;
  collector.collect({.estate = &declared, .now = kNow}, sink);
  ASSERT_EQ(sink.facts.size(), 3U);
  EXPECT_TRUE(sink.facts[0].not_assessed.has_value());
  EXPECT_EQ(sink.facts[1].kind, "tls.endpoint");
  EXPECT_FALSE(sink.facts[1].not_assessed.has_value());
}

TEST(ScanCollectorTest, ScanOfTheFuture) {
  const Estate declared = estate();
  ScanCollector collector({{"b.json", scan_text(kGood)}});
  Sink sink;
  collector.collect({.estate = &declared, .now = Time{1'000}}, sink);
  EXPECT_TRUE(sink.facts[0].not_assessed.has_value());
  EXPECT_TRUE(sink.facts[0].values.empty());
}

}  // namespace
}  // namespace cloister::posture
