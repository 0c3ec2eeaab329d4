// Many keys of real tokens through one provider: SoftHSM2 and NSS softoken, and a module that fails on demand.
#include "kms/pkcs11/pkcs11_provider.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/json.h"
#include "kms/pkcs11/pkcs11_ciphers.h"
#include "tests/support/expect.h"
#include "tests/support/recorded_transport.h"
#include "tests/support/token_keys.h"
#include "tests/unit/kms/provider_contract.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::KeptEvidence;
using testing::TestToken;
using testing::TokenKeys;
using Use = TokenKeys::Use;

const ContextMap kContext{{"tenant", "acme"}};

crypto::Secret secret_of(std::string_view text) { return crypto::Secret::copy_of(as_bytes(text)); }

Pkcs11ProviderOptions options_of(const TestToken& token) {
  return {token.module(), token.label(), {}, token.location("").module_parameters, 4};
}

// A token with its keys. The session that made them is kept: it is what keeps the module initialised.
struct Place {
  std::unique_ptr<TestToken> token;
  std::unique_ptr<TokenKeys> keys;
};

std::optional<Place> place(std::unique_ptr<TestToken> token) {
  if (!token) return std::nullopt;
  auto keys = std::make_unique<TokenKeys>(*token);
  return Place{std::move(token), std::move(keys)};
}

void make_every_kind(TokenKeys& keys) {
  ASSERT_EQ(keys.make_aes("gcm", 1, Use::kEncrypts), CKR_OK);
  ASSERT_EQ(keys.make_aes("gcm-2", 2, Use::kEncrypts), CKR_OK);
  ASSERT_EQ(keys.make_aes("kwp", 3, Use::kWraps), CKR_OK);
  ASSERT_EQ(keys.make_rsa("rsa", 5), CKR_OK);
  ASSERT_EQ(keys.make_aes("idle", 6, Use::kNothing), CKR_OK);
  ASSERT_EQ(keys.make_extractable_aes("loose", 7), CKR_OK);
}

std::shared_ptr<Pkcs11Provider> open(const TestToken& token, std::shared_ptr<EvidenceSink> evidence = nullptr) {
  auto provider = Pkcs11Provider::create(options_of(token), token.pin(), std::move(evidence), real_waiting());
  CLOISTER_CHECK(provider.ok());
  return std::move(provider).value();
}

using Start = std::unique_ptr<TestToken> (*)();
std::unique_ptr<TestToken> softhsm() { return TestToken::start_softhsm(); }
std::unique_ptr<TestToken> nss() { return TestToken::start_nss(); }

enum class Kind { kGcm, kKwp, kRsa };

// A token with keys of that kind alone: making them is what takes the time.
ContractCase contract(std::string name, Start start, Kind kind) {
  return {std::move(name), [start, kind]() -> std::optional<ContractSubject> {
            auto made = place(start());
            if (!made) return std::nullopt;
            const auto alive = std::make_shared<Place>(std::move(*made));
            TokenKeys& keys = *alive->keys;
            const Use use = kind == Kind::kGcm ? Use::kEncrypts : Use::kWraps;
            const bool rsa = kind == Kind::kRsa;
            CLOISTER_CHECK((rsa ? keys.make_rsa("one", 1) : keys.make_aes("one", 1, use)) == CKR_OK);
            CLOISTER_CHECK(rsa || keys.make_aes("two", 2, use) == CKR_OK);
            using enum ContractSubject::Context;
            return ContractSubject{open(*alive->token),
                                   "one",
                                   "nobody",
                                   rsa ? "" : "two",
                                   kind == Kind::kGcm ? kBound : kNotTaken,
                                   alive,
                                   kind == Kind::kKwp ? kKeyWrapUnit : 1};
          }};
}

INSTANTIATE_TEST_SUITE_P(Pkcs11, ProviderContract,
                         ::testing::Values(contract("softhsm_gcm", softhsm, Kind::kGcm),
                                           contract("softhsm_kwp", softhsm, Kind::kKwp),
                                           contract("softhsm_rsa", softhsm, Kind::kRsa),
                                           contract("nss_gcm", nss, Kind::kGcm), contract("nss_kwp", nss, Kind::kKwp),
                                           contract("nss_rsa", nss, Kind::kRsa)),
                         contract_name);

