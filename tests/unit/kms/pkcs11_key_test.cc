// Keys in real tokens: SoftHSM2 and NSS softoken, one by one where they agree and where they don't.
#include "kms/pkcs11/pkcs11_key.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <p11-kit/pkcs11.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "tests/support/softhsm.h"

namespace cloister::kms {
namespace {

using IfAbsent = Pkcs11Key::IfAbsent;
using testing::TestToken;

crypto::WrapContext context_of(std::string tenant) {
  crypto::WrapContext context;
  context.tenant = std::move(tenant);
  context.object = Bytes(16, 7);
  context.purpose = "kek";
  return context;
}

// The module as another part of the same process would use it.
class OtherUser {
 public:
  explicit OtherUser(const TestToken& token) : token_(token) {
    void* library = ::dlopen(token.module().c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto get = reinterpret_cast<CK_RV (*)(CK_FUNCTION_LIST**)>(::dlsym(library, "C_GetFunctionList"));
    CLOISTER_CHECK(get != nullptr && get(&functions_) == CKR_OK);
  }
  CK_FUNCTION_LIST& functions() { return *functions_; }

  CK_SLOT_ID slot() {
    CK_SLOT_ID slots[16];
    CK_ULONG count = std::size(slots);
    CLOISTER_CHECK(functions_->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      if (functions_->C_GetTokenInfo(slots[i], &info) != CKR_OK) continue;
      const std::string label(reinterpret_cast<const char*>(info.label), sizeof info.label);
      if (label.starts_with(token_.label() + " ")) return slots[i];
    }
    return 0;
  }

  // The user is logged in already: a Pkcs11Key of this process is open.
  CK_RV make_key(const std::string& label, bool sensitive, bool extractable, CK_ULONG size = 32) {
    CK_SESSION_HANDLE session = 0;
    CLOISTER_CHECK(functions_->C_OpenSession(slot(), CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr, &session) ==
                   CKR_OK);
    CK_MECHANISM mechanism{CKM_AES_KEY_GEN, nullptr, 0};
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL is_sensitive = sensitive ? CK_TRUE : CK_FALSE;
    CK_BBOOL is_extractable = extractable ? CK_TRUE : CK_FALSE;
    CK_ATTRIBUTE attributes[] = {{CKA_TOKEN, &yes, 1},
                                 {CKA_SENSITIVE, &is_sensitive, 1},
                                 {CKA_EXTRACTABLE, &is_extractable, 1},
                                 {CKA_ENCRYPT, &yes, 1},
                                 {CKA_DECRYPT, &yes, 1},
                                 {CKA_VALUE_LEN, &size, sizeof size},
                                 {CKA_LABEL, const_cast<char*>(label.data()), label.size()}};
    CK_OBJECT_HANDLE key = 0;
    const CK_RV code = functions_->C_GenerateKey(session, &mechanism, attributes, std::size(attributes), &key);
    functions_->C_CloseSession(session);
    return code;
  }

 private:
  const TestToken& token_;
  CK_FUNCTION_LIST* functions_ = nullptr;
};

enum class Module { kSoftHsm, kNss };

class Pkcs11 : public ::testing::TestWithParam<Module> {
 protected:
  void SetUp() override {
    token_ = GetParam() == Module::kSoftHsm ? TestToken::start_softhsm() : TestToken::start_nss();
    if (token_ == nullptr) GTEST_SKIP() << "the PKCS#11 module or its tools aren't installed";
  }
  Result<std::unique_ptr<Pkcs11Key>> open(const std::string& label, IfAbsent if_absent = IfAbsent::kGenerate) {
    return Pkcs11Key::open(token_->location(label), token_->pin(), if_absent, random_);
  }
  void expect_open(const std::string& label, Code code) {
    const auto opened = open(label, IfAbsent::kRefuse);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code(), code) << opened.error().message();
  }

  crypto::SystemRandom random_;
  std::unique_ptr<TestToken> token_;
  crypto::KeyMaterial key_ = crypto::KeyMaterial::random(random_);
};

INSTANTIATE_TEST_SUITE_P(Modules, Pkcs11, ::testing::Values(Module::kSoftHsm, Module::kNss),
                         [](const auto& parameter) { return parameter.param == Module::kSoftHsm ? "SoftHsm" : "Nss"; });

TEST_P(Pkcs11, WrapsAndUnwraps) {
  auto opened = open("root");
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  auto& root = **opened;
  EXPECT_TRUE(root.key_id().starts_with("pkcs11:")) << root.key_id();
  EXPECT_TRUE(root.key_id().ends_with(":root")) << root.key_id();
  const auto wrapped = root.wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  EXPECT_EQ(wrapped->type, crypto::WrapType::kPkcs11);
  EXPECT_EQ(wrapped->parameters.size(), 12u);
  EXPECT_EQ(wrapped->ciphertext.size(), 48u);
  const auto again = root.unwrap(*wrapped, context_of("acme"));
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_TRUE(crypto::equal_constant_time(again->secret().expose(), key_.secret().expose()));
}

TEST_P(Pkcs11, FreshIvForEveryWrap) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  const auto one = (*root)->wrap(key_, context_of("acme"));
  const auto two = (*root)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_NE(one->parameters, two->parameters);
  EXPECT_NE(one->ciphertext, two->ciphertext);
}

TEST_P(Pkcs11, WrongContextOrBytes) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  auto wrapped = (*root)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("rival")).error().code(), Code::kDenied);
  auto flipped = *wrapped;
  flipped.ciphertext[3] ^= 1;
  EXPECT_EQ((*root)->unwrap(flipped, context_of("acme")).error().code(), Code::kDenied);
  flipped = *wrapped;
  flipped.parameters[0] ^= 1;
  EXPECT_EQ((*root)->unwrap(flipped, context_of("acme")).error().code(), Code::kDenied);
  auto cut = *wrapped;
  cut.ciphertext.pop_back();
  EXPECT_EQ((*root)->unwrap(cut, context_of("acme")).error().code(), Code::kCorrupt);
  cut = *wrapped;
  cut.parameters.clear();
  EXPECT_EQ((*root)->unwrap(cut, context_of("acme")).error().code(), Code::kCorrupt);
  EXPECT_TRUE((*root)->unwrap(*wrapped, context_of("acme")).ok());
}

