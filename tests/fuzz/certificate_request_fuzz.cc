// A certificate request of any bytes, and a request's body of any bytes under a right signature: parsed or refused.
#include <vector>

#include "crypto/certificate_request.h"
#include "crypto/der.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;

namespace {

crypto::MemorySigner& signer() {
  static crypto::MemorySigner signer(testing::key_of_seed(1));
  return signer;
}

Bytes made(std::string_view uri) { return testing::value_of(crypto::write_certificate_request(uri, signer())); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto request = crypto::CertificateRequest::parse(input);
  if (request.ok()) CLOISTER_CHECK(equal(request->der(), input));
  const Bytes signature = testing::value_of(signer().sign(input));
  const auto rebuilt = crypto::CertificateRequest::parse(crypto::der_element(
      crypto::der::kSequence, {input, crypto::signature_algorithm_identifier(crypto::SignatureAlgorithm::kEcdsaSha256),
                               crypto::der_bit_string(signature)}));
  if (rebuilt.ok()) CLOISTER_CHECK(rebuilt->public_key() == signer().public_key());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(made("spiffe://example.org/worker"));
  seeds->push_back(made(""));
  for (const std::string_view uri : {"spiffe://example.org/worker", ""}) {
    const Bytes whole = made(uri);
    crypto::DerReader outer(whole);
    crypto::DerReader reader(testing::value_of(outer.expect(crypto::der::kSequence, "a request")));
    seeds->push_back(to_bytes(testing::value_of(reader.next("a body")).whole));
  }
}
