// Sealing and re-keying directories that stop and go on.
#include <gtest/gtest.h>

#include "seal/append_log.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "tests/unit/seal/directory_fixture.h"

namespace cloister::seal {
namespace {

// Lets `calls` keys be wrapped, then fails: the work stops where it is, as if killed.
class StoppingKey final : public crypto::KeyWrapper {
 public:
  StoppingKey(crypto::KeyWrapper& inner, int calls) : inner_(inner), calls_(calls) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    if (calls_-- <= 0) return Error(Code::kUnavailable, "stopped");
    return inner_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    return inner_.unwrap(wrapped, context);
  }

 private:
  crypto::KeyWrapper& inner_;
  std::atomic<int> calls_;
};

class InterruptedTest : public DirectoryTest {
 protected:
  // The first call wraps the journal's key, the last the manifest's.
  DirectoryKeys stopping_after(int calls) {
    stopping_.emplace(*keys_.wrapper, calls);
    stopping_wrappers_ = {&*stopping_};
    DirectoryKeys keys = keys_.directory_keys();
    keys.wrappers = stopping_wrappers_;
    return keys;
  }
  void seal_stopping_after(int calls, StoredNames names = StoredNames::kOriginal) {
    Progress progress;
    DirectorySealOptions stopped = options();
    stopped.stored_names = names;
    expect_error(seal_directory(source_, sealed_, stopped, stopping_after(calls), keys_.system_random, progress),
                 Code::kUnavailable, "stopped");
  }

