#include "seal/directory.h"

#include <gtest/gtest.h>

#include "tests/unit/seal/directory_fixture.h"

namespace cloister::seal {
namespace {

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

  const mode_t before = ::umask(022);
  expect_opens_to_the_source();
  struct stat info{};
  ASSERT_EQ(::stat((opened_ / "a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640U);
  EXPECT_EQ(info.st_mtim.tv_sec, 1'600'000'000);
  EXPECT_EQ(info.st_mtim.tv_nsec, 123'000'000);
  ASSERT_EQ(::stat((opened_ / "deep/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755U);  // not set-user-id
  ::umask(077);
  expect_opens_to_the_source();
  ASSERT_EQ(::stat((opened_ / "deep/c").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0700U);
  ::umask(before);
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

// Between listing a file and sealing it.
TEST_F(DirectoryTest, SourcesThatChangeMeanwhile) {
  const Path file = source_ / "z/file";
  fs::create_directories(folder_ / "outside");
  std::ofstream(folder_ / "outside/file") << "not of this corpus";
  const auto seal_with = [&](const std::function<void()>& change) {
    fs::remove_all(sealed_);
    fs::remove_all(source_ / "z");
    write("z/file", "here when listed");
    int calls = 0;
    // The second key is that of the first object; the last is sealed well after.
    MeddlingKey meddler(*keys_.wrapper, [&] {
      if (++calls == 2) change();
    });
    const std::array<crypto::KeyWrapper*, 1> wrappers{&meddler};
    DirectoryKeys keys = keys_.directory_keys();
    keys.wrappers = wrappers;
    DirectorySealOptions one = options();
    one.object.threads = 1;
    Progress progress;
    return seal_directory(source_, sealed_, one, keys, keys_.system_random, progress);
  };
  const auto link_to_file = [&] {
    fs::remove(file);
    fs::create_symlink(folder_ / "outside/file", file);
  };
  const auto link_to_folder = [&] {
    fs::remove_all(source_ / "z");
    fs::create_symlink(folder_ / "outside", source_ / "z");
  };
  const auto pipe = [&] {
    fs::remove(file);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  };
  expect_error(seal_with(link_to_file), Code::kInvalid, "symbolic link");
  expect_error(seal_with(link_to_folder), Code::kInvalid, "symbolic link");
  expect_error(seal_with(pipe), Code::kInvalid, "not a regular file");
  expect_error(seal_with([&] { std::ofstream(file) << "HERE WHEN LISTED"; }), Code::kUnavailable, "changed after");
  expect_error(seal_with([&] { write("z/file", "longer than when it was listed"); }), Code::kUnavailable,
               "changed after");
  EXPECT_FALSE(fs::exists(sealed_ / kManifestName));
  must(seal());
  expect_opens_to_the_source();
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

TEST_F(DirectoryTest, BadRequestsMakeNoFile) {
  DirectorySealOptions bad = options();
  bad.object.context.dataset = std::string(4000, 'd');
  expect_error(seal(bad), Code::kInvalid, "text of at most 128 bytes");
  bad = options();
  bad.object.chunk_log2 = 13;
  expect_error(seal(bad), Code::kInvalid, "chunk size");
  EXPECT_FALSE(fs::exists(sealed_));
  must(seal());
  const auto before = contents(sealed_);
  Progress progress;
  SealOptions object = options().object;
  object.context.dataset = "a\nb";
  expect_error(rekey_directory(sealed_, object, keys_.directory_keys(), kNow, keys_.system_random, progress),
               Code::kInvalid, "text of at most 128 bytes");
  EXPECT_EQ(contents(sealed_), before);
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

}  // namespace
}  // namespace cloister::seal
