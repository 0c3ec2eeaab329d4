#include "tests/unit/kms/provider_contract.h"

#include <algorithm>
#include <set>

#include "crypto/random.h"
#include "kms/provider_key.h"
#include "tests/support/expect.h"
#include "tests/support/fake_provider.h"

namespace cloister::kms {
namespace {

const ContextMap kContext{{"purpose", "kek"}, {"tenant", "acme"}};

crypto::Secret secret_of(std::size_t size, std::uint8_t first = 1) {
  crypto::Secret secret(size);
  for (std::size_t i = 0; i < size; ++i) secret.expose_mutable()[i] = static_cast<std::uint8_t>(first + i);
  return secret;
}

bool same(const Result<crypto::Secret>& opened, const crypto::Secret& wrapped) {
  return opened.ok() && crypto::equal_constant_time(opened.value().expose(), wrapped.expose());
}

std::string why(const Result<crypto::Secret>& opened) { return opened.ok() ? "" : opened.error().message(); }

TEST_P(ProviderContract, OpensWhatItWrapped) {
  for (const std::size_t size : {subject_->unit, std::size_t{32}, std::size_t{64}, kProviderPlaintextMax}) {
    const crypto::Secret plaintext = secret_of(size);
    const auto wrapped = provider().wrap(key(), plaintext, kContext);
    ASSERT_TRUE(wrapped.ok()) << size << ": " << wrapped.error().message();
    const auto opened = provider().unwrap(key(), wrapped.value(), kContext);
    EXPECT_TRUE(same(opened, plaintext)) << size << ": " << why(opened);
  }
}

TEST_P(ProviderContract, TwoWrapsOfOnePlaintextDiffer) {
  if (subject_->context == ContractSubject::Context::kNotTaken) GTEST_SKIP() << "may be a deterministic key wrap";
  const crypto::Secret plaintext = secret_of(32);
  const auto first = provider().wrap(key(), plaintext, kContext);
  const auto second = provider().wrap(key(), plaintext, kContext);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->ciphertext, second->ciphertext);
}

TEST_P(ProviderContract, OtherContext) {
  if (subject_->context == ContractSubject::Context::kNotTaken) GTEST_SKIP() << "takes no context";
  const auto wrapped = provider().wrap(key(), secret_of(32), {{"ab", "c"}});
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  const ContextMap others[] = {{{"a", "bc"}}, {{"ab", "d"}}, {}, {{"ab", "c"}, {"d", "e"}}};
  for (const ContextMap& other : others) {
    const auto opened = provider().unwrap(key(), wrapped.value(), other);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), Code::kDenied) << opened.error().message();
  }
}

TEST_P(ProviderContract, TamperedWrap) {
  const auto wrapped = provider().wrap(key(), secret_of(64), kContext);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  const std::size_t size = wrapped->ciphertext.size();
  for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
    ProviderWrap changed = wrapped.value();
    changed.ciphertext[at] ^= 1;
    EXPECT_FALSE(provider().unwrap(key(), changed, kContext).ok()) << "byte " << at << " of " << size;
  }
  ProviderWrap cut = wrapped.value();
  cut.ciphertext.pop_back();
  EXPECT_FALSE(provider().unwrap(key(), cut, kContext).ok());
  ProviderWrap longer = wrapped.value();
  longer.ciphertext.push_back(0);
  EXPECT_FALSE(provider().unwrap(key(), longer, kContext).ok());
  EXPECT_FALSE(provider().unwrap(key(), {wrapped->key_version, {}}, kContext).ok());
}

TEST_P(ProviderContract, WrapOfAnotherKey) {
  if (subject_->another.empty()) GTEST_SKIP() << "has one key only";
  const auto wrapped = provider().wrap(subject_->another, secret_of(32), kContext);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  const auto opened = provider().unwrap(key(), wrapped.value(), kContext);
  EXPECT_FALSE(opened.ok());
}

TEST_P(ProviderContract, UnknownKey) {
  const auto wrapped = provider().wrap(subject_->absent, secret_of(32), kContext);
  ASSERT_FALSE(wrapped.ok());
  EXPECT_EQ(wrapped.error().code(), Code::kNotFound) << wrapped.error().message();
  EXPECT_NE(wrapped.error().message().find(subject_->absent), std::string::npos) << wrapped.error().message();
  const auto described = provider().describe(subject_->absent);
  ASSERT_FALSE(described.ok());
  EXPECT_EQ(described.error().code(), Code::kNotFound) << described.error().message();
}