class TokenProvider : public ::testing::TestWithParam<Start> {
 protected:
  void SetUp() override {
    auto made = place(GetParam()());
    if (!made) GTEST_SKIP() << "not installed here";
    place_ = std::move(*made);
    make_every_kind(*place_.keys);
  }
  Place place_;
};

INSTANTIATE_TEST_SUITE_P(Modules, TokenProvider, ::testing::Values(softhsm, nss),
                         [](const auto& started) { return started.param == &softhsm ? "SoftHsm" : "Nss"; });

TEST_P(TokenProvider, SaysByWhichCipherItWrapped) {
  const auto provider = open(*place_.token);
  EXPECT_EQ(provider->wrap("gcm", secret_of("k"), kContext)->key_version, "aes-gcm");
  EXPECT_EQ(provider->wrap("kwp", secret_of("12345678"), kContext)->key_version, "aes-kwp");
  const auto rsa = provider->wrap("rsa", secret_of("k"), kContext);
  ASSERT_TRUE(rsa.ok()) << rsa.error().message();
  EXPECT_TRUE(rsa->key_version.starts_with("rsa-oaep-sha")) << rsa->key_version;
}

TEST_P(TokenProvider, KeyWrapIsRfc5649WhateverItsNumberMeans) {
  const auto provider = open(*place_.token);
  const auto wrapped = provider->wrap("kwp", secret_of(std::string(32, 'k')), kContext);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  EXPECT_EQ(wrapped->ciphertext.size(), 40U);
}

TEST_P(TokenProvider, KeyWrapOfAnOddSize) {
  // SoftHSM would wrap it, and open it with zeros at its end.
  const auto provider = open(*place_.token);
  expect_refused(provider->wrap("kwp", secret_of("1234567"), kContext), Code::kInvalid, "CKR_DATA_LEN_RANGE");
}

TEST_P(TokenProvider, WrapThatNamesAnotherCipher) {
  const auto provider = open(*place_.token);
  auto wrapped = provider->wrap("gcm", secret_of("k"), kContext).value();
  for (const char* other : {"", "aes-cbc", "AES-GCM", "rsa-pkcs1"}) {
    wrapped.key_version = other;
    expect_refused(provider->unwrap("gcm", wrapped, kContext), Code::kCorrupt, "no known cipher");
  }
  wrapped.key_version = "aes-kwp";
  EXPECT_FALSE(provider->unwrap("gcm", wrapped, kContext).ok());
}

TEST_P(TokenProvider, NamesOfKeys) {
  const auto provider = open(*place_.token);
  const std::string full = provider->resolve("gcm").value();
  EXPECT_TRUE(full.starts_with("pkcs11:token=cloister-test;serial=")) << full;
  EXPECT_TRUE(full.ends_with(";object=gcm;id=%01;type=secret-key")) << full;
  EXPECT_EQ(provider->resolve("pkcs11:id=%01").value(), full);
  EXPECT_EQ(provider->resolve("pkcs11:token=cloister-test;object=gcm").value(), full);
  const auto wrapped = provider->wrap(full, secret_of("k"), kContext);
  ASSERT_TRUE(wrapped.ok()) << wrapped.error().message();
  EXPECT_TRUE(provider->unwrap("gcm", wrapped.value(), kContext).ok());
  expect_refused(provider->resolve("pkcs11:token=other;object=gcm"), Code::kNotFound, "no such key");
  expect_refused(provider->resolve("pkcs11:object=gcm;type=private"), Code::kNotFound, "no such key");
  expect_refused(provider->resolve("pkcs11:type=secret-key"), Code::kInvalid, "several");
  expect_refused(provider->wrap("pkcs11:", secret_of("k"), kContext), Code::kInvalid, "several");
  expect_refused(provider->resolve("pkcs11:object=gcm?pin-value=1"), Code::kInvalid, "pin-source");
  expect_refused(provider->resolve(""), Code::kInvalid, "named by");
  expect_refused(provider->resolve("\xff"), Code::kInvalid, "named by");
}

