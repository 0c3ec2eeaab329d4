#include "seal/keyring.h"

#include <gtest/gtest.h>

#include <thread>

#include "crypto/hkdf.h"
#include "seal/keyring_format.h"
#include "tests/support/hex.h"
#include "tests/unit/seal/dataset_keys.h"

namespace cloister::seal {
namespace {

using cloister::testing::FailingKey;
using cloister::testing::key_of_byte;
using cloister::testing::LocalKey;

const KeyringOwner kOwner{"acme", "production", "mnist"};

crypto::WrapContext dek_wrap_context() { return {"acme/production", "mnist", Bytes(16, 7), "dek", {}}; }

class KeyringTest : public ::testing::Test {
 protected:
  Result<Keyring> unlock(ByteView bytes, const KeyringOwner& owner = kOwner, std::string_view purpose = "ring") {
    return Keyring::unlock(bytes, owner, keys_.kek, purpose, keys_.random);
  }
  Bytes stored(std::string_view purpose = "ring") { return must(keys_.keyring.serialize(keys_.kek, purpose)); }

  // As somebody with the KEK would write it: the mac is right again.
  Bytes with_mac(KeyringParts parts) {
    const crypto::WrapContext context{parts.outline.owner.tenant_name(), parts.outline.owner.dataset,
                                      Bytes(parts.outline.keyring_id.begin(), parts.outline.keyring_id.end()), "ring",
                                      parts.ring_commitment};
    const crypto::KeyMaterial ring_key = must(keys_.kek.unwrap(parts.outline.ring_key, context));
    crypto::Info info("CLSR1 keyring mac");
    info.field(parts.outline.keyring_id);
    Bytes bytes = serialize_keyring_parts(parts);
    const auto mac = crypto::hmac_sha256(crypto::hkdf_expand_sha512(ring_key.secret(), info.view(), 32), bytes);
    bytes.insert(bytes.end(), mac.begin(), mac.end());
    return bytes;
  }

