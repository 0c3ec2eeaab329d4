// A directory with a few files, sealed and opened beside it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "seal/directory.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {

namespace fs = std::filesystem;
using Findings = std::map<std::string, std::string>;

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

// Does something else whenever a key is wrapped: while the work is at an object.
class MeddlingKey final : public crypto::KeyWrapper {
 public:
  MeddlingKey(crypto::KeyWrapper& inner, std::function<void()> meddle) : inner_(inner), meddle_(std::move(meddle)) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    meddle_();
    return inner_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    return inner_.unwrap(wrapped, context);
  }

 private:
  crypto::KeyWrapper& inner_;
  std::function<void()> meddle_;
};

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

}  // namespace cloister::seal