TEST_P(Pkcs11, AnotherKeysWrapIsNotFound) {
  auto root = open("root");
  auto other = open("other");
  ASSERT_TRUE(root.ok() && other.ok());
  auto wrapped = (*other)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kNotFound);
  // Renamed to pass the first look: the tag refuses it.
  wrapped->key_id = (*root)->key_id();
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kDenied);
  wrapped->key_version = 2;
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kNotFound);
  wrapped->type = crypto::WrapType::kSoftwareKey;
  EXPECT_EQ((*root)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kNotFound);
}

TEST_P(Pkcs11, KeyOutlivesTheProcessAndIsGeneratedOnce) {
  crypto::WrappedKey wrapped;
  {
    auto root = open("root", IfAbsent::kGenerate);
    ASSERT_TRUE(root.ok()) << root.error().message();
    wrapped = *(*root)->wrap(key_, context_of("acme"));
  }
  for (const IfAbsent if_absent : {IfAbsent::kRefuse, IfAbsent::kGenerate}) {
    auto root = open("root", if_absent);
    ASSERT_TRUE(root.ok()) << root.error().message();
    EXPECT_TRUE((*root)->unwrap(wrapped, context_of("acme")).ok());
  }
}

TEST_P(Pkcs11, AbsentKeyOrTokenIsNotFound) {
  expect_open("no-such-key", Code::kNotFound);
  auto location = token_->location("root");
  location.token_label = "no-such-token";
  const auto opened = Pkcs11Key::open(location, token_->pin(), IfAbsent::kGenerate, random_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Code::kNotFound) << opened.error().message();
}

TEST_P(Pkcs11, WrongPinIsDeniedAndNotRepeated) {
  const crypto::Secret wrong = crypto::Secret::copy_of(as_bytes("hunter2-hunter2"));
  const auto opened = Pkcs11Key::open(token_->location("root"), wrong, IfAbsent::kGenerate, random_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Code::kDenied) << opened.error().message();
  EXPECT_EQ(opened.error().message().find("hunter2"), std::string::npos);
}

TEST_P(Pkcs11, AbsentModule) {
  auto location = token_->location("root");
  location.module = "/nonexistent/libpkcs11.so";
  const auto opened = Pkcs11Key::open(location, token_->pin(), IfAbsent::kRefuse, random_);
  EXPECT_EQ(opened.error().code(), Code::kNotFound) << opened.error().message();
}

TEST_P(Pkcs11, ModuleThatIsNone) {
  auto location = token_->location("root");
  location.module = "libc.so.6";
  const auto not_pkcs11 = Pkcs11Key::open(location, token_->pin(), IfAbsent::kRefuse, random_);
  EXPECT_EQ(not_pkcs11.error().code(), Code::kInvalid) << not_pkcs11.error().message();
  testing::TempDir folder;
  location.module = folder / "text.so";
  ASSERT_TRUE(write_file(location.module, as_bytes("no library"), Overwrite::kRefuse).ok());
  const auto text = Pkcs11Key::open(location, token_->pin(), IfAbsent::kRefuse, random_);
  EXPECT_EQ(text.error().code(), Code::kInvalid) << text.error().message();
}

TEST(NssModule, WithoutItsParameters) {
  const auto token = TestToken::start_nss();
  if (token == nullptr) GTEST_SKIP() << "NSS softoken isn't installed";
  crypto::SystemRandom random;
  auto location = token->location("root");
  location.module_parameters.clear();
  const auto opened = Pkcs11Key::open(location, token->pin(), IfAbsent::kRefuse, random);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code(), Code::kInvalid) << opened.error().message();
  EXPECT_NE(opened.error().message().find("parameters"), std::string::npos);
}

