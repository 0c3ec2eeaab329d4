#include "kms/aws/key_policy.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kAccount = "111122223333";

// Names of findings of a policy with these statements, joined.
std::string findings(const std::string& statements) {
  const auto found =
      value_of(key_policy_findings(R"({"Version":"2012-10-17","Statement":[)" + statements + "]}", kAccount));
  std::string names;
  for (const PolicyFinding finding : found) {
    names += (names.empty() ? "" : " ") + std::string(policy_finding_name(finding));
  }
  return names;
}

// Allows `action` to `principal`, under a condition where there is one.
std::string allow(const std::string& principal, const std::string& action, const std::string& condition = {}) {
  return R"({"Effect":"Allow","Principal":)" + principal + R"(,"Action":)" + action + R"(,"Resource":"*")" +
         (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}";
}

const std::string kWorker = R"({"AWS":"arn:aws:iam::111122223333:role/worker"})";
const std::string kAttested = R"({"StringEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"abcdef"}})";

TEST(KeyPolicy, DefaultOfTheConsole) {
  EXPECT_EQ(findings(allow(R"({"AWS":"arn:aws:iam::111122223333:root"})", R"("kms:*")")),
            "wildcard-action decrypt-unattested");
}

TEST(KeyPolicy, NothingToWorryAbout) {
  EXPECT_EQ(findings(allow(kWorker, R"(["kms:Encrypt","kms:DescribeKey"])") + "," +
                     allow(kWorker, R"("kms:Decrypt")", kAttested)),
            "");
  EXPECT_EQ(findings(allow(R"({"Service":"s3.amazonaws.com"})", R"("kms:Encrypt")")), "");
}

TEST(KeyPolicy, AnybodyMayUseIt) {
  EXPECT_EQ(findings(allow(R"("*")", R"("kms:Encrypt")")), "public-principal");
  EXPECT_EQ(findings(allow(R"({"AWS":"*"})", R"("kms:Encrypt")")), "public-principal");
  EXPECT_EQ(findings(allow(R"({"AWS":["arn:aws:iam::111122223333:root","*"]})", R"("kms:Encrypt")")),
            "public-principal");
  EXPECT_EQ(findings(R"({"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/x"},)"
                     R"("Action":"kms:Encrypt","Resource":"*"})"),
            "public-principal");
}

TEST(KeyPolicy, EverybodyUnderACondition) {
  const std::string own = R"({"StringEquals":{"kms:CallerAccount":"111122223333"}})";
  EXPECT_EQ(findings(allow(R"("*")", R"("kms:Encrypt")", own)), "");
  const auto under = [](const std::string& condition) {
    return findings(allow(R"("*")", R"("kms:Encrypt")", condition));
  };
  EXPECT_EQ(under(R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}})"), "");
  EXPECT_EQ(under(R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x"}})"), "other-account");
  // An organisation has other accounts.
  EXPECT_EQ(under(R"({"StringEquals":{"aws:PrincipalOrgID":"o-1"}})"), "other-account");
  EXPECT_EQ(under(R"({"StringEquals":{"aws:PrincipalOrgID":"o-1","kms:CallerAccount":"111122223333"}})"), "");
  EXPECT_EQ(findings(allow(R"("*")", R"("kms:Encrypt")", R"({"StringEquals":{"kms:CallerAccount":"444455556666"}})")),
            "other-account");
  // None of these says who asks, or binds whoever doesn't say.
  for (const char* open :
       {R"({"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}})",
        R"({"StringLike":{"aws:PrincipalArn":"*"}})", R"({"StringNotEquals":{"kms:CallerAccount":"444455556666"}})",
        R"({"StringEqualsIfExists":{"kms:CallerAccount":"111122223333"}})",
        R"({"ForAllValues:StringEquals":{"aws:PrincipalOrgID":"o-1"}})", R"({"Bool":{"aws:SecureTransport":true}})"}) {
    EXPECT_EQ(findings(allow(R"("*")", R"("kms:Encrypt")", open)), "public-principal") << open;
  }
}

TEST(KeyPolicy, EveryOperation) {
  for (const char* action : {R"("*")", R"("kms:*")", R"("KMS:**")", R"(["kms:Encrypt","k*"])"}) {
    EXPECT_EQ(findings(allow(kWorker, action, kAttested)), "wildcard-action") << action;
  }
  EXPECT_EQ(findings(R"({"Effect":"Allow","Principal":)" + kWorker + R"(,"NotAction":"kms:Decrypt","Resource":"*"})"),
            "wildcard-action");
  EXPECT_EQ(findings(allow(kWorker, R"(["kms:Describe*","kms:Get*","kms:List*"])")), "");
}

TEST(KeyPolicy, AnotherAccount) {
  for (const char* principal : {R"({"AWS":"arn:aws:iam::444455556666:root"})", R"({"AWS":"444455556666"})",
                                R"({"AWS":["111122223333","arn:aws:sts::444455556666:assumed-role/x/y"]})"}) {
    EXPECT_EQ(findings(allow(principal, R"("kms:Encrypt")")), "other-account") << principal;
  }
  // What is left of a principal that was deleted is of no account.
  EXPECT_EQ(findings(allow(R"({"AWS":"AIDAJQABLZS4A3QDU576Q"})", R"("kms:Encrypt")")), "");
}

