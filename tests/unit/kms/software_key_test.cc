// Key files: made, opened, refused.
#include "kms/software_key.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/hex.h"
#include "tests/support/temp_dir.h"

namespace cloister::kms {
namespace {

constexpr crypto::Argon2Cost kCheap{64, 1, 1};

crypto::WrapContext context_of(std::string tenant) {
  crypto::WrapContext context;
  context.tenant = std::move(tenant);
  context.purpose = "kek";
  return context;
}

class SoftwareKeyFile : public ::testing::Test {
 protected:
  void create(std::optional<crypto::Secret> passphrase = std::nullopt) {
    const Status status = create_key_file(path_, std::move(passphrase), kCheap, random_);
    ASSERT_TRUE(status.ok()) << status.error().message();
  }
  Result<std::unique_ptr<SoftwareKey>> open(std::optional<crypto::Secret> passphrase = std::nullopt) {
    return SoftwareKey::open(path_, std::move(passphrase), random_);
  }
  void expect_refused(Code code, std::optional<crypto::Secret> passphrase = std::nullopt) {
    const auto opened = open(std::move(passphrase));
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), code) << opened.error().message();
    EXPECT_NE(opened.error().message().find(path_.string()), std::string::npos) << opened.error().message();
  }
  Bytes contents() { return *read_file(path_, 4096); }
  void replace(Bytes bytes, bool fix_checksum = true) {
    if (fix_checksum && bytes.size() >= 4) {
      store_le(bytes.data() + bytes.size() - 4, crc32c(ByteView(bytes).first(bytes.size() - 4)));
    }
    ASSERT_TRUE(write_file(path_, bytes, Overwrite::kReplace, 0600).ok());
  }

  testing::TempDir directory_;
  Path path_ = directory_ / "root.key";
  crypto::SystemRandom random_;
};

TEST_F(SoftwareKeyFile, WrapsAndUnwrapsAcrossOpens) {
  create();
  EXPECT_EQ(contents().size(), 80u);
  const auto key = crypto::KeyMaterial::random(random_);
  crypto::WrappedKey wrapped;
  std::string key_id;
  {
    auto root = open();
    ASSERT_TRUE(root.ok()) << root.error().message();
    key_id = (*root)->key_id();
    wrapped = *(*root)->wrap(key, context_of("acme"));
  }
  EXPECT_TRUE(key_id.starts_with("file:"));
  EXPECT_EQ(key_id.size(), 21u);
  EXPECT_EQ(wrapped.type, crypto::WrapType::kSoftwareKey);
  auto root = open();
  ASSERT_TRUE(root.ok());
  EXPECT_EQ((*root)->key_id(), key_id);
  const auto again = (*root)->unwrap(wrapped, context_of("acme"));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_TRUE(crypto::equal_constant_time(again->secret().expose(), key.secret().expose()));
}

TEST_F(SoftwareKeyFile, WrongContextKeyOrBytes) {
  create();
  auto root = open();
  ASSERT_TRUE(root.ok());
  auto wrapped = (*root)->wrap(crypto::KeyMaterial::random(random_), context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("rival")).error().code(), Code::kDenied);
  auto changed = *wrapped;
  changed.ciphertext[40] ^= 1;
  EXPECT_EQ((*root)->unwrap(changed, context_of("acme")).error().code(), Code::kDenied);
  changed = *wrapped;
  changed.ciphertext.pop_back();
  EXPECT_EQ((*root)->unwrap(changed, context_of("acme")).error().code(), Code::kCorrupt);
  changed = *wrapped;
  changed.key_id = "file:0000000000000000";
  EXPECT_EQ((*root)->unwrap(changed, context_of("acme")).error().code(), Code::kNotFound);

  const Path other_path = directory_ / "other.key";
  ASSERT_TRUE(create_key_file(other_path, std::nullopt, kCheap, random_).ok());
  auto other = SoftwareKey::open(other_path, std::nullopt, random_);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ((*other)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kNotFound);
  changed = *wrapped;
  changed.key_id = (*other)->key_id();
  EXPECT_EQ((*other)->unwrap(changed, context_of("acme")).error().code(), Code::kDenied);
}

TEST_F(SoftwareKeyFile, FileIsForItsOwnerOnly) {
  create();
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0610, 0666}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    expect_refused(Code::kDenied);
  }
  ASSERT_EQ(::chmod(path_.c_str(), 0400), 0);
  EXPECT_TRUE(open().ok());
}