TEST_P(Pkcs11, WeakKeysAreDenied) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  OtherUser other(*token_);
  ASSERT_EQ(other.make_key("extractable", true, true), CKR_OK);
  expect_open("extractable", Code::kDenied);
  if (GetParam() == Module::kSoftHsm) {  // NSS makes every private token object sensitive
    ASSERT_EQ(other.make_key("readable", false, false), CKR_OK);
    expect_open("readable", Code::kDenied);
  }
  ASSERT_EQ(other.make_key("short", true, false, 16), CKR_OK);
  expect_open("short", Code::kDenied);
  ASSERT_EQ(other.make_key("good", true, false), CKR_OK);
  EXPECT_TRUE(open("good", IfAbsent::kRefuse).ok());
}

TEST_P(Pkcs11, TwoKeysOfOneLabelAreRefused) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  ASSERT_EQ(OtherUser(*token_).make_key("root", true, false), CKR_OK);
  expect_open("root", Code::kInvalid);
}

TEST_P(Pkcs11, DescribesTheKeyAndWhatTheTokenReallyDoes) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  const Pkcs11Description& description = (*root)->description();
  EXPECT_TRUE(description.sensitive);
  EXPECT_TRUE(description.always_sensitive);
  EXPECT_FALSE(description.extractable);
  EXPECT_TRUE(description.never_extractable);
  EXPECT_EQ(description.local, GetParam() == Module::kSoftHsm);  // NSS says no of keys it generated itself
  EXPECT_EQ(description.wrap_mechanism, "CKM_AES_GCM");
  EXPECT_FALSE(description.token_serial.empty());
  EXPECT_FALSE(description.library.empty());
  const std::string meaning = GetParam() == Module::kSoftHsm ? "RFC 5649" : "PKCS#7-padded key wrap";
  EXPECT_EQ(description.key_wrap_pad_meaning, meaning);
}

TEST_P(Pkcs11, LostSessionsAreBuiltUpAgain) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  const auto wrapped = (*root)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  OtherUser other(*token_);
  ASSERT_EQ(other.functions().C_CloseAllSessions(other.slot()), CKR_OK);
  const auto again = (*root)->unwrap(*wrapped, context_of("acme"));
  ASSERT_TRUE(again.ok()) << again.error().message();
  ASSERT_EQ(other.functions().C_CloseAllSessions(other.slot()), CKR_OK);
  EXPECT_TRUE((*root)->wrap(key_, context_of("acme")).ok());
}

TEST_P(Pkcs11, ModuleFinalisedBehindOurBack) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  const auto wrapped = (*root)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  ASSERT_EQ(OtherUser(*token_).functions().C_Finalize(nullptr), CKR_OK);
  const auto again = (*root)->unwrap(*wrapped, context_of("acme"));
  EXPECT_TRUE(again.ok()) << again.error().message();
}

TEST_P(Pkcs11, TwoAtOnceAndTheFirstGoesFirst) {
  auto first = open("root");
  auto second = open("root");
  ASSERT_TRUE(first.ok() && second.ok());
  const auto wrapped = (*first)->wrap(key_, context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  first->reset();
  const auto again = (*second)->unwrap(*wrapped, context_of("acme"));
  EXPECT_TRUE(again.ok()) << again.error().message();
}

TEST_P(Pkcs11, ManyThreads) {
  auto root = open("root");
  ASSERT_TRUE(root.ok()) << root.error().message();
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        const auto context = context_of("tenant-" + std::to_string(t));
        for (int i = 0; i < 50; ++i) {
          const auto wrapped = (*root)->wrap(key_, context);
          const auto opened =
              wrapped.ok() ? (*root)->unwrap(*wrapped, context) : Result<crypto::KeyMaterial>(wrapped.error());
          if (!opened.ok() || !crypto::equal_constant_time(opened->secret().expose(), key_.secret().expose()))
            ++failures;
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
}

TEST(Pkcs11SoftHsm, TokensAreToldApartByLabel) {
  const auto token = TestToken::start_softhsm("first");
  if (token == nullptr) GTEST_SKIP() << "SoftHSM2 isn't installed";
  ASSERT_TRUE(token->add_softhsm_token("second"));
  crypto::SystemRandom random;
  auto second_location = token->location("root");
  second_location.token_label = "second";
  auto first = Pkcs11Key::open(token->location("root"), token->pin(), IfAbsent::kGenerate, random);
  auto second = Pkcs11Key::open(second_location, token->pin(), IfAbsent::kGenerate, random);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE((*first)->key_id(), (*second)->key_id());
  const auto wrapped = (*first)->wrap(crypto::KeyMaterial::random(random), context_of("acme"));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_EQ((*second)->unwrap(*wrapped, context_of("acme")).error().code(), Code::kNotFound);
}

TEST(Pkcs11SoftHsm, TwoTokensOfOneLabelAreRefused) {
  const auto token = TestToken::start_softhsm("twin");
  if (token == nullptr) GTEST_SKIP() << "SoftHSM2 isn't installed";
  ASSERT_TRUE(token->add_softhsm_token("twin"));
  crypto::SystemRandom random;
  const auto opened = Pkcs11Key::open(token->location("root"), token->pin(), IfAbsent::kGenerate, random);
  EXPECT_EQ(opened.error().code(), Code::kInvalid) << opened.error().message();
}

}  // namespace
}  // namespace cloister::kms
