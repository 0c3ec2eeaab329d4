#include "kms/pkcs11/pkcs11_posture.h"

#include <gtest/gtest.h>

namespace cloister::kms {
namespace {

constexpr Time kNow{1'795'526'589'000};  // 2026-11-24

TokenKeyFacts good_key() {
  TokenKeyFacts facts;
  facts.bits = 256;
  facts.encrypts = facts.decrypts = true;
  facts.wraps = facts.unwraps = false;
  facts.sensitive = facts.always_sensitive = facts.never_extractable = facts.local = true;
  facts.extractable = facts.modifiable = facts.destroyable = false;
  facts.start_date = facts.end_date = "";
  return facts;
}

KeyPosture posture(const TokenKeyFacts& facts, TokenHome home = TokenHome::kHardware) {
  return posture_of("pkcs11:object=a", facts, home, kNow);
}

TEST(TokenPosture, KeyAsItShouldBe) {
  const KeyPosture told = posture(good_key());
  EXPECT_EQ(told.managed_by.value(), ManagedBy::kCustomer);
  EXPECT_EQ(told.origin.value(), KeyOrigin::kProvider);
  EXPECT_EQ(told.protection.value(), ProtectionLevel::kHsm);
  EXPECT_EQ(told.state.value(), ProviderKeyState::kEnabled);
  EXPECT_EQ(told.algorithm, "AES-256");
  EXPECT_FALSE(told.exportable.value());
  EXPECT_TRUE(told.policy_findings.value().empty());
  EXPECT_EQ(told.deletion_scheduled.value(), std::nullopt);
}

TEST(TokenPosture, WhatPkcs11HasNoWordsForIsNotAssessed) {
  const KeyPosture told = posture(good_key());
  EXPECT_FALSE(told.rotation.known());
  EXPECT_EQ(told.rotation.why_not(), "PKCS#11 has no rotation metadata");
  EXPECT_FALSE(told.last_rotated.known());
  EXPECT_FALSE(told.created.known());
  EXPECT_FALSE(told.last_used.known());
  EXPECT_FALSE(told.versions.known());
}

TEST(TokenPosture, TokenThatSaysNothing) {
  TokenKeyFacts silent;
  const KeyPosture told = posture(silent, TokenHome::kUnknown);
  EXPECT_FALSE(told.origin.known());
  EXPECT_FALSE(told.protection.known());
  EXPECT_FALSE(told.state.known());
  EXPECT_FALSE(told.exportable.known());
  EXPECT_FALSE(told.policy_findings.known());
}

TEST(TokenPosture, KeyThatCanLeave) {
  for (const bool extractable : {true, false}) {
    TokenKeyFacts facts = good_key();
    facts.extractable = extractable;
    facts.sensitive = extractable;
    const KeyPosture told = posture(facts);
    EXPECT_TRUE(told.exportable.value());
    EXPECT_EQ(told.policy_findings.value(), std::vector<PolicyFinding>{PolicyFinding::kExportable});
  }
}

TEST(TokenPosture, KeyThatCouldLeaveOnce) {
  TokenKeyFacts facts = good_key();
  facts.never_extractable = false;
  const KeyPosture told = posture(facts);
  EXPECT_FALSE(told.exportable.value());
  EXPECT_EQ(told.policy_findings.value(), std::vector<PolicyFinding>{PolicyFinding::kExportable});
}

TEST(TokenPosture, DestroyableUnlessItSaysNo) {
  for (const auto destroyable : {std::optional<bool>(true), std::optional<bool>()}) {
    TokenKeyFacts facts = good_key();
    facts.destroyable = destroyable;
    EXPECT_EQ(posture(facts).policy_findings.value(), std::vector<PolicyFinding>{PolicyFinding::kNoDeletionGuard});
  }
}

TEST(TokenPosture, ImportedKeyInSoftware) {
  TokenKeyFacts facts = good_key();
  facts.local = false;
  EXPECT_FALSE(posture(facts).origin.known()) << "a token that keeps no CKA_KEY_GEN_MECHANISM isn't believed";
  facts.made_by = CK_UNAVAILABLE_INFORMATION;
  const KeyPosture told = posture(facts, TokenHome::kSoftware);
  EXPECT_EQ(told.origin.value(), KeyOrigin::kImported);
  EXPECT_EQ(told.protection.value(), ProtectionLevel::kSoftware);
}

TEST(TokenPosture, DatesDecideTheState) {
  TokenKeyFacts facts = good_key();
  facts.end_date = "20261124";
  EXPECT_EQ(posture(facts).state.value(), ProviderKeyState::kEnabled) << "the last day counts";
  facts.end_date = "20261123";
  EXPECT_EQ(posture(facts).state.value(), ProviderKeyState::kDisabled);
  facts.end_date = "";
  facts.start_date = "20261125";
  EXPECT_EQ(posture(facts).state.value(), ProviderKeyState::kNotReady);
}

TEST(TokenPosture, KeyThatMayOpenNothing) {
  TokenKeyFacts facts = good_key();
  facts.decrypts = false;
  EXPECT_EQ(posture(facts).state.value(), ProviderKeyState::kDisabled);
}

}  // namespace
}  // namespace cloister::kms