  DatasetKeys keys_{1, kOwner};
};

bool same_key(const crypto::KeyMaterial& a, const crypto::KeyMaterial& b) {
  return crypto::equal_constant_time(a.secret().expose(), b.secret().expose());
}

TEST_F(KeyringTest, UnlocksToTheSameKeys) {
  must(keys_.keyring.rotate(kNow + hours(1)));
  must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  must(keys_.keyring.add_recipient(crypto::HpkeKem::kXWing));
  const Keyring again = must(unlock(stored()));
  EXPECT_EQ(again.outline().sequence, 1U);
  EXPECT_EQ(again.outline().owner.tenant_name(), "acme/production");
  ASSERT_EQ(again.outline().keys.size(), 2U);
  EXPECT_EQ(again.outline().keys[0].state, DatasetKeyState::kEnabled);
  EXPECT_EQ(again.outline().keys[1].state, DatasetKeyState::kPrimary);
  EXPECT_EQ(again.outline().keys[1].created, kNow + hours(1));
  for (const std::uint32_t version : {1U, 2U}) {
    EXPECT_TRUE(
        same_key(must(again.dataset_key(version)).material(), must(keys_.keyring.dataset_key(version)).material()));
  }
  EXPECT_EQ(must(again.signing_key()).public_key(), keys_.keyring.outline().signing_public_key);
  for (const std::size_t position : {0U, 1U}) {
    EXPECT_TRUE(equal(must(again.recipient(position)).public_key().bytes(),
                      keys_.keyring.outline().recipients[position].bytes()));
  }
  expect_error(again.recipient(2), Code::kNotFound, "no such recipient");
}

TEST_F(KeyringTest, EveryStoreCountsTheSequenceUp) {
  EXPECT_EQ(must(parse_keyring(stored())).sequence, 1U);
  EXPECT_EQ(must(parse_keyring(stored())).sequence, 2U);
  FailingKey unreachable(Error(Code::kUnavailable, "the KMS is away"));
  expect_error(keys_.keyring.serialize(unreachable, "ring"), Code::kUnavailable, "away");
  EXPECT_EQ(must(parse_keyring(stored())).sequence, 3U);
}

TEST_F(KeyringTest, OutlineReadsWithoutKeys) {
  const KeyringOutline outline = must(parse_keyring(stored()));
  EXPECT_EQ(outline.owner.dataset, "mnist");
  EXPECT_EQ(outline.ring_key.key_id, "local-9");
  EXPECT_EQ(outline.signing_public_key, keys_.keyring.outline().signing_public_key);
}

TEST_F(KeyringTest, FlippedBitAnywhere) {
  must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  const Bytes good = stored();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= static_cast<std::uint8_t>(1U << (i % 8));
    EXPECT_FALSE(unlock(bad).ok()) << "byte " << i;
  }
}

TEST_F(KeyringTest, CutOffAnywhereAndTrailingBytes) {
  const Bytes good = stored();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(parse_keyring(ByteView(good).first(size)).ok()) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  expect_error(parse_keyring(longer), Code::kCorrupt, "keyring");
}

TEST_F(KeyringTest, NotAKeyringAndNewerVersions) {
  Bytes bytes = stored();
  bytes[0] = 'X';
  expect_error(parse_keyring(bytes), Code::kInvalid, "not a keyring");
  bytes = stored();
  bytes[8] = 2;
  expect_error(parse_keyring(bytes), Code::kUnsupported, "newer than this program");
}

// KR-7.
TEST_F(KeyringTest, MovedToAnotherOwner) {
  const Bytes bytes = stored();
  expect_error(unlock(bytes, {"globex", "production", "mnist"}), Code::kDenied, "unlock");
  expect_error(unlock(bytes, {"acme", "staging", "mnist"}), Code::kDenied, "unlock");
  expect_error(unlock(bytes, {"acme", "", "mnist"}), Code::kDenied, "unlock");
  expect_error(unlock(bytes, {"acme", "production", "cifar"}), Code::kDenied, "unlock");
}

TEST_F(KeyringTest, RelabelledForAnotherOwner) {
  KeyringParts parts = must(parse_keyring_parts(stored()));
  parts.outline.owner.tenant = "globex";
  const Bytes relabelled = [&] {
    Bytes bytes = serialize_keyring_parts(parts);
    bytes.insert(bytes.end(), parts.mac.begin(), parts.mac.end());
    return bytes;
  }();
  expect_error(unlock(relabelled, {"globex", "production", "mnist"}), Code::kDenied, "unlock");
  expect_error(unlock(relabelled), Code::kCorrupt, "mac");
}

// The joined name is the same, the wrap can't tell them apart: the names under the mac do.
TEST_F(KeyringTest, SameJoinedNameSplitElsewhere) {
  expect_error(unlock(stored(), {"acme/production", "", "mnist"}), Code::kDenied, "another tenant");
}

TEST_F(KeyringTest, RefusesNamesAReaderWouldConfuse) {
  const std::string long_name(129, 'a');
  for (const KeyringOwner& owner :
       {KeyringOwner{"", "", "mnist"}, KeyringOwner{"acme", "", ""}, KeyringOwner{"acme/production", "", "mnist"},
        KeyringOwner{"acme", "a/b", "mnist"}, KeyringOwner{long_name, "", "mnist"}, KeyringOwner{"a", "", long_name},
        KeyringOwner{"a\nb", "", "mnist"}}) {
    expect_error(Keyring::create(owner, kNow, keys_.random), Code::kInvalid, "names");
  }
}

TEST_F(KeyringTest, WrongKekAndWrongPurpose) {
  const Bytes bytes = stored();
  LocalKey other(10, keys_.random);
  expect_error(Keyring::unlock(bytes, kOwner, other, "ring", keys_.random), Code::kNotFound, "not this key");
  expect_error(unlock(bytes, kOwner, "keyring-export"), Code::kDenied, "unlock");
  expect_error(unlock(stored("keyring-export")), Code::kDenied, "unlock");
  EXPECT_TRUE(unlock(stored("keyring-export"), kOwner, "keyring-export").ok());
}

// KR-2: what the ring key wrapped for one place opens in no other, also for somebody who can make the mac right.
TEST_F(KeyringTest, EntriesDontChangePlaces) {
  must(keys_.keyring.rotate(kNow));
  must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  const KeyringParts good = must(parse_keyring_parts(stored()));

  KeyringParts versions = good;
  std::swap(versions.outline.keys[0].wrapped, versions.outline.keys[1].wrapped);
  std::swap(versions.outline.keys[0].commitment, versions.outline.keys[1].commitment);
  const Keyring swapped = must(unlock(with_mac(versions)));
  expect_error(swapped.dataset_key(1), Code::kDenied, "dataset key version 1 of acme/production/mnist");
  expect_error(KeyringWrapper::create(swapped, keys_.random), Code::kDenied, "version 1");

  KeyringParts recipients = good;
  std::swap(recipients.recipients[0], recipients.recipients[1]);
  EXPECT_FALSE(must(unlock(with_mac(recipients))).recipient(0).ok());

  KeyringParts purposes = good;
  purposes.signing = SealedSeed{good.outline.keys[0].commitment, good.outline.keys[0].wrapped};
  EXPECT_FALSE(must(unlock(with_mac(purposes))).signing_key().ok());

  KeyringParts public_keys = good;
  std::swap(public_keys.outline.recipients[0], public_keys.outline.recipients[1]);
  expect_error(must(unlock(with_mac(public_keys))).recipient(0), Code::kCorrupt, "public key");
  public_keys.outline.signing_public_key[0] ^= 1;
  expect_error(must(unlock(with_mac(public_keys))).signing_key(), Code::kCorrupt, "public key");
}

// KR-3.
TEST_F(KeyringTest, CommitmentThatDoesntFit) {
  KeyringParts parts = must(parse_keyring_parts(stored()));
  parts.outline.keys[0].commitment[0] ^= 1;
  expect_error(must(unlock(with_mac(parts))).dataset_key(1), Code::kDenied, "version 1");
}

TEST_F(KeyringTest, RotationKeepsOldVersionsUsable) {
  EXPECT_EQ(must(keys_.keyring.rotate(kNow)), 2U);
  EXPECT_EQ(must(keys_.keyring.rotate(kNow)), 3U);
  EXPECT_EQ(keys_.keyring.outline().keys[2].state, DatasetKeyState::kPrimary);
  for (const std::uint32_t version : {1U, 2U, 3U}) EXPECT_TRUE(keys_.keyring.dataset_key(version).ok());
  expect_error(keys_.keyring.dataset_key(4), Code::kDenied, "there is no dataset key version 4");
}

TEST_F(KeyringTest, AsManyVersionsAsThereMayBe) {
  for (std::uint32_t i = 1; i < 4096; ++i) must(keys_.keyring.rotate(kNow));
  expect_error(keys_.keyring.rotate(kNow), Code::kInvalid, "4096");
  EXPECT_EQ(must(unlock(stored())).outline().keys.size(), 4096U);
}

TEST_F(KeyringTest, StatesOfVersions) {
  must(keys_.keyring.rotate(kNow));
  must(keys_.keyring.rotate(kNow));
  Keyring& ring = keys_.keyring;
  expect_error(ring.set_state(3, DatasetKeyState::kDisabled), Code::kInvalid, "primary");
  expect_error(ring.set_state(9, DatasetKeyState::kDisabled), Code::kNotFound, "version 9");
  expect_error(ring.set_state(2, DatasetKeyState::kPrimary), Code::kInvalid, "rotation");
  must(ring.set_state(2, DatasetKeyState::kDisabled));
  expect_error(ring.dataset_key(2), Code::kDenied, "dataset key version 2 of acme/production/mnist is disabled");
  must(ring.set_state(2, DatasetKeyState::kEnabled));
  EXPECT_TRUE(ring.dataset_key(2).ok());
  must(ring.set_state(1, DatasetKeyState::kDestroyed));
  expect_error(ring.dataset_key(1), Code::kDenied, "is destroyed");
  expect_error(ring.set_state(1, DatasetKeyState::kEnabled), Code::kDenied, "destroyed");

  const Keyring again = must(unlock(stored()));
  EXPECT_TRUE(all_zero(again.outline().keys[0].wrapped));
  expect_error(again.dataset_key(1), Code::kDenied, "is destroyed");
}

TEST_F(KeyringTest, SeventeenthRecipient) {
  for (int i = 0; i < 16; ++i) must(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519));
  expect_error(keys_.keyring.add_recipient(crypto::HpkeKem::kX25519), Code::kInvalid, "16");
  EXPECT_EQ(must(unlock(stored())).outline().recipients.size(), 16U);
}