TEST_P(TokenProvider, KeyThatMayNothing) {
  const auto provider = open(*place_.token);
  expect_refused(provider->wrap("idle", secret_of("k"), kContext), Code::kUnsupported, "no cipher");
  EXPECT_EQ(provider->describe("idle")->state.value(), ProviderKeyState::kDisabled);
}

TEST_P(TokenProvider, DescribesFromAttributes) {
  const auto kept = std::make_shared<KeptEvidence>();
  const auto provider = open(*place_.token, kept);
  const KeyPosture good = provider->describe("gcm").value();
  EXPECT_EQ(good.origin.known(), GetParam() == &softhsm) << "NSS doesn't keep where a key was made";
  EXPECT_TRUE(!good.origin.known() || good.origin.value() == KeyOrigin::kProvider);
  EXPECT_EQ(good.protection.value(), ProtectionLevel::kSoftware);
  EXPECT_EQ(good.algorithm, "AES-256");
  EXPECT_FALSE(good.exportable.value());
  EXPECT_FALSE(good.rotation.known());
  const KeyPosture loose = provider->describe("loose").value();
  EXPECT_TRUE(loose.exportable.value());
  const auto findings = loose.policy_findings.value();
  EXPECT_NE(std::ranges::find(findings, PolicyFinding::kExportable), findings.end());
  EXPECT_EQ(provider->describe("rsa")->algorithm, "RSA-2048");
  const auto evidence = kept->all();
  ASSERT_EQ(evidence.size(), 3U);
  EXPECT_EQ(evidence[0].operation, "describe");
  const auto json = parse_json(evidence[0].body).value();
  EXPECT_EQ(json.find("CKA_SENSITIVE")->boolean(), true);
  EXPECT_EQ(json.find("CKA_EXTRACTABLE")->boolean(), false);
}

TEST_P(TokenProvider, EvidenceHasNoKeyMaterial) {
  const auto kept = std::make_shared<KeptEvidence>();
  const auto provider = open(*place_.token, kept);
  const auto wrapped = provider->wrap("gcm", secret_of("k"), kContext).value();
  ASSERT_TRUE(provider->unwrap("gcm", wrapped, kContext).ok());
  for (const Evidence& one : kept->all()) {
    EXPECT_TRUE(one.withheld);
    EXPECT_TRUE(one.body.empty());
  }
  EXPECT_EQ(kept->all().size(), 2U);
}

TEST_P(TokenProvider, ListsKeysOnly) {
  const auto provider = open(*place_.token);
  const auto page = provider->list("").value();
  EXPECT_EQ(page.keys.size(), 6U);
  EXPECT_EQ(page.next, "");
  expect_refused(provider->list("x"), Code::kInvalid, "cursor");
  EXPECT_TRUE(provider->list("1000")->keys.empty());
}

TEST_P(TokenProvider, WrongPin) {
  // A token that somebody of this process is logged in to asks for no PIN.
  place_.keys.reset();
  expect_refused(Pkcs11Provider::create(options_of(*place_.token), secret_of("wrong-1234"), nullptr, real_waiting()),
                 Code::kDenied, "PIN");
}

TEST_P(TokenProvider, WrongSerial) {
  Pkcs11ProviderOptions options = options_of(*place_.token);
  options.token_serial = "no-such-serial";
  expect_refused(Pkcs11Provider::create(options, place_.token->pin(), nullptr, real_waiting()), Code::kNotFound,
                 "serial number");
}

TEST_P(TokenProvider, KeyDestroyedMeanwhile) {
  const auto provider = open(*place_.token);
  const auto wrapped = provider->wrap("gcm", secret_of("k"), kContext).value();
  ASSERT_EQ(place_.keys->destroy("gcm"), CKR_OK);
  expect_refused(provider->unwrap("gcm", wrapped, kContext), Code::kNotFound, "no such key");
  EXPECT_TRUE(provider->wrap("gcm-2", secret_of("k"), kContext).ok());
}

TEST_P(TokenProvider, ManyThreadsFewSessions) {
  const auto provider = open(*place_.token);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = i % 2 == 0 ? "gcm" : "kwp";
      for (int turn = 0; turn < 20; ++turn) {
        const auto wrapped = provider->wrap(key, secret_of("a secret"), kContext);
        if (!wrapped.ok() || !provider->unwrap(key, wrapped.value(), kContext).ok()) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace cloister::kms