  std::optional<StoppingKey> stopping_;
  std::array<crypto::KeyWrapper*, 1> stopping_wrappers_{};
};

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
    auto journal = Journal::open(sealed_, JournalWork::kSeal, options().object, forged, keys_.random);
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

TEST_F(InterruptedTest, SecondSealerIsLockedOut) {
  fs::create_directories(sealed_);
  const DirectoryKeys keys = keys_.directory_keys();
  auto journal = must(Journal::open(sealed_, JournalWork::kSeal, options().object, keys, keys_.random));
  expect_error(seal(), Code::kUnavailable, "another process");
  journal.reset();
  must(seal());
  must(verify());
}

using RekeyTest = InterruptedTest;

TEST_F(RekeyTest, EveryObjectHasANewKeyAndTheSameText) {
  write("large", std::string(kLargeFile + 5, 'l'));
  must(seal());
  const Manifest before = manifest();
  const auto old = contents(sealed_);
  const DirectorySummary summary = must(rekey());
  EXPECT_EQ(summary.objects_sealed, 5U);
  const Manifest after = manifest();
  EXPECT_EQ(after.sequence, before.sequence + 1);
  EXPECT_EQ(after.directory_id, before.directory_id);
  EXPECT_EQ(after.created, kNow + hours(1));
  for (std::size_t i = 0; i < after.entries.size(); ++i) {
    EXPECT_EQ(after.entries[i].stored_name, before.entries[i].stored_name);
    EXPECT_NE(after.entries[i].object_id, before.entries[i].object_id);
  }
  EXPECT_EQ(contents(sealed_).size(), old.size());
  must(verify());
  expect_opens_to_the_source();
}

TEST_F(RekeyTest, GoesOnAfterEveryObject) {
  must(seal());
  const auto sealed = contents(sealed_);
  for (int calls = 0; calls <= 5; ++calls) {
    store(sealed_, sealed);
    Progress progress;
    expect_error(rekey_directory(sealed_, options().object, stopping_after(calls), kNow, keys_.system_random, progress),
                 Code::kUnavailable, "stopped");
    if (calls > 0) {
      EXPECT_FALSE(verify().ok());
    }
    const DirectorySummary summary = must(rekey());
    EXPECT_EQ(summary.objects_kept, static_cast<std::uint64_t>(std::max(0, calls - 1)));
    ASSERT_TRUE(verify().ok()) << calls;
    EXPECT_EQ(manifest().sequence, 2U);
    EXPECT_EQ(contents(sealed_).size(), 5U);
    expect_opens_to_the_source();
  }
}

// Killed before the journal knew of an object: it still waits under its other name, and is made anew.
TEST_F(RekeyTest, LeftoversAreRemoved) {
  must(seal());
  auto files = contents(sealed_);
  files["a.txt.sealed.rekeyed"] = "half";
  files["deep/.c.sealed.rekeyed.part-1-0"] = "half";
  store(sealed_, files);
  must(rekey());
  EXPECT_EQ(contents(sealed_).size(), 5U);
  must(verify());
}

// Journaled, and stopped before it took its name; or after.
TEST_F(RekeyTest, StoppedAroundARename) {
  must(seal());
  const auto old = contents(sealed_);
  Progress progress;
  expect_error(rekey_directory(sealed_, options().object, stopping_after(5), kNow, keys_.system_random, progress),
               Code::kUnavailable, "stopped");
  auto files = contents(sealed_);
  files["a.txt.sealed.rekeyed"] = files["a.txt.sealed"];
  files["a.txt.sealed"] = old.at("a.txt.sealed");
  store(sealed_, files);
  EXPECT_EQ(must(rekey()).objects_kept, 4U);
  must(verify());

  store(sealed_, old);  // the renamed file was lost: the old one is sealed again
  expect_error(rekey_directory(sealed_, options().object, stopping_after(5), kNow, keys_.system_random, progress),
               Code::kUnavailable, "stopped");
  files = contents(sealed_);
  files["a.txt.sealed"] = old.at("a.txt.sealed");
  store(sealed_, files);
  EXPECT_EQ(must(rekey()).objects_kept, 3U);
  must(verify());
  expect_opens_to_the_source();
}

TEST_F(RekeyTest, DamagedObjectsAreNotGivenANewSignature) {
  must(seal());
  auto files = contents(sealed_);
  files["deep/er/b.bin.sealed"][20'000] ^= 1;
  store(sealed_, files);
  expect_error(rekey(), Code::kCorrupt, "b.bin.sealed");
  files = contents(sealed_);
  std::swap(files["a.txt.sealed"], files["empty.sealed"]);
  store(sealed_, files);
  expect_error(rekey(), Code::kCorrupt, "swapped or renamed");
}

TEST_F(RekeyTest, OneObject) {
  const Path path = folder_ / "one.sealed";
  SealOptions one = options().object;
  one.meta.name = "one";
  SealedSummary first;
  {
    const File file = must(File::create_new(path, 0600));
    first = must(seal_bytes(as_bytes("text"), file, one, keys_.wrappers(), keys_.random));
  }
  const ObjectReader reader = must(ObjectReader::open(must(File::open(path)), keys_.wrappers()));
  Progress progress;
  const SealedSummary second =
      must(rekey_object(path, options().object, keys_.directory_keys(), keys_.random, progress));
  EXPECT_NE(first.object_id, second.object_id);
  Bytes text(4);
  must(reader.read_at(0, text));  // who had it open reads on
  EXPECT_EQ(as_text(text), "text");
  SealOptions for_another = options().object;
  for_another.context.tenant = "globex";
  expect_error(rekey_object(path, for_another, keys_.directory_keys(), keys_.random, progress), Code::kDenied,
               "it belongs to");
  const ObjectReader again = must(ObjectReader::open(must(File::open(path)), keys_.wrappers()));
  EXPECT_EQ(again.meta().name, "one");
  must(again.read_at(0, text));
  EXPECT_EQ(as_text(text), "text");
}

TEST_F(RekeyTest, OneObjectThatCantBe) {
  must(seal());
  Progress progress;
  expect_error(
      rekey_object(sealed_ / "deep/c.sealed", options().object, keys_.directory_keys(), keys_.random, progress),
      Code::kInvalid, "belongs to the sealed directory");
  const Path log_path = folder_ / "log.sealed";
  LogOptions log_options;
  log_options.context = keys_.context();
  must(must(LogWriter::open(log_path, log_options, keys_.wrappers(), keys_.random)).append(as_bytes("line")));
  expect_error(rekey_object(log_path, options().object, keys_.directory_keys(), keys_.random, progress), Code::kInvalid,
               "log");
}

}  // namespace
}  // namespace cloister::seal
