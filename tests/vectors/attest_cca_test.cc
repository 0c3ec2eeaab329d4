// Arm CCA tokens of other people's firmware and tools: each with the verdict that its folder states.
#include <gtest/gtest.h>

#include "attest/arm/cca_token.h"
#include "attest/verifier.h"
#include "crypto/jwk.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/flip.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"

namespace cloister::attest {
namespace {

using cloister::testing::bytes_of_file;
using cloister::testing::expect_digests_hold;
using cloister::testing::expect_refused;
using cloister::testing::kNow;
using cloister::testing::value_of;

// Their list of one endorsement, as an import would read it.
Result<Collateral> read_endorsement(const Path& path) {
  const Bytes file = bytes_of_file(path);
  const JsonValue list = value_of(parse_json(as_text(file)));
  const JsonValue& one = list.array()->at(0);
  CLOISTER_TRY(const crypto::PublicKey key, crypto::parse_jwk(*one.find("pkey")));
  CollateralItem item;
  item.kind = CollateralKind::kCcaEndorsement;
  item.key = *one.find("implementation-id")->string() + "/" + *one.find("instance-id")->string();
  item.body = key.spki();
  Collateral collateral;
  collateral.add(std::move(item));
  return collateral;
}

struct Judged {
  Evidence evidence;
  Bytes challenge;
  Verdict verdict;
};

Judged judge(const Path& folder) {
  const Bytes token = bytes_of_file(folder / "token.cbor");
  Judged judged{value_of(recognise(token)).primary, {}, {}};
  const auto challenge = value_of(parse_cca_token(token)).realm.challenge;
  judged.challenge = to_bytes(challenge);
  const Collateral collateral = value_of(read_endorsement(folder / "cpak.json"));
  judged.verdict = verify(judged.evidence, {.now = kNow, .report_data = judged.challenge, .collateral = &collateral});
  return judged;
}

TEST(CcaVectors, PublishedKeysAreRefused) {
  for (const char* name : {"cca/tfa-legacy-profile", "cca/coco-example", "cca/profile-2023-cose-key"}) {
    SCOPED_TRACE(name);
    CLOISTER_VECTORS_OR_SKIP(folder, name);
    expect_digests_hold(folder);
    const Verdict verdict = judge(folder).verdict;
    for (const Check& check : verdict.checks) {
      const CheckState expected = check.name == "published-key" ? CheckState::kFailed : CheckState::kPassed;
      EXPECT_EQ(check.state, expected) << check.name << ": " << check.detail;
    }
    EXPECT_EQ(verdict.find("published-key")->reason, Reason::kTestKey);
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
  }
}

// Everything about it holds. Its key is in a public repository, too.
TEST(CcaVectors, Sha512Binding) {
  CLOISTER_VECTORS_OR_SKIP(folder, "cca/sha512-binding");
  expect_digests_hold(folder);
  const Judged judged = judge(folder);
  for (const Check& check : judged.verdict.checks) {
    const CheckState expected = check.name == "published-key" ? CheckState::kFailed : CheckState::kPassed;
    EXPECT_EQ(check.state, expected) << check.name << ": " << check.detail;
  }
  expect_refused(read_endorsement(folder / "cpak_bad.json"), Code::kInvalid, "malformed");
}

TEST(CcaVectors, BareClaims) {
  CLOISTER_VECTORS_OR_SKIP(folder, "cca/claims-negative");
  expect_digests_hold(folder);
  for (const char* good :
       {"realm-claims.cbor", "realm-claims+spurious-numeric-key.cbor", "realm-claims+spurious-text-key.cbor"}) {
    const auto claims = parse_cca_realm(bytes_of_file(folder / good));
    EXPECT_TRUE(claims.ok()) << good << ": " << (claims.ok() ? "" : claims.error().message());
  }
  EXPECT_TRUE(parse_cca_platform(bytes_of_file(folder / "platform-claims.cbor")).ok());
  expect_refused(parse_cca_realm(bytes_of_file(folder / "realm-claims-missing-challenge.cbor")), Code::kInvalid,
                 "challenge");
}

TEST(CcaVectors, EveryFlippedByte) {
  CLOISTER_VECTORS_OR_SKIP(folder, "cca/profile-2023-cose-key");
  const Judged judged = judge(folder);
  const Collateral collateral = value_of(read_endorsement(folder / "cpak.json"));
  const auto judge_again = [&](const Evidence& evidence) {
    return verify(evidence, {.now = kNow, .report_data = judged.challenge, .collateral = &collateral});
  };
  cloister::testing::expect_every_flip_noticed(judged.evidence, judge_again, {}, {0x01});
}

}  // namespace
}  // namespace cloister::attest
