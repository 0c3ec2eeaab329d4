// Facts as JSON: one spelling, one name, and nothing that isn't a fact.
#include "posture/fact.h"

#include <gtest/gtest.h>

#include "base/canonical_json.h"

namespace cloister::posture {
namespace {

Fact sample() {
  Fact fact;
  fact.kind = "storage.encryption";
  fact.subject = {SubjectKind::kLocation, "corpus"};
  fact.collector = "local-storage/1";
  fact.scope = "uid 1000, /srv/corpus";
  fact.at = Time{1'000};
  fact.valid_until = Time{2'000};
  fact.values = {{"encrypted", std::string("yes")},
                 {"aead", true},
                 {"key_bits", std::int64_t{256}},
                 {"key_ids", std::vector<std::string>{"a", "b"}}};
  fact.raw = "{\"x\":1}";
  return fact;
}

TEST(FactTest, JsonAndBackIsTheSameFact) {
  const Fact fact = sample();
  const Result<Fact> back = parse_fact(fact_json(fact));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->id(), fact.id());
  EXPECT_EQ(*back->text("encrypted"), "yes");
  EXPECT_EQ(back->truth("aead"), true);
  EXPECT_EQ(back->number("key_bits"), 256);
  EXPECT_EQ(back->list("key_ids")->size(), 2U);
  EXPECT_EQ(back->text("aead"), nullptr) << "of another type";
}

TEST(FactTest, TextIsCanonicalJson) {
  Fact fact = sample();
  fact.subject.id = "a\"b\\c\b\t\n\f\r\x01\x1f\x7f\xc2\x9f\xff/é模";
  fact.scope = "";
  fact.values = {{"", true},
                 {"z", std::string("{")},
                 {"a\n", std::vector<std::string>{}},
                 {"\xef\xbf\xbd", std::int64_t{1}},
                 {"\xf0\x9f\x99\x82", std::int64_t{-9'223'372'036'854'775'807}},
                 {"\xee\x80\x80", std::vector<std::string>{"", "[", "\xff"}},
                 {"\xed\x9f\xbf", std::int64_t{9'223'372'036'854'775'807}}};
  const std::string text = fact_json(fact);
  const Result<JsonValue> json = parse_json(text);
  ASSERT_TRUE(json.ok()) << text;
  EXPECT_EQ(*canonical_json(*json), text);
  fact.values.clear();
  fact.not_assessed = "refused";
  EXPECT_EQ(*canonical_json(*parse_json(fact_json(fact))), fact_json(fact));
}

TEST(FactTest, EveryPartChangesTheName) {
  const std::string id = sample().id();
  Fact other = sample();
  other.simulated = true;
  EXPECT_NE(other.id(), id);
  other = sample();
  other.valid_until.unix_ms += 1;
  EXPECT_NE(other.id(), id);
  other = sample();
  other.raw += " ";
  EXPECT_NE(other.id(), id);
}

TEST(FactTest, HostileNamesAndNumbersHaveASpelling) {
  Fact fact = sample();
  fact.subject.id = "corpus#a\xff\xc3\x28\n\xe2\x82\xac";
  fact.values["size"] = INT64_MAX;
  const Result<Fact> back = parse_fact(fact_json(fact));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->subject.id, "corpus#a\\xff\\xc3(\n\xe2\x82\xac");
  EXPECT_EQ(back->number("size"), (std::int64_t{1} << 53) - 1);
}

TEST(FactTest, ValuesBesideNotAssessedRefused) {
  Fact fact = sample();
  fact.not_assessed = "permission denied";
  EXPECT_FALSE(parse_fact(fact_json(fact)).ok());
  fact.values.clear();
  EXPECT_TRUE(parse_fact(fact_json(fact)).ok());
}

TEST(FactTest, AnotherSpellingRefused) {
  const std::string text = fact_json(sample());
  EXPECT_FALSE(parse_fact(text + " ").ok());
  EXPECT_FALSE(parse_fact("{}").ok());
  EXPECT_FALSE(parse_fact(text.substr(1)).ok());
}

}  // namespace
}  // namespace cloister::posture
