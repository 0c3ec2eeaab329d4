// SEV-SNP evidence of real machines, each at its own date, with the verdict that is expected of it. Nobody published
// AMD's revocation lists of those days: "revocation" and "rollback" are never evaluated here.
#include <gtest/gtest.h>

#include "attest/amd/coco_snp.h"
#include "attest/amd/snp.h"
#include "crypto/pem.h"
#include "tests/support/certificates.h"
#include "tests/support/flip.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

const std::vector<std::string> kUnanswered = {"revocation", "rollback"};

struct Case {
  const char* folder;
  const char* at;
  const char* product;
  std::uint64_t version, vmpl, snp, microcode;
  bool alias_check;
};
constexpr Case kCases[] = {
    {"genoa-v3-azure-hcl-vtpm", "2025-04-01T00:00:00Z", "Genoa", 3, 0, 23, 84, true},
    {"genoa-v3-coco-wire-json", "2025-07-01T00:00:00Z", "Genoa", 3, 0, 23, 25, true},
    {"milan-v2-azure-reported-lt-current", "2023-06-01T00:00:00Z", "Milan", 2, 0, 8, 115, false},
    {"milan-v2-debug", "2023-01-01T00:00:00Z", "Milan", 2, 0, 5, 68, false},
    {"milan-v2-virtee", "2023-06-01T00:00:00Z", "Milan", 2, 0, 8, 115, false},
    {"milan-v3-oak", "2025-06-01T00:00:00Z", "Milan", 3, 0, 24, 219, true},
    {"milan-vlek-aws-vmpl1", "2025-01-15T00:00:00Z", "Milan", 3, 1, 24, 217, true},
    {"turin-v5-oak", "2025-09-01T00:00:00Z", "Turin", 5, 0, 2, 71, true},
};

bool is_vlek(const Case& vector) { return std::string_view(vector.folder).find("vlek") != std::string_view::npos; }

// ASK, ARK, ASVK.
Evidence load(const Path& folder, bool vlek) {
  const auto chain = value_of(crypto::parse_pem(text_of_file(folder / "ask_ark_asvk.pem"), "CERTIFICATE", 3));
  return {Kind::kSnp,
          {{"report", bytes_of_file(folder / "report.bin")},
           {vlek ? "vlek" : "vcek", bytes_of_file(folder / "vek.der")},
           {vlek ? "asvk" : "ask", chain[vlek ? 2 : 0]},
           {"ark", chain[1]}}};
}

Evidence load(const Path& path, const Case& vector) { return load(path / vector.folder, is_vlek(vector)); }

Question asked(const Case& vector, const Evidence& evidence) {
  Question question;
  question.now = value_of(parse_rfc3339(vector.at));
  question.report_data = to_bytes(evidence.part("report").subspan(0x50, 64));
  return question;
}

template <typename T>
T claim(const Verdict& verdict, const char* name) {
  return std::get<T>(verdict.claims.at(name));
}

TEST(AttestSnpVectors, DigestsHold) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  for (const Case& vector : kCases) expect_digests_hold(path / vector.folder);
  expect_digests_hold(path / "google-fake-kds-keys");
}

TEST(AttestSnpVectors, EachAtItsDate) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  for (const Case& vector : kCases) {
    SCOPED_TRACE(vector.folder);
    const Evidence evidence = load(path, vector);
    const Verdict verdict = verify(evidence, asked(vector, evidence));
    const bool debug = std::string_view(vector.folder) == "milan-v2-debug";
    if (debug) {
      expect_only(verdict, "debug", Reason::kDebug);
    } else {
      expect_passed_but(verdict, kUnanswered);
    }
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    EXPECT_EQ(claim<std::string>(verdict, "product"), vector.product);
    EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.version"), vector.version);
    EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.vmpl"), vector.vmpl);
    EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.reported.snp"), vector.snp);
    EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.reported.microcode"), vector.microcode);
    EXPECT_EQ(claim<bool>(verdict, "snp.alias_check_complete"), vector.alias_check);
    EXPECT_EQ(claim<bool>(verdict, "debug"), debug);
    EXPECT_EQ(value_of(recognise(evidence.part("report"))).primary.part("report").size(), kSnpReportSize);
  }
}

TEST(AttestSnpVectors, CurrentVersionsDecideNothing) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  const Case& vector = kCases[2];
  const Evidence evidence = load(path, vector);
  const Verdict verdict = verify(evidence, asked(vector, evidence));
  EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.current.microcode"), 206U);
  EXPECT_EQ(claim<std::uint64_t>(verdict, "snp.minimum.microcode"), 115U);
}

