#include "attest/tpm/credential.h"

#include <gtest/gtest.h>

#include "attest/tpm/tpm_bytes.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_tpm.h"
#include "tests/support/tpm_opener.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::kNow;
using cloister::testing::open_tpm_credential;
using cloister::testing::secret_of;
using cloister::testing::SimulatedTpm;
using cloister::testing::TpmParts;
using cloister::testing::value_of;

constexpr std::uint32_t kEndorsementKey =
    0x000300B2;  // fixedTPM, fixedParent, origin, admin policy, restricted, decrypt

// As the profile of the TCG has it: AES-128 in CFB mode for what is below.
TpmPublic endorsement(std::uint32_t attributes = kEndorsementKey, std::uint16_t mode = 0x0043) {
  TpmPublic key = value_of(parse_tpm_public(SimulatedTpm({.key = TpmParts::Key::kRsa}).public_area()));
  key.attributes = attributes;
  key.symmetric = 0x0006;
  key.symmetric_bits = 128;
  key.symmetric_mode = mode;
  return key;
}

TpmPublic attestation(const TpmParts& parts = {}) {
  return value_of(parse_tpm_public(SimulatedTpm(parts).public_area()));
}

TEST(TpmCredential, OpenedBesideTheNamedKeyOnly) {
  crypto::SystemRandom random;
  const TpmPublic key = attestation();
  const auto sealed = value_of(make_tpm_credential(endorsement(), key, secret_of("a secret of 24 bytes, .."), random));
  EXPECT_EQ(open_tpm_credential(sealed, key.name()), to_bytes(as_bytes("a secret of 24 bytes, ..")));
  EXPECT_FALSE(open_tpm_credential(sealed, attestation({.seed = 99}).name()));
  EXPECT_FALSE(open_tpm_credential(sealed, attestation({.attributes = 0x00040072}).name()));
}

TEST(TpmCredential, EveryFlippedByte) {
  crypto::SystemRandom random;
  const TpmPublic key = attestation();
  const auto sealed = value_of(make_tpm_credential(endorsement(), key, secret_of("secret"), random));
  for (std::size_t i = 2; i < sealed.object.size(); ++i) {
    auto changed = sealed;
    changed.object[i] ^= 1;
    EXPECT_FALSE(open_tpm_credential(changed, key.name())) << i;
  }
  auto changed = sealed;
  changed.secret[100] ^= 1;
  EXPECT_FALSE(open_tpm_credential(changed, key.name()));
}

TEST(TpmCredential, KeysThatMayDoMore) {
  crypto::SystemRandom random;
  const crypto::Secret secret = secret_of("secret");
  expect_refused(make_tpm_credential(endorsement(), attestation({.attributes = 0x00040072}), secret, random),
                 Code::kDenied, "may sign what no TPM said");
  expect_refused(make_tpm_credential(endorsement(0x000200B2), attestation(), secret, random), Code::kDenied,
                 "may do more");
  expect_refused(make_tpm_credential(endorsement(0x00030092), attestation(), secret, random), Code::kDenied,
                 "may do more");
  expect_refused(make_tpm_credential(attestation(), attestation(), secret, random), Code::kDenied, "may do more");
  expect_refused(make_tpm_credential(endorsement(kEndorsementKey, 0x0042), attestation(), secret, random),
                 Code::kUnsupported, "CFB");
}

TEST(TpmCredential, SecretOfNoLengthOrTooLong) {
  crypto::SystemRandom random;
  expect_refused(make_tpm_credential(endorsement(), attestation(), crypto::Secret(), random), Code::kInvalid,
                 "1 to 32");
  expect_refused(make_tpm_credential(endorsement(), attestation(), crypto::Secret(33), random), Code::kInvalid,
                 "1 to 32");
  EXPECT_TRUE(make_tpm_credential(endorsement(), attestation(), crypto::Secret(32), random).ok());
}

TEST(TpmCredential, EndorsementIsWhatTheVerifierLooksFor) {
  const SimulatedTpm tpm;
  const CollateralItem item = tpm_endorsement(value_of(parse_tpm_public(tpm.public_area())), kNow);
  const Collateral collateral = tpm.collateral();
  const CollateralItem& wanted = collateral.items().begin()->second;
  EXPECT_EQ(item.name(), wanted.name());
  EXPECT_EQ(item.body, wanted.body);
}

}  // namespace
}  // namespace cloister::attest
