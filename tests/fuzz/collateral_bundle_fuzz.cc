// A collateral bundle of any bytes: opened or refused, and what was opened comes to the same bytes again.
#include <vector>

#include "attest/collateral/merge.h"
#include "tests/support/value_of.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  for (int kind = 0; kind <= static_cast<int>(attest::CollateralKind::kTpmCrl); ++kind) {
    ignore_result(attest::collateral_facts(static_cast<attest::CollateralKind>(kind), bytes));
  }
  std::string note;
  const attest::NoteVerifier anybody = [&](std::string_view text) -> Result<attest::SignedText> {
    note = text;
    return attest::SignedText{note, "anybody"};
  };
  ignore_result(attest::open_bundle(bytes, anybody));
  const auto bundle = attest::open_unsigned_bundle(bytes);
  if (!bundle.ok()) return 0;
  const auto again = attest::encode_bundle(*bundle, note);
  CLOISTER_CHECK(again.ok() && equal(*again, bytes));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  attest::CollateralBundle bundle;
  bundle.at = Time{1'795'526'589'000};
  seeds->push_back(testing::value_of(attest::encode_bundle(bundle, "")));
  bundle.collateral.add({attest::CollateralKind::kIntelTcbInfo, "tdx/00806f050000", {1, 2}, "chain", Time{1}, {}, {}});
  bundle.collateral.add({attest::CollateralKind::kAmdCrl, "Milan/vcek", {1, 2}, "", Time{1}, Time{2}, Time{3}});
  bundle.floors = {{"intel/tdx/00806f050000", 18}};
  seeds->push_back(testing::value_of(attest::encode_bundle(bundle, "note\n")));
  const std::string_view info = R"({"tcbInfo":{"issueDate":"2026-11-01T00:00:00Z","nextUpdate":"2026-12-01T00:00:00Z",)"
                                R"("tcbEvaluationDataNumber":18},"signature":"00"})";
  seeds->push_back(to_bytes(as_bytes(info)));
}
