// Tokens that go away and come back, sessions that are lost, modules that fail: SoftHSM2 without its folder, and behind
// a module that fails on demand.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "kms/pkcs11/pkcs11_provider.h"
#include "tests/support/expect.h"
#include "tests/support/token_keys.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::TestToken;
using testing::TokenKeys;

const ContextMap kContext{{"tenant", "acme"}};

crypto::Secret secret() { return crypto::Secret::copy_of(as_bytes("a secret")); }

class TokenLoss : public ::testing::Test {
 protected:
  void SetUp() override {
    token_ = TestToken::start_softhsm();
    if (!token_) GTEST_SKIP() << "not installed here";
    TokenKeys keys(*token_);
    ASSERT_EQ(keys.make_aes("gcm", 1, TokenKeys::Use::kEncrypts), CKR_OK);
    ASSERT_EQ(keys.make_aes("kwp", 2, TokenKeys::Use::kWraps), CKR_OK);
  }
  std::shared_ptr<Pkcs11Provider> open(const Path& module) {
    auto provider = Pkcs11Provider::create({module, token_->label()}, token_->pin(), nullptr, real_waiting());
    CLOISTER_CHECK(provider.ok());
    return std::move(provider).value();
  }
  static bool round_trip(Provider& provider, const std::string& key = "gcm") {
    const auto wrapped = provider.wrap(key, secret(), kContext);
    return wrapped.ok() && provider.unwrap(key, wrapped.value(), kContext).ok();
  }

  std::unique_ptr<TestToken> token_;
};

TEST_F(TokenLoss, ComesBackWithNothingLost) {
  const auto provider = open(token_->module());
  for (const std::string key : {"gcm", "kwp"}) {
    const auto wrapped = provider->wrap(key, secret(), kContext);
    ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
    for (int turn = 0; turn < 2; ++turn) {
      token_->take_away();
      expect_refused(provider->unwrap(key, wrapped.value(), kContext), Code::kUnavailable, "unwrap with " + key);
      expect_refused(provider->wrap(key, secret(), kContext), Code::kUnavailable, "wrap with " + key);
      expect_refused(provider->describe(key), Code::kUnavailable, "describe " + key);
      expect_refused(provider->list(""), Code::kUnavailable, "list");
      EXPECT_FALSE(provider->health()->serving);
      token_->bring_back();
      const auto opened = provider->unwrap(key, wrapped.value(), kContext);
      ASSERT_TRUE(opened.ok()) << opened.error().message();
      EXPECT_TRUE(crypto::equal_constant_time(opened->expose(), secret().expose()));
      EXPECT_TRUE(round_trip(*provider, key));
      EXPECT_TRUE(provider->health()->serving);
      EXPECT_TRUE(provider->describe(key).ok());
    }
  }
}

TEST_F(TokenLoss, RootComesBack) {
  crypto::SystemRandom random;
  auto root = Pkcs11Key::open(token_->location("gcm"), token_->pin(), Pkcs11Key::IfAbsent::kRefuse, random).value();
  crypto::WrapContext context;
  context.tenant = "acme";
  const auto wrapped = root->wrap(crypto::KeyMaterial::random(random), context).value();
  token_->take_away();
  expect_refused(root->unwrap(wrapped, context), Code::kUnavailable, "unwrap");
  token_->bring_back();
  EXPECT_TRUE(root->unwrap(wrapped, context).ok());
}

TEST_F(TokenLoss, UsersOfOneModuleDontDisturbEachOther) {
  const auto first = open(token_->module());
  const auto second = open(token_->module());
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  const auto use = [&](Provider& provider) {
    while (!done) {
      const auto wrapped = provider.wrap("gcm", secret(), kContext);
      if (!wrapped.ok() && wrapped.error().code() != Code::kUnavailable) ++wrong;
      if (!wrapped.ok()) continue;
      const auto opened = provider.unwrap("gcm", wrapped.value(), kContext);
      if (!opened.ok() && opened.error().code() != Code::kUnavailable) ++wrong;
    }
  };
  std::thread one([&] { use(*first); });
  std::thread two([&] { use(*second); });
  for (int turn = 0; turn < 5; ++turn) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    token_->take_away();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    token_->bring_back();
  }
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_TRUE(round_trip(*first));
  EXPECT_TRUE(round_trip(*second));
}

TEST_F(TokenLoss, TheFirstUserLeaves) {
  auto first = open(token_->module());
  const auto second = open(token_->module());
  ASSERT_TRUE(round_trip(*second));
  first.reset();
  EXPECT_TRUE(round_trip(*second));
}