TEST(KeyPolicy, DecryptWithoutAttestation) {
  for (const char* action : {R"("kms:Decrypt")", R"("kms:decrypt")", R"("kms:De*")", R"("kms:?ecrypt")"}) {
    EXPECT_EQ(findings(allow(kWorker, action)), "decrypt-unattested") << action;
    EXPECT_EQ(findings(allow(kWorker, action, kAttested)), "") << action;
  }
  EXPECT_EQ(findings(allow(kWorker, R"("kms:Decrypt")", R"({"StringEquals":{"kms:RecipientAttestation:PCR3":"00"}})")),
            "");
  for (const char* nothing : {R"({"StringLike":{"kms:RecipientAttestation:PCR0":"*"}})",
                              R"({"StringNotEquals":{"kms:RecipientAttestation:PCR0":"00"}})",
                              R"({"StringEqualsIfExists":{"kms:RecipientAttestation:PCR0":"00"}})",
                              R"({"StringEquals":{"kms:EncryptionContext:tenant":"acme"}})"}) {
    EXPECT_EQ(findings(allow(kWorker, R"("kms:Decrypt")", nothing)), "decrypt-unattested") << nothing;
  }
}

TEST(KeyPolicy, DenialThatDemandsAttestation) {
  const auto deny = [](const std::string& principal, const std::string& condition) {
    return R"(,{"Effect":"Deny","Principal":)" + principal + R"(,"Action":"kms:Decrypt","Resource":"*","Condition":)" +
           condition + "}";
  };
  const std::string decrypt = allow(kWorker, R"("kms:Decrypt")");
  const std::string unless = R"({"StringNotEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"ab"}})";
  EXPECT_EQ(findings(decrypt + deny(R"("*")", unless)), "");
  EXPECT_EQ(findings(decrypt + deny(R"({"AWS":"*"})", R"({"Null":{"kms:RecipientAttestation:PCR0":"true"}})")), "");
  // Denials that somebody slips through.
  EXPECT_EQ(findings(decrypt + deny(R"({"AWS":"111122223333"})", unless)), "decrypt-unattested");
  EXPECT_EQ(findings(decrypt + deny(R"("*")", R"({"StringNotEqualsIfExists":{"kms:RecipientAttestation:PCR0":"a"}})")),
            "decrypt-unattested");
  EXPECT_EQ(findings(decrypt + deny(R"("*")", R"({"StringNotLike":{"kms:RecipientAttestation:PCR0":"*"}})")),
            "decrypt-unattested");
  EXPECT_EQ(findings(decrypt +
                     deny(R"("*")", R"({"StringNotEquals":{"kms:RecipientAttestation:PCR0":"a","aws:userid":"b"}})")),
            "decrypt-unattested");
}

TEST(KeyPolicy, OneStatementWithoutAnArray) {
  const auto found =
      value_of(key_policy_findings(R"({"Statement":)" + allow(R"("*")", R"("kms:Encrypt")") + "}", kAccount));
  EXPECT_EQ(found, std::vector{PolicyFinding::kPublicPrincipal});
}

TEST(KeyPolicy, WhatIsNotUnderstood) {
  for (const std::string& text :
       {std::string("x"), std::string("{}"), std::string(R"({"Statement":["x"]})"),
        R"({"Statement":[)" + allow(R"({"Federated":"x"})", R"("kms:Encrypt")") + "]}",
        R"({"Statement":[)" + allow(R"("arn")", R"("kms:Encrypt")") + "]}",
        R"({"Statement":[)" + allow(R"({"AWS":7})", R"("kms:Encrypt")") + "]}",
        R"({"Statement":[)" + allow(kWorker, "7") + "]}", R"({"Statement":[)" + allow(kWorker, "[7]") + "]}",
        R"({"Statement":[)" + allow(kWorker, R"("kms:Encrypt")", R"("x")") + "]}",
        R"({"Statement":[)" + allow(kWorker, R"("kms:Encrypt")", R"({"StringEquals":"x"})") + "]}",
        std::string(R"({"Statement":[{"Effect":"Maybe","Principal":"*","Action":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Allow","Action":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Allow","Principal":"*"}]})"),
        std::string(R"({"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","NotAction":"*"}]})")}) {
    EXPECT_EQ(key_policy_findings(text, kAccount).ok(), false) << text;
  }
}

TEST(KeyPolicy, Grants) {
  const auto of = [](const std::string& grantee, const std::string& operations) {
    return grant_findings(
        value_of(parse_json(R"({"GranteePrincipal":")" + grantee + R"(","Operations":)" + operations + "}")), kAccount);
  };
  EXPECT_TRUE(value_of(of("arn:aws:iam::111122223333:role/x", R"(["Encrypt"])")).empty());
  EXPECT_EQ(value_of(of("arn:aws:iam::444455556666:role/x", R"(["Encrypt","Decrypt"])")),
            (std::vector{PolicyFinding::kOtherAccount, PolicyFinding::kDecryptUnattested}));
  expect_refused(of("x", "7"), Code::kInvalid, "understood");
  expect_refused(grant_findings(value_of(parse_json("{}")), kAccount), Code::kInvalid, "grant");
}

}  // namespace
}  // namespace cloister::kms
