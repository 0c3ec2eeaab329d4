// A token of any characters verifies only if it is the one that was signed; claims of any bytes under a right signature
// are read or refused.
#include <vector>

#include "crypto/jws.h"
#include "identity/jwt_svid.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

constexpr std::string_view kClaims =
    R"({"sub":"spiffe://example.org/worker","aud":["reports"],"exp":1795526889,"nbf":1795526000,"iat":1.5})";

struct Issuer {
  crypto::MemorySigner signer{testing::key_of_seed(5)};
  identity::BundleSet bundles = identity::BundleSet().with(
      value_of(identity::Bundle::create(value_of(identity::TrustDomain::parse("example.org")),
                                        {{}, {{"k1", signer.public_key()}}, {}, {}}, identity::Conformance::kStrict)));
  std::string token = sign(as_bytes(kClaims));

  std::string sign(ByteView claims) {
    return value_of(crypto::sign_jws({crypto::JwsAlgorithm::kEs256, "k1", "JWT"}, claims, signer));
  }
};

Issuer& issuer() {
  static Issuer issuer;
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const identity::JwtExpectation expectation{"reports", testing::kNow, {}};
  const auto jws = crypto::Jws::parse(as_text(input));
  if (jws.ok()) {
    CLOISTER_CHECK(jws->verified_payload(issuer().signer.public_key()).ok() == (as_text(input) == issuer().token));
  }
  const bool verified = identity::verify_jwt_svid(as_text(input), issuer().bundles, expectation).ok();
  CLOISTER_CHECK(verified == (as_text(input) == issuer().token));
  if (size > 4096) return 0;
  const auto svid = identity::verify_jwt_svid(issuer().sign(input), issuer().bundles, expectation);
  if (svid.ok()) CLOISTER_CHECK(svid->expires > testing::kNow && svid->id.trust_domain().name() == "example.org");
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(to_bytes(as_bytes(issuer().token)));
  seeds->push_back(to_bytes(as_bytes(kClaims)));
}
