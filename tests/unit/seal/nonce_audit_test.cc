// SO-15: whatever is sealed, again, after failures and by many writers, no key and nonce meet two plaintexts.
//
// The linker puts the two functions below in place of crypto::Aead's constructor and seal() in this program
// (tests/CMakeLists.txt), so every use of a nonce is seen and the library has no door for it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <map>
#include <mutex>

#include "crypto/aead.h"
#include "seal/append_log.h"
#include "seal/directory.h"
#include "seal/writer.h"
#include "tests/unit/seal/directory_fixture.h"

namespace cloister::seal {
namespace {

class NonceAudit;
std::atomic<NonceAudit*> current{nullptr};

// Hears of every nonce for as long as it lives. One at a time.
class NonceAudit {
 public:
  NonceAudit() { current = this; }
  ~NonceAudit() { current = nullptr; }

  void key_set(const crypto::Aead* aead, const crypto::Secret& key) {
    const std::lock_guard lock(mutex_);
    keys_[aead] = crypto::sha256(key.expose());
  }
  void sealed(const crypto::Aead* aead, const crypto::Nonce& nonce, ByteView aad, ByteView plaintext) {
    crypto::Sha256 hash;
    hash.update(crypto::sha256(aad));
    hash.update(plaintext);
    const crypto::Sha256Digest text = hash.finish();
    const std::lock_guard lock(mutex_);
    ++nonces;
    const auto key = keys_.find(aead);
    if (key == keys_.end()) {
      ++unknown_keys;
      return;
    }
    const auto [seen, fresh] = seen_.try_emplace({key->second, nonce}, text);
    if (!fresh && seen->second != text) ++repeats;
  }

  std::uint64_t nonces = 0;
  std::uint64_t repeats = 0;  // with another plaintext
  std::uint64_t unknown_keys = 0;

 private:
  std::mutex mutex_;
  std::map<const crypto::Aead*, crypto::Sha256Digest> keys_;
  std::map<std::pair<crypto::Sha256Digest, crypto::Nonce>, crypto::Sha256Digest> seen_;
};

}  // namespace
}  // namespace cloister::seal

using cloister::ByteView;
using cloister::MutableByteView;
using cloister::crypto::Aead;
using cloister::crypto::AeadAlgorithm;
using cloister::crypto::Nonce;
using cloister::crypto::Secret;
using cloister::crypto::Tag;

#define CLOISTER_AEAD_CREATE "_ZN8cloister6crypto4AeadC1ENS0_13AeadAlgorithmERKNS0_6SecretE"
#define CLOISTER_AEAD_SEAL                                                                                            \
  "_ZN8cloister6crypto4Aead4sealERKSt5arrayIhLm12EESt4spanIKhLm18446744073709551615EES8_S6_IhLm18446744073709551615E" \
  "ERS2_IhLm16EE"

void real_create(Aead* self, AeadAlgorithm algorithm, const Secret& key) __asm__("__real_" CLOISTER_AEAD_CREATE);
void audited_create(Aead* self, AeadAlgorithm algorithm, const Secret& key) __asm__("__wrap_" CLOISTER_AEAD_CREATE);
void real_seal(Aead* self, const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out,
               Tag& tag) __asm__("__real_" CLOISTER_AEAD_SEAL);
void audited_seal(Aead* self, const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out,
                  Tag& tag) __asm__("__wrap_" CLOISTER_AEAD_SEAL);

void audited_create(Aead* self, AeadAlgorithm algorithm, const Secret& key) {
  if (auto* audit = cloister::seal::current.load()) audit->key_set(self, key);
  real_create(self, algorithm, key);
}

void audited_seal(Aead* self, const Nonce& nonce, ByteView aad, ByteView plaintext, MutableByteView out, Tag& tag) {
  if (auto* audit = cloister::seal::current.load()) audit->sealed(self, nonce, aad, plaintext);
  real_seal(self, nonce, aad, plaintext, out, tag);
}

namespace cloister::seal {
namespace {

class NonceAuditTest : public DirectoryTest {
 protected:
  void expect_no_repeat(std::uint64_t nonces_min) const {
    EXPECT_EQ(audit_.repeats, 0U);
    EXPECT_EQ(audit_.unknown_keys, 0U);
    EXPECT_GE(audit_.nonces, nonces_min);
  }

