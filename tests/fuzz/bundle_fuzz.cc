// A bundle of any bytes: parsed or refused, and what was parsed is the same when it is written and parsed again.
#include <vector>

#include "identity/bundle.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

const identity::TrustDomain& trust_domain() {
  static const auto domain = value_of(identity::TrustDomain::parse("example.org"));
  return domain;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const auto conformance : {identity::Conformance::kStrict, identity::Conformance::kGoSpiffe}) {
    const auto bundle = identity::parse_bundle(trust_domain(), as_text({data, size}), conformance);
    if (!bundle.ok()) continue;
    const auto again = identity::parse_bundle(trust_domain(), identity::format_bundle(*bundle), conformance);
    CLOISTER_CHECK(again.ok() && *again == *bundle);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const testing::TestAuthority root(1);
  const identity::BundleContents contents{{root.certificate()},
                                          {{"k1", testing::key_of_seed(5).public_key()},
                                           {"k2", testing::key_of_seed(6, crypto::KeyType::kEcP384).public_key()}},
                                          7,
                                          minutes(5)};
  const auto bundle = value_of(identity::Bundle::create(trust_domain(), contents, identity::Conformance::kStrict));
  seeds->push_back(to_bytes(as_bytes(identity::format_bundle(bundle))));
  seeds->push_back(to_bytes(as_bytes(R"({"keys":[{"use":"wit-svid","kty":"EC","kid":"w"}],"spiffe_sequence":1})")));
}
