// Keys must not lie in memory that was given back. Every block is searched for the keys under test at the moment it is
// freed; at the end the whole process is searched.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include "base/clock.h"
#include "crypto/hpke.h"
#include "crypto/library.h"
#include "crypto/passphrase.h"
#include "identity/authority.h"
#include "identity/join_token.h"
#include "identity/software_signer.h"
#include "kms/software_key.h"
#include "seal/keyring.h"
#include "seal/reader.h"
#include "seal/rewrap.h"
#include "seal/writer.h"
#include "support/local_key.h"
#include "support/temp_dir.h"
#include "support/value_of.h"

extern "C" void __libc_free(void*);

namespace {

// Patterns are kept masked, so that they don't find themselves.
constexpr std::size_t kPatternsMax = 16;
constexpr std::uint8_t kMask = 0xA5;
std::uint8_t patterns[kPatternsMax][32];
std::atomic<std::size_t> pattern_count{0};
std::atomic<std::uint64_t> found_in_freed{0};
std::atomic<bool> watching{false};

bool contains_pattern(const std::uint8_t* bytes, std::size_t size) {
  for (std::size_t p = 0; p < pattern_count; ++p) {
    const auto first = static_cast<std::uint8_t>(patterns[p][0] ^ kMask);
    for (std::size_t at = 0; at + 32 <= size; ++at) {
      const void* hit = std::memchr(bytes + at, first, size - 31 - at);
      if (hit == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(hit) - bytes);
      std::size_t same = 1;
      while (same < 32 && bytes[at + same] == (patterns[p][same] ^ kMask)) ++same;
      if (same == 32) return true;
    }
  }
  return false;
}

void look(void* block) {
  if (block == nullptr || !watching) return;
  const std::size_t size = malloc_usable_size(block);
  if (contains_pattern(static_cast<const std::uint8_t*>(block), size)) ++found_in_freed;
}

}  // namespace

#ifndef CLOISTER_SANITIZED
extern "C" void free(void* block) {
  look(block);
  __libc_free(block);
}
#endif

namespace cloister {
namespace {

void watch(const crypto::Secret& key) {
  const std::size_t position = pattern_count;
  ASSERT_LT(position, kPatternsMax);
  for (std::size_t i = 0; i < 32; ++i) patterns[position][i] = static_cast<std::uint8_t>(key.expose()[i] ^ kMask);
  pattern_count = position + 1;
}

// As OpenSSL holds numbers on this machine: the last byte first.
void watch_reversed(const crypto::Secret& key) {
  watch(key);
  std::reverse(std::begin(patterns[pattern_count - 1]), std::end(patterns[pattern_count - 1]));
}

class Leak : public ::testing::Test {
 protected:
  void SetUp() override {
#ifdef CLOISTER_SANITIZED
    GTEST_SKIP() << "the sanitizer has its own free()";
#endif
    pattern_count = 0;
    found_in_freed = 0;
    watching = true;
  }
  void TearDown() override { watching = false; }
};

// A wrapper that lets the DEK it wraps be watched.
class WatchingWrapper final : public crypto::KeyWrapper {
 public:
  explicit WatchingWrapper(crypto::KeyWrapper& inner) : inner_(inner) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    watch(key.secret());
    return inner_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    return inner_.unwrap(wrapped, context);
  }