  NonceAudit audit_;
};

TEST_F(NonceAuditTest, ARepeatIsNoticed) {
  const crypto::Secret key = crypto::Secret::copy_of(Bytes(32, 7));
  const crypto::Secret other = crypto::Secret::copy_of(Bytes(32, 8));
  Bytes out(3);
  crypto::Tag tag;
  const auto seal_under = [&](const crypto::Secret& under, std::string_view text) {
    crypto::Aead(crypto::AeadAlgorithm::kAes256Gcm, under).seal(crypto::Nonce{}, {}, as_bytes(text), out, tag);
  };
  seal_under(key, "one");
  seal_under(key, "one");
  seal_under(other, "two");
  expect_no_repeat(3);
  seal_under(key, "two");
  EXPECT_EQ(audit_.repeats, 1U);
}

// A disk that is full for as long as it lives, within the frame or page that is being written.
class FullDisk {
 public:
  explicit FullDisk(std::uint64_t bytes) {
    CLOISTER_CHECK(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{bytes, before_.rlim_max};
    CLOISTER_CHECK(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~FullDisk() {
    CLOISTER_CHECK(::setrlimit(RLIMIT_FSIZE, &before_) == 0);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(NonceAuditTest, LogsThatAreContinuedAndRetried) {
  const Path path = folder_ / "log.sealed";
  LogOptions log_options;
  log_options.chunk_log2 = 14;
  log_options.context = keys_.context();
  const auto open = [&] { return LogWriter::open(path, log_options, keys_.wrappers(), keys_.system_random); };
  for (int run = 0; run < 6; ++run) {
    LogWriter log = must(open());
    for (int line = 0; line < 8; ++line) must(log.append(as_bytes("line " + std::to_string(line))));
    if (run % 2 == 0) must(log.end(LogWriter::End::kRun));
  }
  std::uint64_t size = fs::file_size(path);
  for (const std::uint64_t room : {0, 1, 2048, 6000}) {
    {
      LogWriter log = must(open());
      must(log.append(as_bytes("before")));
      size = fs::file_size(path);
      const FullDisk full(size + room);
      EXPECT_FALSE(log.append(Bytes(8000, 'x')).ok());
      expect_error(log.append(as_bytes("another text under the same index")), Code::kInvalid, "has ended");
      EXPECT_FALSE(log.end(LogWriter::End::kRun).ok());
    }
    LogWriter log = must(open());  // what came of the frame is cut; the caller tries again
    must(log.append(Bytes(8000, 'y')));
  }
  {
    const FullDisk full(fs::file_size(path) + 5000);  // within the header
    EXPECT_FALSE(open().ok());
  }
  LogWriter log = must(open());
  must(log.append(as_bytes("the last")));
  std::string text;
  const auto sink = [&](ByteView piece) -> Status {
    text += as_text(piece);
    return {};
  };
  EXPECT_EQ(must(read_log(must(File::open(path)), keys_.wrappers(), sink)).outline.torn_bytes, 0U);
  EXPECT_TRUE(text.ends_with("the last"));
  expect_no_repeat(60);
}

TEST_F(NonceAuditTest, ObjectsThatAreSealedAgain) {
  constexpr std::uint64_t kSize = std::uint64_t{3} << 20;
  SealOptions object = options().object;
  object.payload_digest = PayloadDigest::kSha256;
  Progress progress;
  const auto attempt = [&](const std::string& name, char letter, std::uint64_t good_bytes) {
    const PayloadSource source{kSize, [=](std::uint64_t offset, MutableByteView out) -> Status {
                                 if (offset >= good_bytes) return Error(Code::kInternal, "the source's disk failed");
                                 std::ranges::fill(out, static_cast<std::uint8_t>(letter));
                                 return {};
                               }};
    const File file = must(File::create_new(folder_ / name));
    return seal_source(source, file, object, keys_.wrappers(), keys_.system_random, progress);
  };
  expect_error(attempt("first", 'a', kSize / 3), Code::kInternal, "disk failed");
  expect_error(attempt("second", 'b', kSize / 3 * 2), Code::kInternal, "disk failed");
  must(attempt("third", 'c', kSize));
  must(attempt("fourth", 'd', kSize));
  must(rekey_object(folder_ / "fourth", object, keys_.directory_keys(), keys_.system_random, progress));
  expect_no_repeat(3 * 192);
}

TEST_F(NonceAuditTest, DirectoriesThatAreInterruptedAndRekeyed) {
  for (int calls = 1; calls <= 6; ++calls) {
    fs::remove_all(sealed_);
    const auto stop_after = [&](const auto& work) {
      std::atomic<int> left = calls;
      Progress progress;
      MeddlingKey meddler(*keys_.wrapper, [&] {
        if (--left <= 0) progress.request_stop();
      });
      const std::array<crypto::KeyWrapper*, 1> wrappers{&meddler};
      DirectoryKeys keys = keys_.directory_keys();
      keys.wrappers = wrappers;
      ignore_result(work(keys, progress));
    };
    stop_after([&](const DirectoryKeys& keys, Progress& progress) {
      return seal_directory(source_, sealed_, options(), keys, keys_.system_random, progress);
    });
    write("a.txt", "alpha " + std::to_string(calls));
    if (!fs::exists(sealed_ / kManifestName)) must(seal());
    stop_after([&](const DirectoryKeys& keys, Progress& progress) {
      return rekey_directory(sealed_, options().object, keys, kNow, keys_.system_random, progress);
    });
    must(rekey());
    must(verify());
  }
  expect_no_repeat(100);
}

}  // namespace
}  // namespace cloister::seal
