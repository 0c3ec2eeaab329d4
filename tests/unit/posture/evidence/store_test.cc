#include "posture/evidence/store.h"

#include <gtest/gtest.h>

#include "posture/evidence/store_check.h"
#include "seal/append_log.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/posture/evidence/run_fixture.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

struct EvidenceStoreTest : ::testing::Test {
  testing::TempDir folder;
  testing::DeterministicRandom random{1};
  testing::LocalKey key{1, random};
  Signer signer;
  audit::VerifierKey verifier = signer.note.verifier();

  EvidenceStore open() {
    seal::PublicContext context;
    context.tenant = "posture";
    context.dataset = "evidence";
    return value_of(EvidenceStore::open(folder / "store", context, {&key}, random));
  }
  // Keeps a run of that time; returns its root.
  std::string keep(const EvidenceStore& store, Time at, const std::string& previous) {
    const BundleContents contents = contents_of(materials_of({entry("corpus", true, at)}, at), previous);
    const std::string lines = value_of(bundle_lines(contents));
    EXPECT_TRUE(store.add(run_id(contents.materials), at, signer.bundle(lines)).ok());
    return root_of(value_of(bundle_text(lines)));
  }
  Fact check(const EvidenceStore& store, const std::map<std::string, std::string>& logged) {
    return check_store(
        store, verifier, built_in_catalogue(),
        [&](const std::string& run) -> std::optional<std::string> {
          const auto found = logged.find(run);
          return found == logged.end() ? std::optional<std::string>() : found->second;
        },
        "cloister test", kRunTime);
  }
};

TEST_F(EvidenceStoreTest, KeepsRunsInTheirOrder) {
  const EvidenceStore store = open();
  EXPECT_TRUE(value_of(store.runs()).empty());
  keep(store, kRunTime + days(1), "");
  keep(store, kRunTime, "");
  const std::vector<RunFile> runs = value_of(store.runs());
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_LT(runs[0].at, runs[1].at);
  const ReadBundle bundle = value_of(verify_signed(value_of(store.read(runs[0])), {&verifier, 1}));
  EXPECT_EQ(bundle.contents.materials.at, kRunTime);
}

TEST_F(EvidenceStoreTest, NoRunIsReplaced) {
  const EvidenceStore store = open();
  keep(store, kRunTime, "");
  const RunFile run = value_of(store.runs()).front();
  const std::string before = value_of(store.read(run));
  expect_refused(store.add(run.run, run.at, "another text"), Code::kExists, "");
  EXPECT_EQ(value_of(store.read(run)), before);
}

TEST_F(EvidenceStoreTest, SecondWriter) {
  const EvidenceStore store = open();
  expect_refused(EvidenceStore::open(folder / "store", {}, {&key}, random), Code::kUnavailable, "evidence store");
}

TEST_F(EvidenceStoreTest, WrongKey) {
  const EvidenceStore store = open();
  keep(store, kRunTime, "");
  testing::LocalKey other(2, random);
  const RunFile run = value_of(store.runs()).front();
  const File file = value_of(File::open(run.path));
  const Bytes sealed = value_of(read_rest(file, 1 << 24));
  EXPECT_EQ(as_text(sealed).find("corpus"), std::string_view::npos);
  std::vector<crypto::KeyWrapper*> wrappers = {&other};
  EXPECT_FALSE(seal::read_log(file, wrappers, [](ByteView) { return ok_status(); }).ok());
}

TEST_F(EvidenceStoreTest, RunUnderAnotherName) {
  const EvidenceStore store = open();
  keep(store, kRunTime, "");
  RunFile run = value_of(store.runs()).front();
  Path other = run.path.parent_path() / ("001795000000001-" + std::string(32, 'a') + ".sealed");
  std::filesystem::copy_file(run.path, other);
  const RunFile moved = value_of(store.runs()).back();
  expect_refused(store.read(moved), Code::kCorrupt, "holds another run");
}

TEST_F(EvidenceStoreTest, CutOffOrFlipped) {
  const EvidenceStore store = open();
  keep(store, kRunTime, "");
  const RunFile run = value_of(store.runs()).front();
  const Bytes whole = value_of(read_file(run.path, 1 << 24));
  ASSERT_TRUE(write_file(run.path, ByteView(whole).first(whole.size() - 4096), Overwrite::kReplace).ok());
  EXPECT_FALSE(store.read(run).ok());
  Bytes flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  ASSERT_TRUE(write_file(run.path, flipped, Overwrite::kReplace).ok());
  EXPECT_FALSE(store.read(run).ok());
}

