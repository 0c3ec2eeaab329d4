#include "posture/fix/plan.h"

#include <gtest/gtest.h>

#include "posture/shell_word.h"
#include "tests/support/expect.h"

namespace cloister::posture::fix {
namespace {

using testing::expect_refused;
using testing::value_of;

Location corpus() {
  Location location;
  location.name = "corpus";
  location.address = "file:/srv/corpus";
  return location;
}

Fact scan_of(const std::string& location) {
  Fact fact;
  fact.kind = "content.scan";
  fact.subject = {SubjectKind::kLocation, location};
  fact.values = {{"canaries_right", true}, {"complete", true}};
  return fact;
}

Fact object(const std::string& subject, const std::string& verdict, const std::string& type) {
  Fact fact;
  fact.kind = "content.object";
  fact.subject = {SubjectKind::kObject, subject};
  fact.values = {{"verdict", verdict}, {"type", type}, {"bytes", std::int64_t{12}}};
  return fact;
}

TEST(FixPlan, ReadableFilesAreSealedAndOthersNamed) {
  const std::vector<Fact> facts = {scan_of("corpus"),
                                   object("corpus#b.csv", "plaintext", "csv"),
                                   object("corpus#a/train.jsonl.gz", "compressed", "gzip:jsonl"),
                                   object("corpus#weights", "plaintext_unknown_type", ""),
                                   object("corpus#noise", "high_entropy_unknown", ""),
                                   object("corpus#id_rsa", "plaintext", "key:pem-private-key"),
                                   object("corpus#x.age", "encrypted", "age"),
                                   object("corpus-2#other.csv", "plaintext", "csv")};
  const Plan plan = value_of(plan_for(corpus(), facts));
  ASSERT_EQ(plan.steps.size(), 3U);
  EXPECT_EQ(plan.steps[0].source, "/srv/corpus/a/train.jsonl.gz");
  EXPECT_EQ(plan.steps[0].root, "/srv/corpus");
  EXPECT_EQ(plan.steps[0].folder, "a");
  EXPECT_EQ(plan.steps[1].target(), "/srv/corpus/b.csv.sealed");
  EXPECT_EQ(plan.steps[1].folder, "");
  ASSERT_EQ(plan.left.size(), 2U);
  EXPECT_EQ(plan.left[1], "id_rsa: a key in the clear: replace it, then erase it");
}

TEST(FixPlan, ALocationThatIsOneFile) {
  const Plan plan =
      value_of(plan_for(corpus(), std::vector<Fact>{scan_of("corpus"), object("corpus#", "plaintext", "gguf")}));
  ASSERT_EQ(plan.steps.size(), 1U);
  EXPECT_EQ(plan.steps[0].source, "/srv/corpus");
  EXPECT_EQ(plan.steps[0].root, "/srv");
  EXPECT_EQ(plan.steps[0].folder, "");
}

TEST(FixPlan, WherePlaintextIsAllowedNothingIsPlanned) {
  Location location = corpus();
  location.plaintext_allowed = "public data";
  const std::vector<Fact> facts = {scan_of("corpus"), object("corpus#b.csv", "plaintext", "csv")};
  EXPECT_TRUE(value_of(plan_for(location, facts)).steps.empty());
}

TEST(FixPlan, WhatNobodyLookedAt) {
  expect_refused(plan_for(corpus(), {}), Code::kNotFound, "nobody looked");
  Fact blind = scan_of("corpus");
  blind.not_assessed = "permission denied";
  expect_refused(plan_for(corpus(), std::vector<Fact>{blind}), Code::kUnavailable, "permission denied");
  Location bucket = corpus();
  bucket.address = "s3://bucket";
  expect_refused(plan_for(bucket, {}), Code::kInvalid, "no path");
}

TEST(FixPlan, AVoidScanPlansNothing) {
  Fact scan = scan_of("corpus");
  scan.values = {{"canaries_right", false}, {"complete", false}};
  expect_refused(plan_for(corpus(), std::vector<Fact>{scan}), Code::kUnavailable, "void");
  scan.values = {{"complete", true}};
  expect_refused(plan_for(corpus(), std::vector<Fact>{scan}), Code::kUnavailable, "void");
}

TEST(FixPlan, WhatAScanCouldNotLookAtIsNamedOnce) {
  Fact scan = scan_of("corpus");
  scan.values = {{"canaries_right", true}, {"complete", false}};
  scan.raw = "locked: permission denied\na\x1B[31m: permission denied\nx.csv: it can't be read\n";
  Fact object_fact = object("corpus#x.csv", "unreadable", "");
  object_fact.raw = "it can't be read";
  const Plan plan = value_of(plan_for(corpus(), std::vector<Fact>{scan, object_fact}));
  EXPECT_FALSE(plan.complete);
  EXPECT_EQ(plan.left, (std::vector<std::string>{"x.csv: it can't be read", "locked: permission denied",
                                                 "$'a\\x1b[31m: permission denied'"}));
  scan.raw = "";
  EXPECT_EQ(value_of(plan_for(corpus(), std::vector<Fact>{scan})).left.size(), 1U);
  EXPECT_TRUE(value_of(plan_for(corpus(), std::vector<Fact>{scan_of("corpus")})).complete);
}

TEST(FixPlan, HostileNamesAreOneWord) {
  EXPECT_EQ(shell_word("/srv/a.csv"), "/srv/a.csv");
  EXPECT_EQ(shell_word("/srv/a b"), "'/srv/a b'");
  EXPECT_EQ(shell_word("it's; rm -rf $HOME"), "'it'\\''s; rm -rf $HOME'");
  EXPECT_EQ(shell_word("a\n\x1B[31m\xFF'\\"), "$'a\\x0a\\x1b[31m\\xff\\x27\\x5c'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("-rf"), "'-rf'");
}

TEST(FixPlan, CommandsSealVerifyAndOnlyThenRemove) {
  const Plan plan =
      value_of(plan_for(corpus(), std::vector<Fact>{scan_of("corpus"), object("corpus#a b.csv", "plaintext", "csv")}));
  EXPECT_EQ(commands(plan, "acme/corpus"),
            "cloister seal '/srv/corpus/a b.csv' '/srv/corpus/a b.csv.sealed' --dataset acme/corpus && cloister verify "
            "'/srv/corpus/a b.csv.sealed' && rm '/srv/corpus/a b.csv'\n");
}

}  // namespace
}  // namespace cloister::posture::fix
