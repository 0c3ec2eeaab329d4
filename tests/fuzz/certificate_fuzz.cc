// A certificate of any bytes: parsed or refused; none but the one that was issued verifies, and its facts can be read.
#include <vector>

#include "crypto/pem.h"
#include "identity/x509_svid.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

struct Issuer {
  testing::TestAuthority root{1, {.permitted_host = "example.org"}};
  crypto::Certificate leaf = root.issue();
  identity::BundleSet bundles = identity::BundleSet().with(
      value_of(identity::Bundle::create(value_of(identity::TrustDomain::parse("example.org")),
                                        {{root.certificate()}, {}, {}, {}}, identity::Conformance::kStrict)));
};

Issuer& issuer() {
  static Issuer issuer;
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  ignore_result(crypto::Certificate::parse_all(input, 4));
  ignore_result(crypto::Certificate::parse_pem(as_text(input), 4));
  const auto certificate = crypto::Certificate::parse(input);
  if (!certificate.ok()) return 0;
  CLOISTER_CHECK(equal(certificate->der(), input));
  CLOISTER_CHECK(value_of(crypto::Certificate::parse_pem(certificate->to_pem(), 1))[0] == *certificate);
  for (const std::string& name : certificate->facts().names.dns_names)
    ignore_result(crypto::names_host(*certificate, name));
  for (const auto conformance : {identity::Conformance::kStrict, identity::Conformance::kGoSpiffe}) {
    const auto svid = identity::X509Svid::from_chain({*certificate}, conformance);
    if (!svid.ok()) continue;
    const bool verified = identity::verify_x509_svid(*svid, issuer().bundles, testing::kNow).ok();
    CLOISTER_CHECK(verified == (*certificate == issuer().leaf));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(issuer().leaf.der());
  seeds->push_back(issuer().root.certificate().der());
  seeds->push_back(to_bytes(as_bytes(issuer().leaf.to_pem())));
  const testing::LeafParts parts{
      .names = testing::names_extension({{6, "spiffe://a/b"}, {2, "*.a"}, {1, "a@b"}, {7, "abcd"}})};
  seeds->push_back(issuer().root.issue(parts).der());
}