TEST_P(ProviderContract, PlaintextOfAWrongSize) {
  for (const std::size_t size : {std::size_t{0}, kProviderPlaintextMax + 1}) {
    const auto wrapped = provider().wrap(key(), secret_of(size), kContext);
    ASSERT_FALSE(wrapped.ok()) << size;
    EXPECT_EQ(wrapped.error().code(), Code::kInvalid) << wrapped.error().message();
  }
}

TEST_P(ProviderContract, ResolvesToANameThatStays) {
  const auto full = provider().resolve(key());
  ASSERT_TRUE(full.ok()) << full.error().message();
  EXPECT_FALSE(full->empty());
  const auto again = provider().resolve(full.value());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again.value(), full.value());
}

TEST_P(ProviderContract, DescribesTheKeyAsked) {
  const auto posture = provider().describe(key());
  ASSERT_TRUE(posture.ok()) << posture.error().message();
  EXPECT_EQ(posture->key, provider().resolve(key()).value());
  ASSERT_TRUE(posture->state.known()) << posture->state.why_not();
  EXPECT_EQ(posture->state.value(), ProviderKeyState::kEnabled);
  const auto gives_reason = [](const auto& fact) { return fact.known() || !fact.why_not().empty(); };
  EXPECT_TRUE(gives_reason(posture->managed_by) && gives_reason(posture->origin) && gives_reason(posture->protection) &&
              gives_reason(posture->created) && gives_reason(posture->rotation) &&
              gives_reason(posture->last_rotated) && gives_reason(posture->deletion_scheduled) &&
              gives_reason(posture->exportable) && gives_reason(posture->last_used) &&
              gives_reason(posture->versions) && gives_reason(posture->policy_findings))
      << to_json(posture.value());
}

TEST_P(ProviderContract, ListsEveryKeyOnceAndEnds) {
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 50; ++page) {
    const auto answer = provider().list(cursor);
    ASSERT_TRUE(answer.ok()) << answer.error().message();
    for (const std::string& name : answer->keys) EXPECT_TRUE(seen.insert(name).second) << name << " twice";
    cursor = answer->next;
    if (cursor.empty()) break;
  }
  EXPECT_TRUE(cursor.empty()) << "the pages don't end";
  const std::string full = provider().resolve(key()).value();
  const bool found = std::ranges::any_of(seen, [&](const std::string& name) {
    const auto resolved = provider().resolve(name);
    return resolved.ok() && resolved.value() == full;
  });
  EXPECT_TRUE(found) << full << " isn't among them";
}

TEST_P(ProviderContract, SaysThatItServes) {
  const auto health = provider().health();
  ASSERT_TRUE(health.ok()) << health.error().message();
  EXPECT_TRUE(health->serving) << health->detail;
  EXPECT_FALSE(health->detail.empty());
}

TEST_P(ProviderContract, IsARoot) {
  crypto::SystemRandom random;
  auto opened = ProviderKey::open(subject_->provider, key(), random);
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  ProviderKey& root = *opened.value();
  crypto::WrapContext context;
  context.tenant = "acme";
  context.purpose = "kek";
  const crypto::KeyMaterial kek = crypto::KeyMaterial::random(random);
  const auto wrapped = root.wrap(kek, context);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  const auto back = root.unwrap(wrapped.value(), context);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_TRUE(crypto::equal_constant_time(back->secret().expose(), kek.secret().expose()));
  context.tenant = "other";
  const auto elsewhere = root.unwrap(wrapped.value(), context);
  ASSERT_FALSE(elsewhere.ok());
  EXPECT_EQ(elsewhere.error().code(), Code::kDenied) << elsewhere.error().message();
}

std::optional<ContractSubject> fake() {
  return ContractSubject{std::make_shared<testing::FakeProvider>(), "first", "key-9", "key-1"};
}

INSTANTIATE_TEST_SUITE_P(Fake, ProviderContract, ::testing::Values(ContractCase{"fake", fake}), contract_name);

}  // namespace
}  // namespace cloister::kms
