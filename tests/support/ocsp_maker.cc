#include "tests/support/ocsp_maker.h"

#include "crypto/der.h"
#include "tests/support/hex.h"
#include "tests/support/value_of.h"

namespace cloister::testing {
namespace {

using namespace crypto;

Bytes general_time(Time time) {
  std::string digits;
  for (const char c : to_rfc3339(time).substr(0, 19)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  return der_element(der::kGeneralizedTime, {as_bytes(digits + "Z")});
}

// CertID with SHA-1, as nearly everybody names an issuer, or as ocsp_request() does.
Bytes certificate_id(const OcspParts& parts) {
  if (parts.issuer) {
    const auto key = value_of(parts.issuer->public_key());
    const Bytes bits = to_bytes(key.raw());
    const Bytes hash = der_element(der::kSequence, {der_oid(unhex("608648016503040201"))});
    const Bytes name = der_element(der::kOctetString, {sha256(parts.issuer->facts().subject)});
    const Bytes key_hash = der_element(der::kOctetString, {sha256(bits)});
    return der_element(der::kSequence, {hash, name, key_hash, der_element(der::kInteger, {parts.serial})});
  }
  const Bytes hash = der_element(der::kSequence, {der_oid(unhex("2b0e03021a"))});
  const Bytes zeros(20, 0);
  const Bytes digest = der_element(der::kOctetString, {zeros});
  return der_element(der::kSequence, {hash, digest, digest, der_element(der::kInteger, {parts.serial})});
}

Bytes answer(const OcspParts& parts) {
  const Bytes when = parts.state == 0xA1 ? general_time(parts.this_update) : Bytes();
  Bytes reason;
  if (parts.reason) {
    reason = der_element(der::constructed(0), {Bytes{0x0A, 1, *parts.reason}});
  }
  const Bytes state = der_element(parts.state, {when, reason});
  const Bytes next = parts.next_update ? der_element(der::constructed(0), {general_time(*parts.next_update)}) : Bytes();
  Bytes extensions;
  if (!parts.timestamps.empty()) {
    const Bytes inner = der_element(der::kOctetString, {parts.timestamps});
    const Bytes one =
        der_element(der::kSequence, {der_oid(unhex("2b06010401d679020405")), der_element(der::kOctetString, {inner})});
    extensions = der_element(der::constructed(1), {der_element(der::kSequence, {one})});
  }
  return der_element(der::kSequence, {certificate_id(parts), state, general_time(parts.this_update), next, extensions});
}

}  // namespace

Bytes make_ocsp(const OcspParts& parts, Signer& signer) {
  const Bytes zeros(20, 0);
  const Bytes responder = der_element(der::constructed(2), {der_element(der::kOctetString, {zeros})});
  const Bytes data = der_element(
      der::kSequence, {responder, general_time(parts.this_update), der_element(der::kSequence, {answer(parts)})});
  const Bytes signature = value_of(signer.sign(data));
  const ByteView algorithm = signature_algorithm_identifier(signature_algorithm(signer.public_key().type()));
  Bytes certificates;
  if (parts.responder) {
    certificates = der_element(der::constructed(0), {der_element(der::kSequence, {parts.responder->der()})});
  }
  const Bytes basic = der_element(der::kSequence, {data, algorithm, der_bit_string(signature), certificates});
  const Bytes typed =
      der_element(der::kSequence, {der_oid(unhex("2b0601050507300101")), der_element(der::kOctetString, {basic})});
  static constexpr std::uint8_t kSuccessful[] = {0x0A, 1, 0};
  return der_element(der::kSequence, {kSuccessful, der_element(der::constructed(0), {typed})});
}

}  // namespace cloister::testing
