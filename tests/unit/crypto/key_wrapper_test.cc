#include "crypto/key_wrapper.h"

#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <set>

#include "tests/support/hex.h"

namespace cloister::crypto {
namespace {

using cloister::testing::key_of;
using cloister::testing::key_of_byte;

Bytes ascending(std::size_t size) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

WrapContext example() {
  WrapContext context{"acme", "corpus", ascending(16), "dek", {}};
  context.commitment.fill(7);
  return context;
}

// Written out by hand from docs/formats/sealed-object.md.
TEST(WrapContext, CanonicalBytesAreFixed) {
  EXPECT_EQ(to_hex(example().canonical(WrapType::kPassphrase, "passphrase", 0)),
            "0a00434c5352312077726170"
            "02000400"
            "0a0070617373706872617365"
            "040000000000"
            "040061636d65"
            "0600636f72707573"
            "1000000102030405060708090a0b0c0d0e0f"
            "030064656b"
            "20000707070707070707070707070707070707070707070707070707070707070707");
}

TEST(WrapContext, EveryFieldIsBound) {
  const std::function<void(WrapContext&)> changes[] = {
      [](WrapContext&) {},
      [](WrapContext& context) { context.tenant = "acmf"; },
      [](WrapContext& context) { context.tenant = "acme/production"; },
      [](WrapContext& context) { context.dataset = ""; },
      [](WrapContext& context) { context.object.pop_back(); },
      [](WrapContext& context) { context.purpose = "ring"; },
      [](WrapContext& context) { context.commitment[31] ^= 1; },
      [](WrapContext& context) { context.tenant += "corpus", context.dataset = ""; },
  };
  std::set<Bytes> seen;
  for (const auto& change : changes) {
    WrapContext context = example();
    change(context);
    EXPECT_TRUE(seen.insert(context.canonical(WrapType::kPassphrase, "passphrase", 0)).second);
  }
  EXPECT_TRUE(seen.insert(example().canonical(WrapType::kPkcs11, "passphrase", 0)).second);
  EXPECT_TRUE(seen.insert(example().canonical(WrapType::kPassphrase, "passphrasf", 0)).second);
  EXPECT_TRUE(seen.insert(example().canonical(WrapType::kPassphrase, "passphrase", 1)).second);
}

// Computed with Python's cryptography 48.
TEST(KeyCommitment, KnownAnswer) {
  const KeyMaterial key = key_of(ascending(32));
  EXPECT_EQ(to_hex(key_commitment(key, "dek")), "0346e65705db094ad7481826e30d0201473149c09de7ecf3a4e72f8dc57de335");
  EXPECT_NE(key_commitment(key, "ring"), key_commitment(key, "dek"));
  EXPECT_NE(key_commitment(key_of_byte(1), "dek"), key_commitment(key, "dek"));
}

// Keeps the key in its own memory, so that only the order of calls is under test.
class Shelf final : public KeyWrapper {
 public:
  Result<WrappedKey> wrap(const KeyMaterial& key, const WrapContext&) override {
    kept_.push_back(key.duplicate());
    return WrappedKey{WrapType::kSoftwareKey, "shelf", static_cast<std::uint32_t>(kept_.size()), {}, {}};
  }
  Result<KeyMaterial> unwrap(const WrappedKey& wrapped, const WrapContext&) override {
    if (wrapped.key_version == 0 || wrapped.key_version > kept_.size()) return Error(Code::kNotFound, "not here");
    return kept_[wrapped.key_version - 1].duplicate();
  }

 private:
  std::vector<KeyMaterial> kept_;
};

TEST(KeyWrapper, RewrapUnwrapsAndWrapsAgain) {
  Shelf shelf;
  const auto first = shelf.wrap(key_of_byte(5), example());
  const auto second = shelf.rewrap(*first, example());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->key_version, 2U);
  const auto key = shelf.unwrap(*second, example());
  EXPECT_TRUE(equal_constant_time(key->secret().expose(), key_of_byte(5).secret().expose()));
  EXPECT_EQ(shelf.rewrap(WrappedKey{}, example()).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace cloister::crypto
