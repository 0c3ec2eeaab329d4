// A certificate revocation list of any bytes: parsed or refused; none but those that were signed verify.
#include <vector>

#include "crypto/crl.h"
#include "tests/support/certificates.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

struct Issuer {
  testing::TestAuthority root{1};
  crypto::Certificate pss = value_of(crypto::Certificate::parse_pem(testing::pss_authority_pem(), 1)).front();
  Bytes list = testing::make_revocation_list({{}, {{1, 2}, {3}}, testing::kNow, testing::kNow + days(1)},
                                             root.certificate(), root.signer());
  Bytes pss_list = testing::pss_revocation_list();
};

Issuer& issuer() {
  static Issuer issuer;
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = crypto::RevocationList::parse({data, size});
  if (!list.ok()) return 0;
  CLOISTER_CHECK(list->next_update() > list->this_update());
  ignore_result(list->contains(Bytes{3}));
  if (list->verify(issuer().root.certificate()).ok()) CLOISTER_CHECK(equal({data, size}, issuer().list));
  if (list->verify(issuer().pss).ok()) CLOISTER_CHECK(equal({data, size}, issuer().pss_list));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(issuer().list);
  seeds->push_back(issuer().pss_list);
}
