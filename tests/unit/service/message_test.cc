// Messages: what opens, and every change after which they don't.
#include "service/message.h"

#include "service/unlocked_keyrings.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

class MessageTest : public ::testing::Test {
 protected:
  MessageTest() {
    testing::value_of(home_.keys->create_tenant({"acme", ""}, std::nullopt, Harness::caller()));
    testing::value_of(home_.keys->create_tenant({"rival", ""}, std::nullopt, Harness::caller()));
    for (const keys::DatasetName& name : {mnist_, rival_}) {
      EXPECT_TRUE(home_.keys->create_dataset(name, Harness::caller()).ok());
    }
  }

  CachedKeyring cached(const keys::DatasetName& name) {
    const seal::Keyring keyring = testing::value_of(home_.keys->unlock_keyring(name, "test", Harness::caller()));
    CachedKeyring cached;
    cached.keyring_id = to_hex(keyring.outline().keyring_id);
    cached.wrapper = testing::value_of(seal::KeyringWrapper::create(keyring, home_.random));
    for (const seal::DatasetKeyEntry& entry : keyring.outline().keys) {
      cached.versions.emplace_back(entry.version, entry.state);
    }
    return cached;
  }
  Bytes seal(const CachedKeyring& keyring, std::string_view text, std::string_view context = "c") {
    return testing::value_of(seal_message(keyring, mnist_, as_bytes(text), as_bytes(context), home_.random));
  }
  static Result<net::Buffer> open(const CachedKeyring& keyring, const keys::DatasetName& name, ByteView message,
                                  std::string_view context = "c") {
    CLOISTER_TRY(const MessageOutline outline, parse_message(message));
    return open_message(keyring, name, outline, as_bytes(context));
  }

  Harness home_;
  const keys::DatasetName mnist_{"acme", "", "mnist"};
  const keys::DatasetName rival_{"rival", "", "mnist"};
};

TEST_F(MessageTest, OpensAsItWasSealed) {
  const CachedKeyring keyring = cached(mnist_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, kMessageTextMax}) {
    const std::string text(size, 'x');
    const Bytes message = seal(keyring, text);
    EXPECT_EQ(message.size(), size + kMessageOverhead);
    const auto opened = open(keyring, mnist_, message);
    ASSERT_TRUE(opened.ok()) << size;
    EXPECT_EQ(as_text(*opened), text);
  }
  EXPECT_NE(seal(keyring, "same"), seal(keyring, "same"));
}

TEST_F(MessageTest, TooLongATextIsRefused) {
  const CachedKeyring keyring = cached(mnist_);
  const Bytes text(kMessageTextMax + 1);
  EXPECT_EQ(seal_message(keyring, mnist_, text, {}, home_.random).error().code(), Code::kInvalid);
}

TEST_F(MessageTest, AnotherContext) {
  const CachedKeyring keyring = cached(mnist_);
  const Bytes message = seal(keyring, "text", "c");
  for (const std::string_view context : {"", "d", "cc", "C"}) {
    EXPECT_EQ(open(keyring, mnist_, message, context).error().code(), Code::kDenied);
  }
}

TEST_F(MessageTest, AnotherTenantOrDataset) {
  const CachedKeyring keyring = cached(mnist_);
  const Bytes message = seal(keyring, "text");
  EXPECT_EQ(open(cached(rival_), rival_, message).error().code(), Code::kNotFound);
  EXPECT_EQ(open(keyring, rival_, message).error().code(), Code::kDenied);
  EXPECT_EQ(open(keyring, {"acme", "production", "mnist"}, message).error().code(), Code::kDenied);
  EXPECT_EQ(open(keyring, {"acme", "", "other"}, message).error().code(), Code::kDenied);
}

TEST_F(MessageTest, EveryByteCounts) {
  const CachedKeyring keyring = cached(mnist_);
  const Bytes message = seal(keyring, "text");
  for (std::size_t i = 0; i < message.size(); ++i) {
    Bytes changed = message;
    changed[i] ^= 0x01;
    EXPECT_FALSE(open(keyring, mnist_, changed).ok()) << i;
  }
}

TEST_F(MessageTest, CutShortOrTooLong) {
  const CachedKeyring keyring = cached(mnist_);
  Bytes message = seal(keyring, "text");
  for (std::size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(open(keyring, mnist_, ByteView(message).first(size)).ok()) << size;
  }
  message.push_back(0);
  EXPECT_EQ(open(keyring, mnist_, message).error().code(), Code::kDenied);
  EXPECT_EQ(parse_message(Bytes(kMessageTextMax + kMessageOverhead + 1)).error().code(), Code::kInvalid);
}

// Two keyrings can't both open one message: the commitment in it is to one key.
TEST_F(MessageTest, OpensUnderOneKeyOnly) {
  const CachedKeyring keyring = cached(mnist_);
  const Bytes first = seal(keyring, "text"), second = seal(keyring, "text");
  constexpr std::size_t kWrappedAt = 4 + 1 + 16 + 4 + 16 + 32;
  Bytes mixed = first;
  std::copy_n(second.begin() + kWrappedAt, 72, mixed.begin() + kWrappedAt);
  EXPECT_EQ(open(keyring, mnist_, mixed).error().code(), Code::kDenied);
}

TEST_F(MessageTest, RotationKeepsAndDestructionEnds) {
  const Bytes message = seal(cached(mnist_), "text");
  testing::value_of(home_.keys->rotate_dataset_key(mnist_, Harness::caller()));
  const CachedKeyring rotated = cached(mnist_);
  EXPECT_TRUE(open(rotated, mnist_, message).ok());
  EXPECT_EQ(testing::value_of(parse_message(seal(rotated, "text"))).key_version, 2U);
  EXPECT_TRUE(home_.keys->set_dataset_key_state(mnist_, 1, seal::DatasetKeyState::kDestroyed, Harness::caller()).ok());
  const CachedKeyring destroyed = cached(mnist_);
  EXPECT_EQ(open(destroyed, mnist_, message).error().code(), Code::kDenied);
  EXPECT_EQ(refusal_of_version(destroyed, 1, "acme/mnist")->code, ProblemCode::kKeyVersionDestroyed);
  EXPECT_EQ(refusal_of_version(destroyed, 7, "acme/mnist")->code, ProblemCode::kKeyVersionUnknown);
  EXPECT_FALSE(refusal_of_version(destroyed, 2, "acme/mnist").has_value());
}

}  // namespace
}  // namespace cloister::service