// KR-5.
TEST_F(KeyringTest, MalformedOutlines) {
  must(keys_.keyring.rotate(kNow));
  const KeyringParts good = must(parse_keyring_parts(stored()));
  const auto refused = [&](const std::function<void(KeyringParts&)>& change, Code code, std::string_view words) {
    KeyringParts parts = good;
    change(parts);
    Bytes bytes = serialize_keyring_parts(parts);
    bytes.resize(bytes.size() + 32);
    expect_error(parse_keyring(bytes), code, words);
  };
  using State = DatasetKeyState;
  refused([](auto& p) { p.outline.keys[0].state = State::kPrimary; }, Code::kCorrupt, "primary");
  refused([](auto& p) { p.outline.keys[1].state = State::kDisabled; }, Code::kCorrupt, "primary");
  refused([](auto& p) { std::swap(p.outline.keys[0].state, p.outline.keys[1].state); }, Code::kCorrupt, "primary");
  refused([](auto& p) { p.outline.keys[0].state = static_cast<State>(5); }, Code::kCorrupt, "state 5");
  refused([](auto& p) { p.outline.keys[0].state = static_cast<State>(0); }, Code::kCorrupt, "state 0");
  refused([](auto& p) { p.outline.keys[1].version = 1; }, Code::kCorrupt, "ascending");
  refused([](auto& p) { p.outline.keys[0].version = 0; }, Code::kCorrupt, "ascending");
  refused([](auto& p) { p.outline.keys[0].state = State::kDestroyed; }, Code::kCorrupt, "still has its wrap");
  refused([](auto& p) { p.outline.keys.clear(); }, Code::kCorrupt, "number of dataset keys");
  refused([](auto& p) { p.outline.keys.resize(4097); }, Code::kCorrupt, "number of dataset keys");
  refused([](auto& p) { p.outline.owner.tenant.assign(129, 'a'); }, Code::kCorrupt, "tenant");
  refused([](auto& p) { p.outline.owner.tenant = "a/b"; }, Code::kCorrupt, "slash");
  refused([](auto& p) { p.outline.owner.environment = "a/b"; }, Code::kCorrupt, "slash");
  refused([](auto& p) { p.outline.owner.dataset = "a\x01"; }, Code::kCorrupt, "dataset");
  refused([](auto& p) { p.outline.ring_key.key_id.assign(513, 'a'); }, Code::kCorrupt, "key id");
  refused([](auto& p) { p.outline.ring_key.parameters.resize(4097); }, Code::kCorrupt, "parameters");
  refused([](auto& p) { p.outline.ring_key.ciphertext.resize(8193); }, Code::kCorrupt, "ring key");
  refused([](auto& p) { p.outline.ring_key.type = static_cast<crypto::WrapType>(7); }, Code::kUnsupported, "type 7");
}

