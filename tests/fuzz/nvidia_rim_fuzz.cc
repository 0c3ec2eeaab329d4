// A manifest of any bytes: parsed or refused; its canonical form is its own canonical form, and what is signed is what
// was signed.
#include <vector>

#include "attest/nvidia/rim.h"
#include "attest/nvidia/xml.h"
#include "tests/support/simulated_nvidia.h"
#include "tests/support/value_of.h"

using namespace cloister;

namespace {

struct Signed {
  testing::SimulatedPath signer = testing::make_rim_path();
  testing::SimulatedRim rim = {.measurements = {{0, {testing::measurement_of(1)}}, {7, {testing::measurement_of(8)}}}};
  Bytes text = testing::signed_rim(rim, signer);
  attest::nvidia::Rim parsed = testing::value_of(attest::nvidia::parse_rim(text));
};

const Signed& one() {
  static const Signed one;
  return one;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto root = attest::nvidia::parse_xml({data, size});
  if (!root.ok()) return 0;
  const std::string canonical = attest::nvidia::canonical_xml(**root, nullptr);
  const auto again = attest::nvidia::parse_xml(as_bytes(canonical));
  // It may be longer than what is read.
  CLOISTER_CHECK(canonical.size() > attest::nvidia::kXmlSizeMax ||
                 (again.ok() && attest::nvidia::canonical_xml(**again, nullptr) == canonical));
  const auto rim = attest::nvidia::parse_rim({data, size});
  if (!rim.ok() || rim->certificates.front() != one().signer.certificates.front()) return 0;
  CLOISTER_CHECK(!attest::nvidia::verify_rim_signature(*rim).ok() || rim->measurements == one().parsed.measurements);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(one().text);
  for (const std::string_view text :
       {"<a xmlns=\"urn:d\" xmlns:p=\"urn:p\" x=\"1\"><p:b p:y='2'/> &lt;&#x9; text</a>", "<a/>"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
