// A certificate that a scanned endpoint shows, of any bytes: read or refused, and judged without a verdict of "trusted"
// for any but those that were issued.
#include <vector>

#include "probe/certificate/judge.h"
#include "probe/certificate/timestamps.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;

namespace {

struct Issuer {
  testing::TestAuthority root{1};
  crypto::Certificate leaf = root.issue();
  crypto::Certificate other =
      root.issue({.names = testing::names_extension({{6, "spiffe://a/b"}, {2, "*.a"}, {1, "a@b"}, {7, "abcd"}})});
  std::vector<crypto::Certificate> anchors{root.certificate()};
};

Issuer& issuer() {
  static Issuer issuer;
  return issuer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto certificate = probe::read_certificate(input);
  probe::CertificateQuestion question;
  question.chain = {to_bytes(input)};
  question.anchors = issuer().anchors;
  question.host = "example.org";
  question.now = testing::kNow;
  const probe::Facts facts = probe::judge_certificate(question);
  if (!certificate.ok()) {
    CLOISTER_CHECK(facts.seen("X1") == probe::Seen::kUnknown);
    return 0;
  }
  ignore_result(probe::name_text(certificate->subject));
  ignore_result(probe::precertificate_part(*certificate));
  const bool known = equal(input, issuer().leaf.der()) || equal(input, issuer().other.der()) ||
                     equal(input, issuer().root.certificate().der());
  CLOISTER_CHECK(known || facts.seen("X1", "trusted") != probe::Seen::kYes);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(issuer().leaf.der());
  seeds->push_back(issuer().root.certificate().der());
  seeds->push_back(issuer().other.der());
}
