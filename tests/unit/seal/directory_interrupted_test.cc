// Sealing directories that stops and goes on.
#include "seal/append_log.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "tests/unit/seal/directory_fixture.h"

namespace cloister::seal {
namespace {

TEST_F(InterruptedTest, SealingGoesOnAfterEveryObject) {
  for (const StoredNames names : {StoredNames::kOriginal, StoredNames::kRandom}) {
    for (int calls = 0; calls <= 5; ++calls) {
      fs::remove_all(sealed_);
      seal_stopping_after(calls, names);
      EXPECT_FALSE(verify().ok());
      DirectorySealOptions again = options();
      again.stored_names = names;
      const DirectorySummary summary = must(seal(again));
      EXPECT_EQ(summary.objects_kept, static_cast<std::uint64_t>(std::max(0, calls - 1))) << calls;
      EXPECT_EQ(summary.objects_kept + summary.objects_sealed, 4U);
      EXPECT_EQ(summary.objects_removed, 0U);
      ASSERT_TRUE(verify().ok()) << calls;
      EXPECT_EQ(contents(sealed_).size(), 5U);
      expect_opens_to_the_source();
    }
  }
}

TEST_F(InterruptedTest, ChangedAndRemovedSourcesAreNotKept) {
  seal_stopping_after(5);
  std::ofstream(source_ / "a.txt") << "ALPHA";  // the size stays
  fs::remove(source_ / "deep/c");
  const DirectorySummary summary = must(seal());
  EXPECT_EQ(summary.objects_sealed, 1U);
  EXPECT_EQ(summary.objects_kept, 2U);
  EXPECT_EQ(summary.objects_removed, 1U);
  must(verify());
  expect_opens_to_the_source();
}

// The journal says it is done; what lies there is something else.
TEST_F(InterruptedTest, JournaledObjectThatIsGoneOrAnother) {
  seal_stopping_after(5);
  auto files = contents(sealed_);
  files.erase("a.txt.sealed");
  files["empty.sealed"] = files["deep/c.sealed"];
  store(sealed_, files);
  const DirectorySummary summary = must(seal());
  EXPECT_EQ(summary.objects_sealed, 2U);
  EXPECT_EQ(summary.objects_kept, 2U);
  must(verify());
  expect_opens_to_the_source();
}

TEST_F(InterruptedTest, JournalRecordsThatDontFit) {
  seal_stopping_after(4);
  const auto sealed = contents(sealed_);
  ASSERT_TRUE(sealed.contains("a.txt.sealed"));
  const DirectoryKeys keys = keys_.directory_keys();
  for (const bool length : {true, false}) {
    store(sealed_, sealed);
    {
      auto journal = must(Journal::open_seal(sealed_, options().object, keys, keys_.random));
      ASSERT_EQ(journal->done().size(), 3U);
      JournalEntry record = journal->done().at("a.txt");
      record.object.plaintext_len += length ? 1 : 0;
      record.object.object_id[0] ^= length ? 0 : 1;
      must(journal->add(record));
      must(journal->flush());
    }
    EXPECT_EQ(must(seal()).objects_kept, 2U);
    must(verify());
    expect_opens_to_the_source();
  }
}

TEST_F(InterruptedTest, JournalCutAnywhere) {
  seal_stopping_after(5);
  const auto files = contents(sealed_);
  const std::string& journal = files.at(std::string(kJournalName));
  for (std::size_t size = 0; size <= journal.size(); size += 1024) {
    auto cut = files;
    cut[std::string(kJournalName)] = journal.substr(0, size);
    store(sealed_, cut);
    must(seal());
    ASSERT_TRUE(verify().ok()) << size;
  }
}

// Stopped after the manifest was written, before the journal was removed.
TEST_F(InterruptedTest, JournalLeftBesideTheManifest) {
  seal_stopping_after(5);
  const std::string journal = contents(sealed_).at(std::string(kJournalName));
  must(seal());
  std::ofstream(sealed_ / kJournalName, std::ios::binary) << journal;
  expect_finding(std::string(kJournalName), "interrupted");
  expect_error(rekey(), Code::kExists, "finish that first");
  EXPECT_EQ(must(seal()).objects_kept, 4U);
  must(verify());
  EXPECT_EQ(manifest().sequence, 2U);
}

TEST_F(InterruptedTest, JournalOfAnotherDirectory) {
  seal_stopping_after(5);
  const std::string journal = contents(sealed_).at(std::string(kJournalName));
  fs::remove_all(sealed_);
  must(seal());
  std::ofstream(sealed_ / kJournalName, std::ios::binary) << journal;
  expect_error(seal(), Code::kExists, "is a sealed directory already");
}

TEST_F(InterruptedTest, JournalOfAnotherDatasetOrTenant) {
  seal_stopping_after(5);
  DatasetKeys other(2, {"globex", "", "faces"});
  DirectorySealOptions theirs = options();
  theirs.object.context = other.context();
  Progress progress;
  expect_error(seal_directory(source_, sealed_, theirs, other.directory_keys(), keys_.system_random, progress),
               Code::kInvalid, "belongs to acme");
}

// MF-5: a journal by somebody who may only write for the dataset.
TEST_F(InterruptedTest, JournalThatIsNotSigned) {
  const crypto::HpkePublicKey recipient = must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  keys_.refresh();
  crypto::HpkeSealer sealer(recipient, keys_.random);
  const std::array<crypto::KeyWrapper*, 1> write_only{&sealer};
  const crypto::SigningKey forger = crypto::SigningKey::generate(keys_.random);
  DirectoryKeys forged = keys_.directory_keys();
  forged.wrappers = write_only;
  forged.signing_key = &forger;
  fs::create_directories(sealed_);
  {
    // The forger can't read it back, but it is written.
    auto journal = Journal::open_seal(sealed_, options().object, forged, keys_.random);
    ASSERT_FALSE(journal.ok());
    LogOptions log_options;
    log_options.context = keys_.context();
    LogWriter log = must(LogWriter::open(sealed_ / kJournalName, log_options, write_only, keys_.random));
    Bytes frame = to_bytes(as_bytes("CLSRJNL1\x01"));
    frame.resize(frame.size() + 16 + 64);
    must(log.append(frame));
  }
  expect_error(seal(), Code::kCorrupt, "journal");
  EXPECT_FALSE(fs::exists(sealed_ / kManifestName));
}

TEST_F(InterruptedTest, JournalThatIsALink) {
  fs::create_directories(sealed_);
  const Path elsewhere = folder_ / "elsewhere";
  fs::create_symlink(elsewhere, sealed_ / kJournalName);
  expect_error(seal(), Code::kExists, "not empty");
  EXPECT_FALSE(fs::exists(elsewhere));
  std::ofstream(elsewhere) << "";
  expect_error(seal(), Code::kCorrupt, "symbolic link");
  EXPECT_EQ(fs::file_size(elsewhere), 0U);
  fs::remove(sealed_ / kJournalName);
  ASSERT_EQ(::mkfifo((sealed_ / kJournalName).c_str(), 0600), 0);
  expect_error(seal(), Code::kInvalid, "not a regular file");
  fs::remove(sealed_ / kJournalName);
  must(seal());
  must(verify());
}

TEST_F(InterruptedTest, SecondSealerIsLockedOut) {
  fs::create_directories(sealed_);
  const DirectoryKeys keys = keys_.directory_keys();
  auto journal = must(Journal::open_seal(sealed_, options().object, keys, keys_.random));
  expect_error(seal(), Code::kUnavailable, "another process");
  journal.reset();
  must(seal());
  must(verify());
}

}  // namespace
}  // namespace cloister::seal
