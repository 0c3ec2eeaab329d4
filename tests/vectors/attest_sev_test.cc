// Chains of SEV before SNP, of real machines.
#include <gtest/gtest.h>

#include "attest/amd/sev.h"
#include "tests/support/flip.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

constexpr const char* kParts[] = {"ark", "ask", "cek", "oca", "pek", "pdh"};

Evidence load(const Path& folder) {
  Evidence evidence{Kind::kSev, {}};
  for (const char* part : kParts) evidence.parts[part] = bytes_of_file(folder / (std::string(part) + ".cert"));
  return evidence;
}

TEST(AttestSevVectors, ChainsVerifyAndAreNeverSound) {
  CLOISTER_VECTORS_OR_SKIP(path, "sev-legacy");
  for (const char* product : {"Naples", "Rome"}) {
    const Path folder = path / (product == std::string("Naples") ? "naples-chain" : "rome-chain");
    expect_digests_hold(folder);
    const Verdict verdict = verify(load(folder), Question{});
    expect_passed_but(verdict, {"revocation", "report-signature", "debug", "report-data"});
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    EXPECT_EQ(std::get<std::string>(verdict.claims.at("product")), product);
    EXPECT_FALSE(verdict.sound());
  }
}

TEST(AttestSevVectors, RootThatWasCutOff) {
  CLOISTER_VECTORS_OR_SKIP(path, "sev-legacy/naples-chain");
  Evidence evidence = load(path);
  evidence.parts["ark"] = bytes_of_file(path / "ark.cert.bad");
  expect_only(verify(evidence, Question{}), "parse", Reason::kMalformed);
}

TEST(AttestSevVectors, NoneVerifiesWithAnothersCertificates) {
  CLOISTER_VECTORS_OR_SKIP(path, "sev-legacy");
  const Evidence naples = load(path / "naples-chain"), rome = load(path / "rome-chain");
  for (const char* part : kParts) {
    Evidence spliced = naples;
    spliced.parts[part] = rome.parts.at(part);
    EXPECT_TRUE(verify(spliced, Question{}).any_failed()) << part;
  }
}

// RSA with 4096 bits, which no simulated chain has; the other parts are flipped there.
TEST(AttestSevVectors, EveryFlippedByteOfAnAuthorityIsNoticed) {
  CLOISTER_VECTORS_OR_SKIP(path, "sev-legacy/rome-chain");
  const Evidence whole = load(path);
  const auto judge = [&whole](const Evidence& part) {
    Evidence changed = whole;
    changed.parts["ask"] = part.parts.at("ask");
    return verify(changed, Question{});
  };
  expect_every_flip_noticed({Kind::kSev, {{"ask", whole.parts.at("ask")}}}, judge, {}, {0x10});
}

}  // namespace
}  // namespace cloister::attest
