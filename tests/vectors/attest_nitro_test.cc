// A Nitro document of a real enclave, at the one hour when it was valid.
#include <gtest/gtest.h>

#include <algorithm>

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

// In pieces: each byte costs four signatures on P-384.
class AttestNitroFlip : public ::testing::TestWithParam<std::size_t> {};

constexpr std::size_t kPieces = 6;

TEST_P(AttestNitroFlip, IsNoticedInEveryByte) {
  CLOISTER_VECTORS_OR_SKIP(path, "nitro/aws-nitro-valid");
  const Bytes whole = to_bytes(value_of(recognise(bytes_of_file(path / "cose_sign1.cbor"))).primary.part("document"));
  const std::size_t size = whole.size() / kPieces + 1;
  const std::size_t first = GetParam() * size, end = std::min(first + size, whole.size());
  const auto judge = [&](const Evidence& piece) {
    Evidence changed{Kind::kNitro, {{"document", whole}}};
    std::ranges::copy(piece.part("piece"), changed.parts["document"].begin() + static_cast<std::ptrdiff_t>(first));
    return verify(changed, asked("2025-12-25T17:00:00Z"));
  };
  std::vector<Uncovered> uncovered;
  if (end > kDocumentSize) uncovered = {{"piece", kDocumentSize - first, end - first, "dstack's trailer isn't AWS's"}};
  const Evidence piece{Kind::kNitro, {{"piece", to_bytes(ByteView(whole).subspan(first, end - first))}}};
  expect_every_flip_noticed(piece, judge, uncovered, {0x10});
}

INSTANTIATE_TEST_SUITE_P(Pieces, AttestNitroFlip, ::testing::Range(std::size_t{0}, kPieces));

}  // namespace
}  // namespace cloister::attest
