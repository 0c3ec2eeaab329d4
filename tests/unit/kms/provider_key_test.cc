#include "kms/provider_key.h"

#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/fake_provider.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::FakeProvider;
using Fault = FakeProvider::Fault;

class ProviderKeyTest : public ::testing::Test {
 protected:
  ProviderKeyTest() {
    context_.tenant = "acme";
    context_.purpose = "kek";
  }

  std::unique_ptr<ProviderKey> open() { return ProviderKey::open(provider_, "first", random_).value(); }
  crypto::KeyMaterial new_key() { return crypto::KeyMaterial::random(random_); }

  testing::DeterministicRandom random_{7};
  const std::shared_ptr<FakeProvider> provider_ = std::make_shared<FakeProvider>();
  crypto::WrapContext context_;
};

TEST_F(ProviderKeyTest, OpensWhatItWrapped) {
  const auto root = open();
  EXPECT_EQ(root->key_id(), "aws-kms:key-0");
  EXPECT_EQ(root->key(), "key-0");
  const crypto::KeyMaterial key = new_key();
  const auto wrapped = root->wrap(key, context_);
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ(wrapped->type, crypto::WrapType::kAwsKms);
  EXPECT_EQ(wrapped->key_id, "aws-kms:key-0");
  EXPECT_EQ(wrapped->key_version, 1U);
  EXPECT_EQ(as_text(wrapped->parameters), "v1");
  const auto opened = root->unwrap(wrapped.value(), context_);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(crypto::equal_constant_time(opened->secret().expose(), key.secret().expose()));
}

TEST_F(ProviderKeyTest, AnotherTenantsContext) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  context_.tenant = "other";
  expect_refused(root->unwrap(wrapped, context_), Code::kDenied, "doesn't open");
}

TEST_F(ProviderKeyTest, ProviderThatIgnoresTheContext) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  provider_->fault = Fault::kIgnoresContext;
  ASSERT_TRUE(root->unwrap(wrapped, context_).ok());
  for (const auto change : {+[](crypto::WrapContext& context) { context.tenant = "other"; },
                            +[](crypto::WrapContext& context) { context.dataset = "mnist"; },
                            +[](crypto::WrapContext& context) { context.object = {1}; },
                            +[](crypto::WrapContext& context) { context.purpose = "probe"; },
                            +[](crypto::WrapContext& context) { context.commitment[31] = 1; }}) {
    crypto::WrapContext other = context_;
    change(other);
    expect_refused(root->unwrap(wrapped, other), Code::kDenied, "in this context");
  }
  EXPECT_TRUE(ProviderKey::open(provider_, "first", random_).ok());
}

TEST_F(ProviderKeyTest, ProviderThatOpensAnotherKeysWrap) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  crypto::WrapContext other = context_;
  other.object = {2};
  ASSERT_TRUE(root->wrap(new_key(), other).ok());
  provider_->fault = Fault::kOpensSomethingElse;
  expect_refused(root->unwrap(wrapped, context_), Code::kDenied, "in this context");
}

TEST_F(ProviderKeyTest, PlaintextOfAWrongSize) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  for (const Fault fault : {Fault::kShortPlaintext, Fault::kLongPlaintext}) {
    provider_->fault = fault;
    expect_refused(root->unwrap(wrapped, context_), Code::kCorrupt, "wrong size");
    EXPECT_FALSE(ProviderKey::open(provider_, "first", random_).ok());
  }
}

TEST_F(ProviderKeyTest, WrapOfAWrongSize) {
  const auto root = open();
  for (const Fault fault : {Fault::kEmptyCiphertext, Fault::kHugeCiphertext, Fault::kHugeVersion}) {
    provider_->fault = fault;
    expect_refused(root->wrap(new_key(), context_), Code::kCorrupt, "wrong size");
  }
}

TEST_F(ProviderKeyTest, MalformedWrapsNeverReachTheProvider) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  const std::size_t asked = provider_->unwraps;
  auto changed = wrapped;
  changed.ciphertext.clear();
  expect_refused(root->unwrap(changed, context_), Code::kCorrupt, "wrong size");
  changed.ciphertext.resize((16 << 10) + 1);
  expect_refused(root->unwrap(changed, context_), Code::kCorrupt, "wrong size");
  changed = wrapped;
  changed.parameters.resize(1025);
  expect_refused(root->unwrap(changed, context_), Code::kCorrupt, "wrong size");
  EXPECT_EQ(provider_->unwraps, asked);
}

TEST_F(ProviderKeyTest, WrapsOfOthers) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  const std::size_t asked = provider_->unwraps;
  auto changed = wrapped;
  changed.key_id = "aws-kms:key-1";
  expect_refused(root->unwrap(changed, context_), Code::kNotFound, "not wrapped by");
  changed = wrapped;
  changed.type = crypto::WrapType::kKmip;
  expect_refused(root->unwrap(changed, context_), Code::kNotFound, "not wrapped by");
  changed = wrapped;
  changed.key_version = 2;
  expect_refused(root->unwrap(changed, context_), Code::kNotFound, "not wrapped by");
  EXPECT_EQ(provider_->unwraps, asked);
}

TEST_F(ProviderKeyTest, UnknownKey) {
  expect_refused(ProviderKey::open(provider_, "key-9", random_), Code::kNotFound, "key-9");
}

TEST_F(ProviderKeyTest, ProviderOutOfReach) {
  const auto root = open();
  const auto wrapped = root->wrap(new_key(), context_).value();
  provider_->fault = Fault::kUnavailable;
  expect_refused(root->wrap(new_key(), context_), Code::kUnavailable, "out of reach");
  expect_refused(root->unwrap(wrapped, context_), Code::kUnavailable, "out of reach");
  expect_refused(ProviderKey::open(provider_, "first", random_), Code::kUnavailable, "out of reach");
}

}  // namespace
}  // namespace cloister::kms
