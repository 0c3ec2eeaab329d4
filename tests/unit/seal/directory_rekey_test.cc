// Re-keying directories and objects, also where it stops and goes on.
#include "seal/append_log.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "seal/directory_manifest.h"
#include "seal/reader.h"
#include "seal/rewrap.h"
#include "tests/unit/seal/directory_fixture.h"

namespace cloister::seal {
namespace {

class RekeyTest : public InterruptedTest {
 protected:
  void stop_rekey_after(int calls) {
    Progress progress;
    expect_error(rekey_directory(sealed_, options().object, stopping_after(calls), kNow, keys_.system_random, progress),
                 Code::kUnavailable, "stopped");
  }
};

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
    stop_rekey_after(calls);
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
  stop_rekey_after(5);
  auto files = contents(sealed_);
  files["a.txt.sealed.rekeyed"] = files["a.txt.sealed"];
  files["a.txt.sealed"] = old.at("a.txt.sealed");
  store(sealed_, files);
  EXPECT_EQ(must(rekey()).objects_kept, 4U);
  must(verify());

  store(sealed_, old);  // the renamed file was lost: the old one is sealed again
  stop_rekey_after(5);
  files = contents(sealed_);
  files["a.txt.sealed"] = old.at("a.txt.sealed");
  store(sealed_, files);
  EXPECT_EQ(must(rekey()).objects_kept, 3U);
  must(verify());
  expect_opens_to_the_source();
}

// Stopped after the new manifest was written, before the journal was removed: the next re-key is one more.
TEST_F(RekeyTest, JournalOfARekeyThatWasDone) {
  must(seal());
  stop_rekey_after(5);
  const std::string journal = contents(sealed_).at(std::string(kJournalName));
  must(rekey());
  const Manifest before = manifest();
  std::ofstream(sealed_ / kJournalName, std::ios::binary) << journal;
  const DirectorySummary summary = must(rekey());
  EXPECT_EQ(summary.objects_sealed, 4U);
  EXPECT_EQ(summary.objects_kept, 0U);
  const Manifest after = manifest();
  EXPECT_EQ(after.sequence, 3U);
  for (std::size_t i = 0; i < after.entries.size(); ++i) {
    EXPECT_NE(after.entries[i].object_id, before.entries[i].object_id);
  }
  must(verify());
  expect_opens_to_the_source();

  std::ofstream(sealed_ / kJournalName, std::ios::binary) << journal;  // two manifests ago
  expect_error(rekey(), Code::kCorrupt, "another directory or manifest");
}

// Somebody without keys moves the journal and its objects to another directory of the dataset.
TEST_F(RekeyTest, JournalOfAnotherDirectory) {
  must(seal());
  stop_rekey_after(5);
  const auto theirs = contents(sealed_);
  fs::remove_all(sealed_);
  must(seal());
  auto files = contents(sealed_);
  for (const std::string& name : {std::string(kJournalName), std::string("a.txt.sealed")})
    files[name] = theirs.at(name);
  store(sealed_, files);
  expect_error(rekey(), Code::kCorrupt, "another directory or manifest");
  EXPECT_EQ(contents(sealed_).at(std::string(kManifestName)), files.at(std::string(kManifestName)));
}

// The directory's manifest was replaced by one of the same sequence while the re-key lay.
TEST_F(RekeyTest, JournalOfAnotherManifestOfTheDirectory) {
  must(seal());
  stop_rekey_after(3);
  Manifest other = manifest();
  other.entries.pop_back();
  must(write_manifest(sealed_, other, options().object, keys_.directory_keys(), keys_.system_random));
  expect_error(rekey(), Code::kCorrupt, "another directory or manifest");
}

// A signed record that isn't about what lies there doesn't make an object done.
TEST_F(RekeyTest, RecordsThatDontFit) {
  must(seal());
  const SignedManifest before = must(read_signed_manifest(sealed_, keys_.directory_keys()));
  const std::vector<ManifestEntry>& entries = before.manifest.entries;
  const DirectoryKeys keys = keys_.directory_keys();
  const auto base = [&]() -> Result<JournalBase> {
    return JournalBase{before.manifest.directory_id, before.manifest.sequence, before.digest};
  };
  {
    auto journal = must(Journal::open_rekey(sealed_, options().object, keys, keys_.random, base));
    const auto note = [&](std::size_t of, const auto& change) {
      ManifestEntry record = entries[of];
      change(record);
      must(journal->add(JournalEntry{record.plaintext_len, 0, record}));
    };
    note(0, [&](ManifestEntry& record) { record.stored_name = entries[1].stored_name; });
    note(1, [](ManifestEntry& record) { ++record.plaintext_len; });
    note(2, [](ManifestEntry& record) { record.object_id[0] ^= 1; });
    note(3, [](ManifestEntry& record) { record.object_digest[0] ^= 1; });
    must(journal->flush());
  }
  const DirectorySummary summary = must(rekey());
  EXPECT_EQ(summary.objects_kept, 0U);
  EXPECT_EQ(summary.objects_sealed, 4U);
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

// A rewrap of what a re-key is about to replace would be lost.
TEST_F(RekeyTest, ObjectsAreLockedUntilTheyAreReplaced) {
  must(seal());
  const auto try_rewrap = [this] {
    return rewrap_slots(must(File::open(sealed_ / "a.txt.sealed", File::Access::kReadWrite)), *keys_.wrapper);
  };
  int refused = 0;
  MeddlingKey meddler(*keys_.wrapper, [&] { refused += try_rewrap().ok() ? 0 : 1; });
  const std::array<crypto::KeyWrapper*, 1> wrappers{&meddler};
  DirectoryKeys keys = keys_.directory_keys();
  keys.wrappers = wrappers;
  SealOptions object = options().object;
  object.threads = 1;  // a.txt is first, and its name comes with the last flush
  Progress progress;
  must(rekey_directory(sealed_, object, keys, kNow, keys_.system_random, progress));
  EXPECT_GE(refused, 1);
  must(try_rewrap());
  must(verify());

  const File rewrapping = must(File::open(sealed_ / "a.txt.sealed"));
  must(rewrapping.lock_exclusive());
  expect_error(rekey(), Code::kUnavailable, "another process");
}

TEST_F(RekeyTest, OneObjectIsLockedToo) {
  const Path path = folder_ / "one.sealed";
  {
    const File file = must(File::create_new(path));
    must(seal_bytes(as_bytes("text"), file, options().object, keys_.wrappers(), keys_.random));
  }
  Progress progress;
  MeddlingKey meddler(*keys_.wrapper, [&] {
    expect_error(rewrap_slots(must(File::open(path, File::Access::kReadWrite)), *keys_.wrapper), Code::kUnavailable,
                 "another process");
  });
  const std::array<crypto::KeyWrapper*, 1> wrappers{&meddler};
  must(rekey_object(path, options().object, {wrappers, nullptr, {}}, keys_.random, progress));
  const File rewrapping = must(File::open(path));
  must(rewrapping.lock_exclusive());
  expect_error(rekey_object(path, options().object, keys_.directory_keys(), keys_.random, progress), Code::kUnavailable,
               "another process");
}

TEST_F(RekeyTest, OneObjectThroughALink) {
  const Path path = folder_ / "one.sealed";
  const Path link = folder_ / "link.sealed";
  SealedSummary before;
  {
    const File file = must(File::create_new(path));
    before = must(seal_bytes(as_bytes("text"), file, options().object, keys_.wrappers(), keys_.random));
  }
  fs::create_symlink("one.sealed", link);
  Progress progress;
  const SealedSummary after =
      must(rekey_object(link, options().object, keys_.directory_keys(), keys_.random, progress));
  EXPECT_NE(after.object_id, before.object_id);
  EXPECT_TRUE(fs::is_symlink(link));
  const ObjectReader reader = must(ObjectReader::open(must(File::open(path)), keys_.wrappers()));
  EXPECT_EQ(reader.preamble().object_id, after.object_id);

  must(seal());
  const Path into = folder_ / "into.sealed";
  fs::create_symlink(sealed_ / "a.txt.sealed", into);
  expect_error(rekey_object(into, options().object, keys_.directory_keys(), keys_.random, progress), Code::kInvalid,
               "belongs to the sealed directory");
  must(verify());
  fs::create_symlink("nowhere", folder_ / "dangling");
  expect_error(rekey_object(folder_ / "dangling", options().object, keys_.directory_keys(), keys_.random, progress),
               Code::kNotFound, "dangling");
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