class KeyringWrapperTest : public KeyringTest {};

TEST_F(KeyringWrapperTest, WrapsUnderThePrimaryVersion) {
  must(keys_.keyring.rotate(kNow));
  keys_.refresh();
  const auto wrapped = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  EXPECT_EQ(wrapped.type, crypto::WrapType::kDatasetKey);
  EXPECT_EQ(wrapped.key_id, to_hex(keys_.keyring.outline().keyring_id));  // KR-6
  EXPECT_EQ(wrapped.key_version, 2U);
  EXPECT_TRUE(wrapped.parameters.empty());
  EXPECT_TRUE(same_key(must(keys_.wrapper->unwrap(wrapped, dek_wrap_context())), key_of_byte(5)));
}

TEST_F(KeyringWrapperTest, RefusesEveryOtherContext) {
  const auto wrapped = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  const auto refused = [&](const std::function<void(crypto::WrapContext&)>& change) {
    crypto::WrapContext context = dek_wrap_context();
    change(context);
    expect_error(keys_.wrapper->unwrap(wrapped, context), Code::kDenied, "doesn't open");
    expect_error(keys_.wrapper->rewrap(wrapped, context), Code::kDenied, "doesn't open");
  };
  refused([](auto& context) { context.tenant = "globex"; });
  refused([](auto& context) { context.dataset = "cifar"; });
  refused([](auto& context) { context.dataset = ""; });
  refused([](auto& context) { context.object[3] ^= 1; });
  refused([](auto& context) { context.purpose = "ring"; });
  refused([](auto& context) { context.commitment[31] ^= 1; });
}

