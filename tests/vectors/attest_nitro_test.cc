// A Nitro document of a real enclave, at the one hour when it was valid.
#include <gtest/gtest.h>

#include "attest/nitro/nitro.h"
#include "tests/support/flip.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"
#include "tests/support/verdicts.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

constexpr std::size_t kDocumentSize = 4526;

Question asked(std::string_view at) {
  Question question;
  question.now = value_of(parse_rfc3339(at));
  return question;
}

TEST(AttestNitroVectors, DocumentAtItsHour) {
  CLOISTER_VECTORS_OR_SKIP(path, "nitro/aws-nitro-valid");
  expect_digests_hold(path);
  for (const char* name : {"attestation.bin", "cose_sign1.cbor"}) {
    const EvidenceSet set = value_of(recognise(bytes_of_file(path / name)));
    const Verdict verdict = verify(set.primary, asked("2025-12-25T17:00:00Z"));
    expect_passed_but(verdict, {"report-data"});
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    EXPECT_EQ(std::get<std::string>(verdict.claims.at("nitro.module_id")), "i-0827e799ec9232d44-enc019b5640fdf630d6");
    Question with_data = asked("2025-12-25T17:00:00Z");
    with_data.report_data = std::get<Bytes>(verdict.claims.at("report_data"));
    EXPECT_TRUE(verify(set.primary, with_data).sound());
    with_data.report_data->back() ^= 1;
    expect_only(verify(set.primary, with_data), "report-data", Reason::kNonceMismatch);
  }
}

TEST(AttestNitroVectors, AnyOtherTime) {
  CLOISTER_VECTORS_OR_SKIP(path, "nitro/aws-nitro-valid");
  const Evidence evidence = value_of(recognise(bytes_of_file(path / "cose_sign1.cbor"))).primary;
  expect_only(verify(evidence, asked("2025-12-25T19:04:19Z")), "certificate-dates", Reason::kExpired);
  expect_only(verify(evidence, asked("2025-12-25T16:04:15Z")), "certificate-dates", Reason::kNotYetValid);
}

TEST(AttestNitroVectors, EveryFlippedByteIsNoticed) {
  CLOISTER_VECTORS_OR_SKIP(path, "nitro/aws-nitro-valid");
  const Evidence evidence = value_of(recognise(bytes_of_file(path / "cose_sign1.cbor"))).primary;
  expect_every_flip_noticed(
      evidence, [](const Evidence& changed) { return verify(changed, asked("2025-12-25T17:00:00Z")); },
      {{"document", kDocumentSize, evidence.part("document").size(), "dstack's trailer isn't AWS's"}}, {0x10});
}

}  // namespace
}  // namespace cloister::attest
