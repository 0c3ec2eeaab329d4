#include "seal/directory.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "seal/append_log.h"
#include "seal/directory_files.h"
#include "seal/directory_journal.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {
namespace {

namespace fs = std::filesystem;
using Findings = std::map<std::string, std::string>;

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    write("a.txt", "alpha");
    write("empty", "");
    write("deep/er/b.bin", std::string(40'000, 'b'));
    write("deep/c", "gamma");
  }

  void write(const std::string& name, const std::string& text) {
    const Path path = source_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    const timespec times[2] = {{1'600'000'000, 0}, {1'600'000'000, 123'000'000}};
    CLOISTER_CHECK(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
  }

  DirectorySealOptions options() const {
    DirectorySealOptions options;
    options.object.chunk_log2 = 14;
    options.object.context = keys_.context();
    options.object.threads = 2;
    options.now = kNow;
    return options;
  }
  Result<DirectorySummary> seal(const DirectorySealOptions& options) {
    Progress progress;
    return seal_directory(source_, sealed_, options, keys_.directory_keys(), keys_.system_random, progress);
  }
  Result<DirectorySummary> seal() { return seal(options()); }
  Result<DirectorySummary> open(const DirectoryKeys& keys, Overwrite overwrite = Overwrite::kRefuse) {
    Progress progress;
    return open_directory(sealed_, opened_, keys, overwrite, 2, progress);
  }
  Result<DirectorySummary> open(Overwrite overwrite = Overwrite::kRefuse) {
    return open(keys_.directory_keys(), overwrite);
  }
  Result<DirectorySummary> rekey() {
    Progress progress;
    return rekey_directory(sealed_, options().object, keys_.directory_keys(), kNow + hours(1), keys_.system_random,
                           progress);
  }
  Result<DirectorySummary> verify() {
    Progress progress;
    findings_.clear();
    const auto hear = [this](const DirectoryFinding& finding) { findings_[finding.name] = finding.problem; };
    return verify_directory(sealed_, keys_.directory_keys(), 2, hear, progress);
  }
  void expect_finding(const std::string& name, std::string_view words) {
    expect_error(verify(), Code::kCorrupt, "1 finding");
    ASSERT_EQ(findings_.size(), 1U);
    EXPECT_EQ(findings_.begin()->first, name);
    EXPECT_NE(findings_.begin()->second.find(words), std::string::npos) << findings_.begin()->second;
  }
  Manifest manifest() { return must(read_manifest(sealed_, keys_.directory_keys())); }

  static std::map<std::string, std::string> contents(const Path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().lexically_relative(folder).string()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return files;
  }
  void store(const Path& folder, const std::map<std::string, std::string>& files) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    for (const auto& [name, text] : files) {
      fs::create_directories((folder / name).parent_path());
      std::ofstream(folder / name, std::ios::binary) << text;
    }
  }
  void expect_opens_to_the_source() {
    fs::remove_all(opened_);
    must(open());
    EXPECT_EQ(contents(opened_), contents(source_));
  }

  DatasetKeys keys_;
  testing::TempDir folder_;
  Path source_ = folder_ / "source";
  Path sealed_ = folder_ / "sealed";
  Path opened_ = folder_ / "opened";
  Findings findings_;
};

TEST_F(DirectoryTest, SealsVerifiesAndOpens) {
  ::chmod((source_ / "a.txt").c_str(), 0640);
  ::chmod((source_ / "deep/c").c_str(), 04755);
  const DirectorySummary summary = must(seal());
  EXPECT_EQ(summary.objects_sealed, 4U);
  EXPECT_EQ(summary.objects_kept, 0U);
  EXPECT_EQ(summary.plaintext_bytes, 40'010U);
  EXPECT_EQ(must(verify()).objects_kept, 4U);
  EXPECT_EQ(manifest().sequence, 1U);
  EXPECT_EQ(manifest().keyring_id, keys_.keyring.outline().keyring_id);
  EXPECT_EQ(contents(sealed_).size(), 5U);
  EXPECT_TRUE(contents(sealed_).contains("deep/er/b.bin.sealed"));

  expect_opens_to_the_source();
  struct stat info{};
  ASSERT_EQ(::stat((opened_ / "a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640U);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 123'000'000);
  ASSERT_EQ(::stat((opened_ / "deep/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755U);  // not set-user-id
}

TEST_F(DirectoryTest, EmptyDirectory) {
  fs::remove_all(source_);
  fs::create_directories(source_);
  EXPECT_EQ(must(seal()).objects_sealed, 0U);
  must(verify());
  must(open());
}

TEST_F(DirectoryTest, RandomNamesTellNothing) {
  DirectorySealOptions random = options();
  random.stored_names = StoredNames::kRandom;
  must(seal(random));
  for (const auto& [name, bytes] : contents(sealed_)) {
    EXPECT_EQ(name.find("b.bin"), std::string::npos);
    EXPECT_EQ(name.find('/'), std::string::npos);
    EXPECT_EQ(bytes.find("b.bin"), std::string::npos);
  }
  must(verify());
  expect_opens_to_the_source();
}

TEST_F(DirectoryTest, NamesThatWouldCollideOrNotFit) {
  write("manifest", "one");           // manifest.sealed
  write(".cloister-journal", "two");  // .cloister-journal.sealed
  write("x", "three");                // x.sealed, beside
  write("x.sealed/y", "four");        // a folder of that name
  write("manifest.sealed/z", "five");
  write(".cloister-journal.sealed/z", "six");
  write(std::string(255, 'n'), "seven");
  write(std::string(240, 'd') + "/" + std::string(249, 'n'), "eight");
  write("old.sealed", "nine");
  must(seal());
  must(verify());
  expect_opens_to_the_source();
  must(rekey());
  must(verify());
  expect_opens_to_the_source();
}

TEST_F(DirectoryTest, SpecialFilesAreRefusedOrSkipped) {
  fs::create_symlink("/etc/passwd", source_ / "link");
  ASSERT_EQ(::mkfifo((source_ / "pipe").c_str(), 0600), 0);
  expect_error(seal(), Code::kInvalid, "not a regular file");
  EXPECT_FALSE(fs::exists(sealed_));
  DirectorySealOptions skip = options();
  skip.skip_special = true;
  EXPECT_EQ(must(seal(skip)).objects_sealed, 4U);
}

TEST_F(DirectoryTest, TargetsThatAreTaken) {
  must(seal());
  expect_error(seal(), Code::kExists, "is a sealed directory already");
  fs::remove_all(sealed_);
  store(sealed_, {{"mine.txt", "precious"}});
  expect_error(seal(), Code::kExists, "not empty");
  EXPECT_EQ(contents(sealed_).at("mine.txt"), "precious");
  fs::remove_all(sealed_);
  std::ofstream(sealed_) << "a file";
  expect_error(seal(), Code::kExists, "no directory");
  Progress progress;
  expect_error(seal_directory(source_, source_ / "within", options(), keys_.directory_keys(), keys_.random, progress),
               Code::kInvalid, "lies within");
}

TEST_F(DirectoryTest, WithoutASigningKey) {
  DirectoryKeys unsigned_keys = keys_.directory_keys();
  unsigned_keys.signing_key = nullptr;
  Progress progress;
  expect_error(seal_directory(source_, sealed_, options(), unsigned_keys, keys_.random, progress), Code::kDenied,
               "sign");
  must(seal());
  expect_error(rekey_directory(sealed_, options().object, unsigned_keys, kNow, keys_.random, progress), Code::kDenied,
               "sign");
  must(open(unsigned_keys));
}

TEST_F(DirectoryTest, AnotherDatasetsKeys) {
  must(seal());
  DatasetKeys other(2, {"globex", "", "faces"});
  expect_error(open(other.directory_keys()), Code::kDenied, "no key here opens it");
  EXPECT_FALSE(fs::exists(opened_));
  DirectoryKeys mixed = keys_.directory_keys();  // opens the objects, trusts another signer
  mixed.signing_public_key = other.directory_keys().signing_public_key;
  expect_error(open(mixed), Code::kCorrupt, "signed by another key");
}

// MF-2, one after the other.
TEST_F(DirectoryTest, WhatVerifyFinds) {
  must(seal());
  const auto good = contents(sealed_);
  const auto with = [&](const std::function<void(std::map<std::string, std::string>&)>& change) {
    auto files = good;
    change(files);
    store(sealed_, files);
  };
  with([](auto& files) { files.erase("deep/c.sealed"); });
  expect_finding("deep/c.sealed", "missing");
  expect_error(open(), Code::kNotFound, "deep/c.sealed");

  with([](auto& files) { files["extra.sealed"] = files["a.txt.sealed"]; });
  expect_finding("extra.sealed", "not in the manifest");
  with([](auto& files) { files["notes.txt"] = "hello"; });
  expect_finding("notes.txt", "not in the manifest");
  with([](auto& files) { files["deep/.c.sealed.part-12-0"] = "x"; });
  expect_finding("deep/.c.sealed.part-12-0", "left behind");
  with([](auto& files) { files["a\xFF"] = "x"; });
  expect_finding("a?", "not in the manifest");

  with([](auto& files) { std::swap(files["a.txt.sealed"], files["deep/c.sealed"]); });
  expect_error(verify(), Code::kCorrupt, "2 findings");
  EXPECT_NE(findings_["a.txt.sealed"].find("swapped or renamed"), std::string::npos);
  EXPECT_EQ(open().error().code(), Code::kCorrupt);

  with([](auto& files) {
    files["z.sealed"] = files["a.txt.sealed"];
    files.erase("a.txt.sealed");
  });
  expect_error(verify(), Code::kCorrupt, "2 findings");

  with([](auto& files) { files["deep/er/b.bin.sealed"][20'000] ^= 1; });
  expect_finding("deep/er/b.bin.sealed", "chunk");
  with([](auto& files) { files["a.txt.sealed"].pop_back(); });
  expect_finding("a.txt.sealed", "");
  with([](auto& files) { files["a.txt.sealed"][4096 + 50] ^= 1; });
  expect_finding("a.txt.sealed", "slot copies");
  with([](auto& files) { files["manifest.sealed"][4096 + 50] ^= 1; });
  expect_finding("manifest.sealed", "slot copies");
}

TEST_F(DirectoryTest, OlderVersionOfAnObject) {
  must(seal());
  const auto old = contents(sealed_);
  must(rekey());
  auto files = contents(sealed_);
  files["a.txt.sealed"] = old.at("a.txt.sealed");
  store(sealed_, files);
  expect_finding("a.txt.sealed", "the manifest lists");
  files = contents(sealed_);
  files["manifest.sealed"] = old.at("manifest.sealed");  // the old manifest with three new objects
  store(sealed_, files);
  expect_error(verify(), Code::kCorrupt, "3 findings");
}

TEST_F(DirectoryTest, FlippedBitAnywhereInTheManifest) {
  must(seal());
  const std::string good = contents(sealed_).at("manifest.sealed");
  for (std::size_t i = 0; i < good.size(); i += 97) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    std::ofstream(sealed_ / "manifest.sealed", std::ios::binary) << bad;
    EXPECT_FALSE(verify().ok()) << i;
  }
  fs::remove(sealed_ / "manifest.sealed");
  expect_error(verify(), Code::kNotFound, "no manifest.sealed");
}

TEST_F(DirectoryTest, LinksAreNotFollowed) {
  must(seal());
  const Path outside = folder_ / "outside";
  fs::create_directories(outside);
  fs::rename(sealed_ / "a.txt.sealed", outside / "a.txt.sealed");
  fs::create_symlink(outside / "a.txt.sealed", sealed_ / "a.txt.sealed");
  expect_finding("a.txt.sealed", "symbolic link");
  expect_error(open(), Code::kCorrupt, "symbolic link");
  fs::remove(sealed_ / "a.txt.sealed");
  fs::rename(outside / "a.txt.sealed", sealed_ / "a.txt.sealed");
  must(verify());
  fs::rename(sealed_ / "deep", outside / "deep");
  fs::create_directory_symlink(outside / "deep", sealed_ / "deep");
  expect_error(verify(), Code::kCorrupt, "3 findings");  // the link itself, and two objects that aren't there
  fs::remove_all(opened_);
  expect_error(open(), Code::kCorrupt, "symbolic link");
  expect_error(rekey(), Code::kCorrupt, "symbolic link");
}

TEST_F(DirectoryTest, OpeningGoesOnAndRefusesToReplace) {
  must(seal());
  must(open());
  fs::remove(opened_ / "deep/c");
  const DirectorySummary again = must(open());
  EXPECT_EQ(again.objects_kept, 3U);
  EXPECT_EQ(again.objects_sealed, 1U);

  // Right size and time, other bytes.
  const auto time = fs::last_write_time(opened_ / "a.txt");
  std::ofstream(opened_ / "a.txt") << "ALPHA";
  fs::last_write_time(opened_ / "a.txt", time);
  expect_error(open(), Code::kExists, "a.txt");
  EXPECT_EQ(contents(opened_).at("a.txt"), "ALPHA");
  EXPECT_EQ(must(open(Overwrite::kReplace)).objects_sealed, 4U);
  EXPECT_EQ(contents(opened_), contents(source_));
}

TEST_F(DirectoryTest, StopsWhenAsked) {
  Progress progress;
  progress.request_stop();
  expect_error(seal_directory(source_, sealed_, options(), keys_.directory_keys(), keys_.system_random, progress),
               Code::kUnavailable, "interrupted");
  expect_error(read_manifest(sealed_, keys_.directory_keys()), Code::kNotFound, "interrupted");
  must(seal());
  must(verify());
  expect_error(open_directory(sealed_, opened_, keys_.directory_keys(), Overwrite::kRefuse, 1, progress),
               Code::kUnavailable, "interrupted");
  expect_opens_to_the_source();
}

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