TEST_F(KeyringWrapperTest, OtherKeyringsAndVersions) {
  auto wrapped = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  DatasetKeys other(2, kOwner);
  expect_error(other.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kNotFound, "another keyring");
  expect_error(other.wrapper->rewrap(wrapped, dek_wrap_context()), Code::kNotFound, "another");
  wrapped.key_version = 7;
  expect_error(keys_.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kDenied, "there is no dataset key version 7");

  must(keys_.keyring.rotate(kNow));
  keys_.refresh();
  wrapped.key_version = 2;  // made under version 1
  expect_error(keys_.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kDenied, "doesn't open");
}

TEST_F(KeyringWrapperTest, DisabledAndDestroyedVersions) {
  const auto wrapped = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  must(keys_.keyring.rotate(kNow));
  must(keys_.keyring.set_state(1, DatasetKeyState::kDisabled));
  keys_.refresh();
  expect_error(keys_.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kDenied,
               "dataset key version 1 of acme/production/mnist is disabled");
  expect_error(keys_.wrapper->rewrap(wrapped, dek_wrap_context()), Code::kDenied, "is disabled");
  must(keys_.keyring.set_state(1, DatasetKeyState::kDestroyed));
  keys_.refresh();
  expect_error(keys_.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kDenied, "is destroyed");
}

TEST_F(KeyringWrapperTest, DamagedWraps) {
  const auto wrapped = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  for (std::size_t i = 0; i < wrapped.ciphertext.size(); ++i) {
    auto bad = wrapped;
    bad.ciphertext[i] ^= 0x80;
    expect_error(keys_.wrapper->unwrap(bad, dek_wrap_context()), Code::kDenied, "doesn't open");
  }
  for (const std::size_t size : {0U, 71U, 73U}) {
    auto bad = wrapped;
    bad.ciphertext.resize(size);
    EXPECT_FALSE(keys_.wrapper->unwrap(bad, dek_wrap_context()).ok());
  }
}

TEST_F(KeyringWrapperTest, RewrapMovesToThePrimaryVersion) {
  const auto old = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  must(keys_.keyring.rotate(kNow));
  keys_.refresh();
  const auto renewed = must(keys_.wrapper->rewrap(old, dek_wrap_context()));
  EXPECT_EQ(renewed.key_version, 2U);
  EXPECT_NE(renewed.ciphertext, old.ciphertext);
  EXPECT_TRUE(same_key(must(keys_.wrapper->unwrap(renewed, dek_wrap_context())), key_of_byte(5)));
}

TEST_F(KeyringWrapperTest, OpensWhatWasSealedToItsRecipients) {
  for (const crypto::HpkeKem kem : {crypto::HpkeKem::kX25519, crypto::HpkeKem::kXWing}) {
    const crypto::HpkePublicKey recipient = must(keys_.keyring.add_recipient(kem));
    keys_.refresh();
    crypto::HpkeSealer sealer(recipient, keys_.random);
    const auto wrapped = must(sealer.wrap(key_of_byte(5), dek_wrap_context()));
    EXPECT_TRUE(same_key(must(keys_.wrapper->unwrap(wrapped, dek_wrap_context())), key_of_byte(5)));
    expect_error(keys_.wrapper->rewrap(wrapped, dek_wrap_context()), Code::kNotFound, "another key");
    DatasetKeys other(2, kOwner);
    expect_error(other.wrapper->unwrap(wrapped, dek_wrap_context()), Code::kNotFound, "isn't in this keyring");
  }
}

TEST_F(KeyringWrapperTest, ManyThreadsAtOnce) {
  const auto old = must(keys_.wrapper->wrap(key_of_byte(5), dek_wrap_context()));
  must(keys_.keyring.rotate(kNow));
  keys_.refresh();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto renewed = keys_.wrapper->rewrap(old, dek_wrap_context());
        if (!renewed.ok()) {
          ++wrong;
          continue;
        }
        const auto key = keys_.wrapper->unwrap(renewed.value(), dek_wrap_context());
        if (!key.ok() || !same_key(key.value(), key_of_byte(5))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace cloister::seal
