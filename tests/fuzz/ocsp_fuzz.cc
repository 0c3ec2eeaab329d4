// A stapled OCSP response of any bytes: parsed or refused; what isn't its issuer's word is never taken for it.
#include <vector>

#include "probe/certificate/ocsp.h"
#include "tests/support/certificates.h"
#include "tests/support/ocsp_maker.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

struct Issuer {
  testing::TestAuthority root{1};
  probe::SeenCertificate leaf = value_of(probe::read_certificate(root.issue().der()));
  probe::SeenCertificate authority = value_of(probe::read_certificate(root.certificate().der()));

  Bytes good() {
    return testing::make_ocsp({leaf.serial, 0x80, testing::kNow, testing::kNow + hours(1)}, root.signer());
  }
};

Issuer& issuer() {
  static Issuer issuer;
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto response = crypto::parse_ocsp({data, size});
  if (!response.ok()) return 0;
  const auto answer = probe::verify_ocsp(*response, issuer().leaf, issuer().authority, testing::kNow);
  CLOISTER_CHECK(!answer.ok() || answer->state == probe::OcspState::kGood);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(issuer().good());
  testing::OcspParts stranger{issuer().leaf.serial, 0xA1, testing::kNow, testing::kNow + hours(1), {0, 4, 0, 2, 1, 1}};
  stranger.responder = issuer().root.certificate();
  testing::TestAuthority other(2);
  seeds->push_back(testing::make_ocsp(stranger, other.signer()));
}
