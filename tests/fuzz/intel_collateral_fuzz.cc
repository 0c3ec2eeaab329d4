// Intel's signed JSON of any bytes: read or refused; in place of what was signed it never makes a sound verdict.
#include <vector>

#include "attest/intel/qe_identity.h"
#include "attest/intel/verify.h"
#include "crypto/crl.h"
#include "tests/support/simulated_intel.h"

using namespace cloister;
using namespace cloister::attest;

namespace {

struct Platform {
  testing::SimulatedIntel made{Kind::kTdx, 5};
  Evidence evidence = made.evidence();
  Collateral collateral = made.collateral();
  Anchors anchors = made.anchors();
};

Platform& platform() {
  static Platform platform;
  return platform;
}

std::string_view member_of(CollateralKind kind) {
  return kind == CollateralKind::kIntelTcbInfo ? "tcbInfo" : "enclaveIdentity";
}

bool is_statement(CollateralKind kind, ByteView bytes) { return intel::parse_signed_json(bytes, member_of(kind)).ok(); }

// White space around a signed object may differ; what is signed may not.
bool says_the_same(const CollateralItem& item, ByteView bytes) {
  if (equal(item.body, bytes)) return true;
  const std::string_view member = member_of(item.kind);
  const auto before = intel::parse_signed_json(item.body, member);
  const auto after = intel::parse_signed_json(bytes, member);
  return before.ok() && after.ok() && before->text == after->text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  for (const char* member : {"tcbInfo", "enclaveIdentity"}) {
    const auto parsed = intel::parse_signed_json(bytes, member);
    if (!parsed.ok()) continue;
    CLOISTER_CHECK(parsed->text.front() == '{' && parsed->text.back() == '}');
    CLOISTER_CHECK(parsed->text.data() >= reinterpret_cast<const char*>(data) && parsed->text.size() <= size);
    ignore_result(intel::read_tcb_info(parsed->value));
    ignore_result(intel::read_qe_identity(parsed->value));
  }
  const bool is_list = crypto::RevocationList::parse(bytes).ok();
  for (const auto& [name, item] : platform().collateral.items()) {
    const bool readable = item.kind == CollateralKind::kIntelCrl ? is_list : is_statement(item.kind, bytes);
    if (!readable) continue;
    Collateral changed = platform().collateral;
    CollateralItem replaced = item;
    replaced.body.assign(data, data + size);
    changed.add(std::move(replaced));
    const Question question = platform().made.question(changed, platform().anchors);
    if (verify(platform().evidence, question).sound()) CLOISTER_CHECK(says_the_same(item, bytes));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const auto& [name, item] : platform().collateral.items()) seeds->push_back(item.body);
}