class FailingModule : public TokenLoss {
 protected:
  void SetUp() override {
    TokenLoss::SetUp();
    if (!token_) return;
    ::setenv("PKCS11_SHIM_MODULE", token_->module().c_str(), 1);
    void* library = ::dlopen(PKCS11_SHIM, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    fail_ = reinterpret_cast<void (*)(const char*, CK_RV, int)>(::dlsym(library, "pkcs11_shim_fail"));
    ASSERT_NE(fail_, nullptr);
    provider_ = open(PKCS11_SHIM);
    wrapped_ = provider_->wrap("gcm", secret(), kContext).value();
  }
  void fail(const char* function, CK_RV code, int times) { fail_(function, code, times); }

  std::shared_ptr<Pkcs11Provider> provider_;
  ProviderWrap wrapped_;

 private:
  void (*fail_)(const char*, CK_RV, int) = nullptr;
};

TEST_F(FailingModule, LostOnceIsBuiltUpAgain) {
  for (const CK_RV code :
       {CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT,
        CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OPERATION_ACTIVE}) {
    for (const char* function : {"C_EncryptInit", "C_Encrypt", "C_DecryptInit", "C_Decrypt"}) {
      fail(function, code, 1);
      EXPECT_TRUE(round_trip(*provider_)) << function << " " << code;
      fail(function, CKR_OK, 0);
    }
  }
  EXPECT_TRUE(provider_->unwrap("gcm", wrapped_, kContext).ok());
}

TEST_F(FailingModule, NoSessionToBeHad) {
  fail("C_OpenSession", CKR_SESSION_COUNT, 1000);
  fail("C_EncryptInit", CKR_DEVICE_REMOVED, 1);
  expect_refused(provider_->wrap("gcm", secret(), kContext), Code::kUnavailable, "wrap with gcm");
  fail("C_OpenSession", CKR_OK, 0);
  EXPECT_TRUE(round_trip(*provider_));
}

TEST_F(FailingModule, LoginThatFailsOnTheWayBack) {
  fail("C_Login", CKR_DEVICE_ERROR, 2);
  fail("C_EncryptInit", CKR_DEVICE_REMOVED, 1);
  expect_refused(provider_->wrap("gcm", secret(), kContext), Code::kUnavailable, "wrap with gcm");
  EXPECT_TRUE(round_trip(*provider_));
}

TEST_F(FailingModule, TokenThatIsNotListed) {
  fail("C_GetSlotList", CKR_GENERAL_ERROR, 1000);
  EXPECT_TRUE(round_trip(*provider_)) << "sessions that stand don't need the list";
  fail("C_Decrypt", CKR_TOKEN_NOT_PRESENT, 1);
  expect_refused(provider_->unwrap("gcm", wrapped_, kContext), Code::kUnavailable, "unwrap with gcm");
  EXPECT_FALSE(provider_->health()->serving);
  fail("C_GetSlotList", CKR_OK, 0);
  EXPECT_TRUE(provider_->health()->serving);
  EXPECT_TRUE(provider_->unwrap("gcm", wrapped_, kContext).ok());
}

TEST_F(FailingModule, TroubleOfTheTokenIsNotAWrapThatDoesntOpen) {
  for (const CK_RV code : {CKR_DEVICE_ERROR, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_HOST_MEMORY}) {
    fail("C_Decrypt", code, 1);
    EXPECT_TRUE(provider_->unwrap("gcm", wrapped_, kContext).ok()) << code;
    fail("C_Decrypt", code, 1000);
    expect_refused(provider_->unwrap("gcm", wrapped_, kContext), Code::kUnavailable, "CKR_");
    fail("C_Decrypt", CKR_OK, 0);
    EXPECT_TRUE(provider_->unwrap("gcm", wrapped_, kContext).ok()) << code;
  }
}

TEST_F(FailingModule, AWrapThatDoesntOpenIsNotTroubleOfTheToken) {
  ProviderWrap changed = wrapped_;
  changed.ciphertext.back() ^= 1;
  expect_refused(provider_->unwrap("gcm", changed, kContext), Code::kDenied, "doesn't open");
  for (const CK_RV code : {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DATA_INVALID}) {
    fail("C_Decrypt", code, 1);
    expect_refused(provider_->unwrap("gcm", changed, kContext), Code::kDenied, "doesn't open");
  }
}

TEST_F(FailingModule, KeyThatMayNotBeUsed) {
  fail("C_EncryptInit", CKR_KEY_FUNCTION_NOT_PERMITTED, 1);
  expect_refused(provider_->wrap("gcm", secret(), kContext), Code::kInvalid, "CKR_KEY_FUNCTION_NOT_PERMITTED");
}

TEST_F(FailingModule, SearchThatFails) {
  fail("C_FindObjectsInit", CKR_DEVICE_ERROR, 1000);
  expect_refused(provider_->list(""), Code::kUnavailable, "list");
  expect_refused(provider_->describe("gcm"), Code::kUnavailable, "describe gcm");
  EXPECT_TRUE(round_trip(*provider_)) << "a key that was found needs no search";
  expect_refused(provider_->wrap("kwp", secret(), kContext), Code::kUnavailable, "wrap with kwp");
  fail("C_FindObjectsInit", CKR_OK, 0);
  EXPECT_TRUE(round_trip(*provider_, "kwp"));
}

}  // namespace
}  // namespace cloister::kms