 private:
  crypto::KeyWrapper& inner_;
};

// Piece by piece through one buffer that is wiped: what is looked for must not be copied by looking.
std::uint8_t piece[1 << 16];

bool overlaps_piece(std::uint64_t start, std::uint64_t end) {
  const auto own = reinterpret_cast<std::uint64_t>(piece);
  return start < own + sizeof piece && own < end;
}

bool process_contains_pattern() {
  std::ifstream maps("/proc/self/maps");
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  bool hit = false;
  for (std::string line; !hit && std::getline(maps, line);) {
    if (line.find(" rw") == std::string::npos) continue;
    const std::uint64_t start = std::stoull(line, nullptr, 16);
    const std::uint64_t end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    for (std::uint64_t at = start; at < end && !hit; at += sizeof piece - 32) {
      const std::size_t size = std::min<std::uint64_t>(sizeof piece, end - at);
      if (overlaps_piece(at, at + size)) continue;
      const ssize_t count = ::pread(memory, piece, size, static_cast<off_t>(at));
      hit = count > 0 && contains_pattern(piece, static_cast<std::size_t>(count));
      std::memset(piece, 0, sizeof piece);
    }
  }
  ::close(memory);
  return hit;
}

TEST_F(Leak, TheSearchFindsAKeyInAFreedBlock) {
  crypto::SystemRandom random;
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  watch(key.secret());
  {
    const Bytes careless = to_bytes(key.secret().expose());
  }
  EXPECT_GE(found_in_freed, 1U);
}

TEST_F(Leak, TheSearchFindsAKeyInTheProcess) {
  crypto::SystemRandom random;
  std::optional<crypto::KeyMaterial> key = crypto::KeyMaterial::random(random);
  watch(key->secret());
  EXPECT_TRUE(process_contains_pattern());
  key.reset();
  EXPECT_FALSE(process_contains_pattern());
}

TEST_F(Leak, SealingAndOpeningLeaveNoKeyBehind) {
  testing::TempDir folder;
  {
    crypto::SystemRandom random;
    auto keyring = seal::Keyring::create({"acme", "", "set"}, Time{1}, random);
    ASSERT_TRUE(keyring.ok());
    const auto dataset_key = keyring->dataset_key(1);
    ASSERT_TRUE(dataset_key.ok());
    watch(dataset_key->material().secret());
    auto wrapper = seal::KeyringWrapper::create(*keyring, random);
    ASSERT_TRUE(wrapper.ok());
    WatchingWrapper watching_wrapper(**wrapper);
    crypto::KeyWrapper* wrappers[] = {&watching_wrapper};
    auto file = File::create_new(folder.path() / "object.sealed");
    ASSERT_TRUE(file.ok());
    seal::SealOptions options;
    options.context = {"acme", "set", keyring->outline().keyring_id, std::nullopt};
    options.chunk_log2 = 14;
    options.payload_digest = seal::PayloadDigest::kSha256;
    const Bytes payload(100'000, 3);
    ASSERT_TRUE(seal::seal_bytes(payload, *file, options, wrappers, random).ok());

    auto reader = seal::ObjectReader::open(std::move(*file), wrappers);
    ASSERT_TRUE(reader.ok()) << reader.error().message();
    Bytes out(1000);
    ASSERT_TRUE(reader->read_at(50'000, out).ok());
    Progress progress;
    ASSERT_TRUE(reader->verify(2, progress).ok());

    ASSERT_TRUE(keyring->rotate(Time{2}).ok());
    auto newer = seal::KeyringWrapper::create(*keyring, random);
    ASSERT_TRUE(newer.ok());
    auto again = File::open(folder.path() / "object.sealed", File::Access::kReadWrite);
    ASSERT_TRUE(again.ok());
    const auto rewrapped = seal::rewrap_slots(*again, **newer);
    ASSERT_TRUE(rewrapped.ok()) << rewrapped.error().message();
    EXPECT_EQ(rewrapped->slots_changed, 1U);
  }
  EXPECT_EQ(found_in_freed, 0U);
  EXPECT_FALSE(process_contains_pattern());
}

TEST_F(Leak, WrappingElsewhereLeavesNoKeyBehind) {
  testing::TempDir folder;
  {
    crypto::SystemRandom random;
    const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
    watch(key.secret());
    const crypto::WrapContext context{"acme", "set", Bytes(16, 1), "dek", {}};
    for (const crypto::HpkeKem kem : {crypto::HpkeKem::kX25519, crypto::HpkeKem::kXWing}) {
      crypto::HpkePrivateKey recipient = crypto::HpkePrivateKey::generate(kem, random);
      watch(recipient.seed().secret());
      crypto::HpkeOpener opener(std::move(recipient), random);
      const auto wrapped = opener.wrap(key, context);
      ASSERT_TRUE(wrapped.ok());
      ASSERT_TRUE(opener.unwrap(*wrapped, context).ok());
    }
    auto passphrase = crypto::PassphraseWrapper::create(
        crypto::Secret::copy_of(as_bytes("a passphrase of thirty-two bytes")), {64, 1, 1}, random);
    ASSERT_TRUE(passphrase.ok());
    const auto wrapped = passphrase->wrap(key, context);
    ASSERT_TRUE(wrapped.ok());
    ASSERT_TRUE(passphrase->unwrap(*wrapped, context).ok());

    ASSERT_TRUE(kms::create_key_file(folder.path() / "root.key", std::nullopt, {}, random).ok());
    auto root = kms::SoftwareKey::open(folder.path() / "root.key", std::nullopt, random);
    ASSERT_TRUE(root.ok());
    const auto by_root = (*root)->wrap(key, context);
    ASSERT_TRUE(by_root.ok());
    ASSERT_TRUE((*root)->unwrap(*by_root, context).ok());
  }
  EXPECT_EQ(found_in_freed, 0U);
  EXPECT_FALSE(process_contains_pattern());
}

TEST_F(Leak, IdentitiesLeaveNoKeyBehind) {
  {
    crypto::SystemRandom random;
    const identity::TrustDomain trust_domain = testing::value_of(identity::TrustDomain::parse("example.org"));
    const identity::SignerContext context{"acme", trust_domain};
    testing::LocalKey inner(9, random);
    WatchingWrapper wrapper(inner);  // of the scalars of both signers
    auto x509 = testing::value_of(identity::SoftwareSigner::create(context, wrapper, random));
    auto jwt = testing::value_of(identity::SoftwareSigner::create(context, wrapper, random));
    auto opened = testing::value_of(identity::SoftwareSigner::open(x509.stored, context, wrapper));
    const identity::AuthoritySigners signers{&opened, &jwt.signer};
    auto record =
        testing::value_of(identity::make_authority(trust_domain, {}, signers, {}, Time{1'795'526'589'000}, random));
    const auto rotation =
        testing::value_of(identity::Rotation::begin(trust_domain, {}, std::move(record), Time{1'795'526'589'000}));
    const auto authority = testing::value_of(identity::Authority::open(rotation, signers));

    for (const auto type : {crypto::KeyType::kEcP256, crypto::KeyType::kEd25519}) {
      const auto key = testing::value_of(crypto::PrivateKey::generate(type, random));
      watch(key.scalar());
      watch_reversed(key.scalar());
      const auto again = testing::value_of(crypto::PrivateKey::from_pkcs8_pem(key.to_pkcs8_pem()));
      ASSERT_EQ(again.sign(as_bytes("message")), key.sign(as_bytes("message")));
      const auto id = testing::value_of(identity::SpiffeId::parse("spiffe://example.org/worker"));
      ASSERT_TRUE(authority.issue_x509_svid(id, key.public_key(), Time{1'795'526'589'000}, random).ok());
      ASSERT_TRUE(authority.issue_jwt_svid(id, {"reports"}, Time{1'795'526'589'000}).ok());
      auto token = testing::value_of(identity::create_join_token(id, Time{1}, hours(1), random));
      ASSERT_TRUE(identity::redeem_join_token(token.stored, token.text, Time{2}).ok());
    }
  }
  EXPECT_EQ(found_in_freed, 0U);
  EXPECT_FALSE(process_contains_pattern());
}

TEST(Process, LeavesNoCoreDump) {
  ASSERT_TRUE(crypto::start_process().ok());
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_CORE, &limit), 0);
  EXPECT_EQ(limit.rlim_cur, 0U);
  EXPECT_EQ(prctl(PR_GET_DUMPABLE), 0);
}

}  // namespace
}  // namespace cloister