TEST_F(SoftwareKeyFile, SomebodyElsesFileIsDenied) {
  create();
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown(path_.c_str(), 65534, 65534), 0);
  expect_refused(Code::kDenied);
}

TEST_F(SoftwareKeyFile, SaysWhetherItNeedsAPassphrase) {
  create();
  EXPECT_EQ(needs_passphrase(path_).value(), false);
  const Path locked = path_.string() + ".locked";
  ASSERT_TRUE(create_key_file(locked, crypto::Secret::copy_of(as_bytes("long enough")), kCheap, random_).ok());
  EXPECT_EQ(needs_passphrase(locked).value(), true);
  ASSERT_EQ(::chmod(locked.c_str(), 0644), 0);
  EXPECT_EQ(needs_passphrase(locked).error().code(), Code::kDenied);
  EXPECT_EQ(needs_passphrase(path_.string() + ".none").error().code(), Code::kNotFound);
}

TEST_F(SoftwareKeyFile, NeverReplaced) {
  create();
  const Bytes before = contents();
  const Status again = create_key_file(path_, std::nullopt, kCheap, random_);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), Code::kExists);
  EXPECT_EQ(contents(), before);
}

TEST_F(SoftwareKeyFile, Passphrase) {
  create(testing::secret_of("correct horse"));
  EXPECT_EQ(contents().size(), 148u);
  auto root = open(testing::secret_of("correct horse"));
  ASSERT_TRUE(root.ok()) << root.error().message();
  EXPECT_TRUE((*root)->wrap(crypto::KeyMaterial::random(random_), context_of("acme")).ok());
  expect_refused(Code::kDenied, testing::secret_of("incorrect horse"));
  expect_refused(Code::kDenied, testing::secret_of("short"));
  expect_refused(Code::kDenied);
}

TEST_F(SoftwareKeyFile, PassphraseForAPlainKeyIsNotIgnored) {
  create();
  expect_refused(Code::kInvalid, testing::secret_of("correct horse"));
}

TEST_F(SoftwareKeyFile, PassphraseTooShort) {
  const Status status = create_key_file(path_, testing::secret_of("short"), kCheap, random_);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), Code::kInvalid);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SoftwareKeyFile, AbsentFile) { expect_refused(Code::kNotFound); }

TEST_F(SoftwareKeyFile, NotAKeyFile) {
  replace(to_bytes(as_bytes("-----BEGIN PRIVATE KEY-----")), false);
  expect_refused(Code::kInvalid);
  replace({}, false);
  expect_refused(Code::kInvalid);
  replace(Bytes(5000, 0), false);
  expect_refused(Code::kInvalid);
}

TEST_F(SoftwareKeyFile, EveryFlippedBitIsRefused) {
  create();
  const Bytes good = contents();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x10;
    replace(bad, false);
    EXPECT_FALSE(open().ok()) << "byte " << i;
  }
  replace(good, false);
  EXPECT_TRUE(open().ok());
}

TEST_F(SoftwareKeyFile, ChangedKeyOrCommitmentWithARightChecksum) {
  create();
  const Bytes good = contents();
  for (const std::size_t at : {12u, 44u, 75u}) {
    Bytes bad = good;
    bad[at] ^= 1;
    replace(bad);
    expect_refused(Code::kCorrupt);
  }
}

TEST_F(SoftwareKeyFile, TruncatedOrLonger) {
  create();
  const Bytes good = contents();
  for (std::size_t size = 0; size < good.size(); ++size) {
    replace(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_FALSE(open().ok()) << size << " bytes";
  }
  Bytes longer = good;
  longer.insert(longer.end() - 4, 0);
  replace(longer);
  expect_refused(Code::kCorrupt);
}

TEST_F(SoftwareKeyFile, NewerVersionOrUnknownProtection) {
  create();
  Bytes newer = contents();
  newer[8] = 2;
  replace(newer);
  expect_refused(Code::kUnsupported);
  newer[8] = 1;
  newer[10] = 9;
  replace(newer);
  expect_refused(Code::kUnsupported);
}

TEST_F(SoftwareKeyFile, CostlyPassphraseIsRefusedBeforeAnyWork) {
  create(testing::secret_of("correct horse"));
  Bytes costly = contents();
  store_le<std::uint32_t>(costly.data() + 44 + 16, 0xffffffff);
  replace(costly);
  expect_refused(Code::kUnsupported, testing::secret_of("correct horse"));
}

}  // namespace
}  // namespace cloister::kms
