#include "posture/evidence/bundle.h"

#include <gtest/gtest.h>

#include "posture/evidence/record.h"
#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

struct PostureBundle : ::testing::Test {
  Signer signer;
  audit::VerifierKey key = signer.note.verifier();

  Result<VerifiedBundle> verify(const std::string& file) const {
    return verify_bundle(file, {&key, 1}, built_in_catalogue());
  }
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return text;
  }
  // Without the line that begins so.
  static std::string without_line(std::string text, std::string_view begin) {
    const std::size_t at = text.find("\n" + std::string(begin)) + 1;
    EXPECT_NE(at, 0U) << begin;
    text.erase(at, text.find('\n', at) + 1 - at);
    return text;
  }
};

TEST_F(PostureBundle, SaysTheSameAgain) {
  const BundleContents contents = contents_of(example_materials());
  const VerifiedBundle verified = value_of(verify(signer.bundle(contents)));
  EXPECT_EQ(verified.signer, kSignerName);
  EXPECT_EQ(verified.posture.run, run_id(contents.materials));
  EXPECT_EQ(verdicts_json(verified.posture), contents.verdicts);
  EXPECT_EQ(verified.contents.materials.facts.size(), 3U);
  EXPECT_TRUE(verified.catalogue_differences.empty());
  EXPECT_EQ(verified.contents.materials.context.at("user"), "uid:1000");
}

TEST_F(PostureBundle, EveryByteIsSigned) {
  const std::string file = signer.bundle(contents_of(example_materials()));
  const std::size_t catalogue = file.find("\n{\"catalogue\""), after = file.find("\n{\"exceptions\"");
  // The catalogue is long, and one line of it like another.
  for (std::size_t i = 0; i + 1 < file.size(); i += i > catalogue && i < after ? 9973 : 199) {
    std::string copy = file;
    copy[i] = static_cast<char>(copy[i] ^ 1);
    EXPECT_FALSE(verify_signed(copy, {&key, 1}).ok()) << i;
  }
}

TEST_F(PostureBundle, DroppedFact) {
  const std::string file = signer.bundle(contents_of(example_materials()));
  expect_refused(verify(without_line(file, "{\"at\":\"")), Code::kCorrupt, "isn't what was signed");
}

TEST_F(PostureBundle, DroppedFactSignedAnew) {
  const std::string lines = value_of(bundle_lines(contents_of(example_materials())));
  expect_refused(verify(signer.bundle(without_line(lines, "{\"at\":\""))), Code::kCorrupt,
                 "it says that it has 3 facts");
}

TEST_F(PostureBundle, FactsThatSayLessThanTheVerdicts) {
  BundleContents contents = contents_of(materials_of({entry("corpus", true), entry("weights", true), scope()}));
  contents.materials = example_materials();
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "INV-01");
}

TEST_F(PostureBundle, FlippedVerdict) {
  BundleContents contents = contents_of(example_materials());
  const std::size_t controls = contents.verdicts.find("\"controls\":[");
  contents.verdicts = contents.verdicts.substr(0, controls) +
                      replaced(contents.verdicts.substr(controls), "\"status\":\"fail\"", "\"status\":\"pass\"");
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "it says pass, its facts come to fail");
}

TEST_F(PostureBundle, LevelThatWasNotReached) {
  BundleContents contents = contents_of(example_materials());
  contents.verdicts = replaced(contents.verdicts, "\"overall\":\"Unrated\"", "\"overall\":\"Strategic\"");
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "aren't what this program makes of its facts");
}

TEST_F(PostureBundle, ControlLeftOutOfTheVerdicts) {
  BundleContents contents = contents_of(example_materials());
  const std::size_t at = contents.verdicts.find("{\"control\":\"KEY-02\",\"status\"");
  ASSERT_NE(at, std::string::npos);
  const std::size_t end = contents.verdicts.find("{\"control\":\"KEY-03\",\"status\"");
  contents.verdicts.erase(at, end - at);
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "control KEY-02 is missing from its verdicts");
}

TEST_F(PostureBundle, ControlLeftOutOfTheCatalogue) {
  Materials materials = example_materials();
  const std::size_t at = materials.catalogue.find("[[control]]\nid = \"KEY-02\"");
  ASSERT_NE(at, std::string::npos);
  // With what belongs to it: up to the control after it.
  materials.catalogue.erase(at, materials.catalogue.find("[[control]]\n", at + 1) - at);
  const VerifiedBundle verified = value_of(verify(signer.bundle(contents_of(std::move(materials)))));
  ASSERT_FALSE(verified.catalogue_differences.empty());
  EXPECT_EQ(verified.catalogue_differences.front(), "control KEY-02 is missing from its catalogue");
}

