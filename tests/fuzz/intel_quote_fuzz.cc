// An Intel quote of any bytes, and its collateral: whatever comes, a verdict; and a sound one only for what was signed.
#include <vector>

#include "attest/intel/verify.h"
#include "tests/support/simulated_intel.h"

using namespace cloister;
using namespace cloister::attest;

namespace {

struct Platform {
  testing::SimulatedIntel made;
  Kind kind;
  std::uint16_t version;
  Bytes body = made.body;
  Collateral collateral = made.collateral();
  Anchors anchors = made.anchors();

  Platform(Kind of, std::uint16_t in) : made(of, in), kind(of), version(in) {}
};

std::vector<Platform>& platforms() {
  static std::vector<Platform> all = [] {
    std::vector<Platform> made;
    made.emplace_back(Kind::kSgx, 3);
    made.emplace_back(Kind::kTdx, 4);
    made.emplace_back(Kind::kTdx, 5);
    return made;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes quote(data, data + size);
  ignore_result(recognise(quote));
  if (quote.empty()) return 0;
  for (Platform& platform : platforms()) {
    if (quote[0] != platform.version) continue;
    const Evidence evidence{platform.kind, {{"quote", quote}}};
    const Question question = platform.made.question(platform.collateral, platform.anchors);
    const Verdict verdict = verify(evidence, question);
    CLOISTER_CHECK(!verdict.checks.empty());
    CLOISTER_CHECK(verdict.assurance != Assurance::kHardware);
    ignore_result(needs(evidence));
    if (verdict.claims.empty()) continue;
    // Only a signature over this very body makes claims of it.
    const std::size_t at = platform.version == 5 ? 54 : 48;
    CLOISTER_CHECK(equal(ByteView(quote).subspan(at, platform.body.size()), platform.body));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (Platform& platform : platforms()) {
    platform.made.form = testing::CertificateForm::kDer;
    seeds->push_back(platform.made.quote());
    platform.made.form = testing::CertificateForm::kPem;
    seeds->push_back(platform.made.quote());
  }
}