TEST(AttestSnpVectors, ProvidersKeyIsNamedAndEnds) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  const Case& vector = kCases[6];
  Evidence evidence = load(path, vector);
  Question question = asked(vector, evidence);
  const Verdict verdict = verify(evidence, question);
  EXPECT_EQ(claim<std::string>(verdict, "signer"), "vlek");
  EXPECT_EQ(claim<std::string>(verdict, "snp.provider"), "CN=cc-us-east-2.amazonaws.com");
  question.now = value_of(parse_rfc3339("2025-12-11T00:00:00Z"));
  expect_only(verify(evidence, question), "certificate-dates", Reason::kExpired);
  question.now = value_of(parse_rfc3339("2024-12-09T00:00:00Z"));
  expect_only(verify(evidence, question), "certificate-dates", Reason::kNotYetValid);
  question = asked(vector, evidence);
  evidence.parts["asvk"] = load(path / vector.folder, false).parts["ask"];
  expect_failed(verify(evidence, question), "certificate-chain", Reason::kBadChain);
  expect_failed(verify(evidence, question), "signer", Reason::kBadChain);
}

// Every report with every key and every chain: none but its own.
TEST(AttestSnpVectors, NoneVerifiesWithAnothersCertificates) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  for (const Case& vector : kCases) {
    for (const Case& other : kCases) {
      if (&other == &vector) continue;
      SCOPED_TRACE(std::string(vector.folder) + " with " + other.folder);
      Evidence evidence = load(path, vector);
      const Question question = asked(vector, evidence);
      const Verdict before = verify(evidence, question);
      const Evidence foreign = load(path, other);
      evidence.parts.erase(is_vlek(vector) ? "vlek" : "vcek");
      evidence.parts[is_vlek(vector) ? "vlek" : "vcek"] = bytes_of_file(path / other.folder / "vek.der");
      const Verdict spliced = verify(evidence, question);
      EXPECT_FALSE(as_good_as(before, spliced));
      expect_failed(spliced, "report-signature", Reason::kBadSignature);
      EXPECT_EQ(spliced.assurance, Assurance::kNone);
      // Every machine of a product has the same authorities.
      if (std::string_view(vector.product) == other.product) continue;
      evidence = load(path, vector);
      evidence.parts["ark"] = foreign.parts.at("ark");
      EXPECT_FALSE(as_good_as(before, verify(evidence, question)));
    }
  }
}

// A part a test: each byte costs the verification of a whole chain. Of Turin, what is its own.
class AttestSnpFlip : public ::testing::TestWithParam<std::pair<int, const char*>> {};

TEST_P(AttestSnpFlip, IsNoticedInEveryByte) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp");
  const auto [number, part] = GetParam();
  const Evidence whole = load(path, kCases[number]);
  const Question question = asked(kCases[number], whole);
  const auto judge = [&](const Evidence& of_part) {
    Evidence changed = whole;
    changed.parts[part] = of_part.parts.at(part);
    return verify(changed, question);
  };
  expect_every_flip_noticed({Kind::kSnp, {{part, whole.parts.at(part)}}}, judge, {}, {0x10});
}

INSTANTIATE_TEST_SUITE_P(Parts, AttestSnpFlip,
                         ::testing::Values(std::pair{5, "report"}, std::pair{5, "vcek"}, std::pair{5, "ask"},
                                           std::pair{5, "ark"}, std::pair{7, "report"}, std::pair{7, "vcek"}));

TEST(AttestSnpVectors, JsonOfTheConfidentialContainers) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp/genoa-v3-coco-wire-json");
  const EvidenceSet set = value_of(recognise(bytes_of_file(path / "coco_evidence.json")));
  EXPECT_EQ(to_bytes(set.primary.part("report")), bytes_of_file(path / "report.bin"));
  EXPECT_EQ(to_bytes(set.primary.part("vcek")), bytes_of_file(path / "vek.der"));
}

// What is signed by a key that anybody has, wherever it stands: here certified as a leaf, so that it can be made.
TEST(AttestSnpVectors, PublishedKeys) {
  CLOISTER_VECTORS_OR_SKIP(path, "snp/google-fake-kds-keys");
  SimulatedAmd amd;
  const auto asked = snp_question(amd);
  for (const char* name : {"ark", "ask", "asvk", "vcek", "vlek"}) {
    SCOPED_TRACE(name);
    const std::string pem = text_of_file(path / (std::string(name) + "_public_key.pem"));
    SnpParts parts;
    parts.leaf_key = value_of(crypto::PublicKey::from_spki(value_of(crypto::parse_pem(pem, "PUBLIC KEY", 1))[0]));
    expect_failed(verify(amd.snp(parts), asked->question), "published-key", Reason::kTestKey);
  }
}

}  // namespace
}  // namespace cloister::attest