TEST_F(PostureBundle, ControlThatAsksForLess) {
  Materials materials = example_materials();
  const std::size_t at = materials.catalogue.find("critical = \"yes\"");
  ASSERT_NE(at, std::string::npos);
  materials.catalogue.erase(at, 17);  // with its line feed
  const VerifiedBundle verified = value_of(verify(signer.bundle(contents_of(std::move(materials)))));
  ASSERT_EQ(verified.catalogue_differences.size(), 1U);
  EXPECT_NE(verified.catalogue_differences.front().find("asks for something else"), std::string::npos);
}

TEST_F(PostureBundle, BackDatedFact) {
  const std::string file = signer.bundle(contents_of(example_materials()));
  const std::string at = "\"at\":\"" + to_rfc3339(kRunTime) + "\",\"collector\"";
  const std::string earlier = "\"at\":\"" + to_rfc3339(kRunTime + Duration{-1000}) + "\",\"collector\"";
  expect_refused(verify(replaced(file, at, earlier)), Code::kCorrupt, "isn't what was signed");
}

TEST_F(PostureBundle, FactOfTheFuture) {
  const BundleContents contents = contents_of(materials_of({entry("corpus", true, kRunTime + hours(1)), scope()}));
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "is from after the run");
}

TEST_F(PostureBundle, RunThatSawFactsOfTheFutureVerifies) {
  Fact fact = entry("weights", true);
  fact.valid_until = fact.at + days(730);
  const std::vector<Fact> facts = dated({entry("corpus", true, kRunTime + hours(1)), fact, scope()}, kRunTime);
  EXPECT_TRUE(verify(signer.bundle(contents_of(materials_of(facts)))).ok());
}

TEST_F(PostureBundle, FactThatIsValidForEver) {
  Fact fact = entry("corpus", true);
  fact.valid_until = fact.at + days(3650);
  expect_refused(verify(signer.bundle(contents_of(materials_of({fact, scope()})))), Code::kCorrupt, "for over a year");
}

TEST_F(PostureBundle, FactThereTwice) {
  BundleContents contents = contents_of(example_materials());
  contents.materials.facts.push_back(contents.materials.facts.back());
  contents.verdicts = contents_of(contents.materials).verdicts;
  expect_refused(verify(signer.bundle(contents)), Code::kCorrupt, "one is there twice");
}

TEST_F(PostureBundle, AnotherRunsId) {
  BundleContents contents = contents_of(example_materials());
  const std::string lines = value_of(bundle_lines(contents));
  const std::string run = run_id(contents.materials);
  expect_refused(verify(signer.bundle(replaced(lines, run, std::string(32, 'a')))), Code::kCorrupt, "run's id");
}

TEST_F(PostureBundle, UnknownSigner) {
  const Signer stranger{audit::signing_key(8)};
  expect_refused(verify(stranger.bundle(contents_of(example_materials()))), Code::kDenied, "");
}

TEST_F(PostureBundle, NoteOfAnotherRun) {
  const std::string one = value_of(bundle_lines(contents_of(example_materials())));
  const std::string other = value_of(bundle_lines(contents_of(materials_of({scope()}))));
  expect_refused(verify(format_bundle(one, signer.sign(value_of(bundle_text(other))))), Code::kCorrupt,
                 "isn't what was signed");
}

TEST_F(PostureBundle, RecordThatNobodySigned) {
  Fact record;
  record.kind = "record";
  record.collector = "record/1";
  record.method = Method::kRecord;
  record.at = kRunTime;
  record.valid_until = kRunTime + days(90);
  record.values = {{"record", std::string("review")}, {"owner", std::string("ada")}};
  expect_refused(verify(signer.bundle(contents_of(materials_of({record})))), Code::kCorrupt, "a record");
  record.raw = signer.sign(record_text(record));
  EXPECT_TRUE(verify(signer.bundle(contents_of(materials_of({record})))).ok());
  record.values["owner"] = std::string("eve");
  expect_refused(verify(signer.bundle(contents_of(materials_of({record})))), Code::kCorrupt, "isn't what was signed");
}

TEST_F(PostureBundle, NoBundleAtAll) {
  for (const std::string_view text : {"", "\n\n\n\n\n\n\n", "{}\n{}\n{}\n{}\n{}\n{}\n{}\n", "not json"}) {
    EXPECT_FALSE(read_bundle(text).ok()) << text;
  }
  const std::string file = signer.bundle(contents_of(example_materials()));
  expect_refused(verify(replaced(file, "cloister-posture-bundle/1", "cloister-posture-bundle/2")), Code::kUnsupported,
                 "format");
  expect_refused(verify(file.substr(0, file.size() / 2)), Code::kInvalid, "");
}

TEST_F(PostureBundle, ExceptionsAreJudgedAgain) {
  Materials materials = example_materials();
  materials.exceptions = "[[exception]]\ncontrol = \"INV-01\"\n";
  EXPECT_FALSE(posture_of(materials).ok());
}

}  // namespace
}  // namespace cloister::posture
