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
  Bytes body = made.body;
  Collateral collateral = made.collateral();
  Anchors anchors = made.anchors();

  Platform(Kind of, std::uint16_t version) : made(of, version), kind(of) {}
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
  for (Platform& platform : platforms()) {
    const Evidence evidence{platform.kind, {{"quote", quote}}};
    const Question question = platform.made.question(platform.collateral, platform.anchors);
    const Verdict verdict = verify(evidence, question);
    CLOISTER_CHECK(!verdict.checks.empty());
    CLOISTER_CHECK(verdict.assurance != Assurance::kHardware);
    ignore_result(needs(evidence));
    if (!verdict.sound()) continue;
    // Only signatures over this very body make it sound; the header before it is signed with it.
    const std::size_t at = platform.body.size() == testing::domain_body::kSize15 ? 54 : 48;
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