TEST_F(EvidenceStoreTest, KilledWriterLeavesNothingBehind) {
  {
    const EvidenceStore store = open();
  }
  const Path part = folder / "store" / ("001795000000000-" + std::string(32, 'b') + ".sealed.part");
  ASSERT_TRUE(write_file(part, as_bytes("half"), Overwrite::kRefuse).ok());
  const EvidenceStore store = open();
  EXPECT_TRUE(value_of(store.runs()).empty());
  EXPECT_TRUE(std::filesystem::exists(part));  // who only reads removes nothing
  keep(store, kRunTime, "");
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST_F(EvidenceStoreTest, FilesOfSomebodyElseStay) {
  const EvidenceStore store = open();
  const Path download = folder / "store" / "film.part", other = folder / "store" / "records.log.sealed.part";
  ASSERT_TRUE(write_file(download, as_bytes("half"), Overwrite::kRefuse).ok());
  ASSERT_TRUE(write_file(other, as_bytes("half"), Overwrite::kRefuse).ok());
  keep(store, kRunTime, "");
  EXPECT_TRUE(std::filesystem::exists(download));
  EXPECT_TRUE(std::filesystem::exists(other));
}

TEST_F(EvidenceStoreTest, RetentionKeepsTheNewest) {
  const EvidenceStore store = open();
  expect_refused(store.set_retention_days(30), Code::kInvalid, "183");
  ASSERT_TRUE(store.set_retention_days(200).ok());
  keep(store, kRunTime, "");
  keep(store, kRunTime + days(10), "");
  EXPECT_TRUE(value_of(store.expire(kRunTime + days(200))).empty());
  EXPECT_EQ(value_of(store.expire(kRunTime + days(201))).size(), 1U);
  EXPECT_TRUE(value_of(store.expire(kRunTime + days(5000))).empty());
  EXPECT_EQ(value_of(store.runs()).size(), 1U);
}

TEST_F(EvidenceStoreTest, RecordsInTheirOrder) {
  const EvidenceStore store = open();
  EXPECT_TRUE(value_of(store.records()).empty());
  ASSERT_TRUE(store.add_record("one", kRunTime).ok());
  ASSERT_TRUE(store.add_record("two", kRunTime).ok());
  EXPECT_EQ(value_of(store.records()), (std::vector<std::string>{"one", "two"}));
}

TEST_F(EvidenceStoreTest, CheckOfAWholeStore) {
  const EvidenceStore store = open();
  EXPECT_TRUE(check(store, {}).not_assessed.has_value());
  const std::string first = keep(store, kRunTime, "");
  const std::string second = keep(store, kRunTime + hours(1), first);
  const std::vector<RunFile> runs = value_of(store.runs());
  const Fact fact = check(store, {{runs[0].run, first}, {runs[1].run, second}});
  EXPECT_EQ(fact.number("verified"), 2);
  for (const char* name : {"signed", "chained", "tamper_detected", "anchored"})
    EXPECT_EQ(fact.truth(name), true) << name;
  EXPECT_EQ(check(store, {{runs[0].run, first}}).truth("anchored"), false);
}

TEST_F(EvidenceStoreTest, CheckOfAStoreWithAGap) {
  const EvidenceStore store = open();
  const std::string first = keep(store, kRunTime, "");
  const std::string second = keep(store, kRunTime + hours(1), first);
  keep(store, kRunTime + hours(2), second);
  std::filesystem::remove(value_of(store.runs())[1].path);
  EXPECT_EQ(check(store, {}).truth("chained"), false);
}

TEST_F(EvidenceStoreTest, CheckOfAStrangersRun) {
  const EvidenceStore store = open();
  const Signer stranger{audit::signing_key(9)};
  const BundleContents contents = contents_of(materials_of({entry("corpus", true)}));
  ASSERT_TRUE(store.add(run_id(contents.materials), kRunTime, stranger.bundle(contents)).ok());
  const Fact fact = check(store, {});
  EXPECT_EQ(fact.number("sampled"), 1);
  EXPECT_EQ(fact.number("verified"), 0);
  EXPECT_EQ(fact.truth("signed"), false);
}

}  // namespace
}  // namespace cloister::posture
