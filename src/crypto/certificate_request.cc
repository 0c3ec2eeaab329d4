#include "crypto/certificate_request.h"

#include "crypto/certificate_writer.h"
#include "crypto/der.h"
#include "crypto/pem.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kPemLabel = "CERTIFICATE REQUEST";
constexpr std::string_view kWhat = "a certificate request";
constexpr std::uint8_t kExtensionRequestOid[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x0E};
constexpr std::uint8_t kAlternativeNameOid[] = {0x55, 0x1D, 0x11};

Error malformed() { return Error(Code::kInvalid, std::string(kWhat) + " is malformed"); }

// The alternative names among the extensions asked for; the other extensions are the authority's business.
Result<AlternativeNames> names_among(ByteView extensions) {
  DerReader reader(extensions);
  std::optional<AlternativeNames> names;
  while (!reader.at_end()) {
    CLOISTER_TRY(const ByteView content, reader.expect(der::kSequence, kWhat));
    DerReader extension(content);
    CLOISTER_TRY(const ByteView oid, extension.expect(der::kOid, kWhat));
    CLOISTER_TRY(const auto critical, extension.maybe(der::kBoolean, kWhat));
    CLOISTER_TRY(const ByteView value, extension.expect(der::kOctetString, kWhat));
    CLOISTER_RETURN_IF_ERROR(extension.expect_end(kWhat));
    ignore_result(critical);
    if (!equal(oid, kAlternativeNameOid)) continue;
    if (names) return malformed();
    CLOISTER_TRY(names, parse_alternative_names(value));
  }
  return names.value_or(AlternativeNames());
}

Result<AlternativeNames> names_of(ByteView attributes) {
  DerReader reader(attributes);
  std::optional<AlternativeNames> names;
  while (!reader.at_end()) {
    CLOISTER_TRY(const ByteView content, reader.expect(der::kSequence, kWhat));
    DerReader attribute(content);
    CLOISTER_TRY(const ByteView oid, attribute.expect(der::kOid, kWhat));
    CLOISTER_TRY(const ByteView values, attribute.expect(der::kSet, kWhat));
    CLOISTER_RETURN_IF_ERROR(attribute.expect_end(kWhat));
    if (!equal(oid, kExtensionRequestOid)) continue;
    if (names) return malformed();
    DerReader value(values);
    CLOISTER_TRY(const ByteView extensions, value.expect(der::kSequence, kWhat));
    CLOISTER_RETURN_IF_ERROR(value.expect_end(kWhat));
    CLOISTER_TRY(names, names_among(extensions));
  }
  return names.value_or(AlternativeNames());
}

struct Outline {
  DerElement body;
  ByteView algorithm;
  ByteView signature;
};

Result<Outline> parse_outline(ByteView der) {
  if (der.size() > kCertificateRequestSizeMax) {
    return Error(Code::kInvalid,
                 std::string(kWhat) + " is longer than " + std::to_string(kCertificateRequestSizeMax) + " bytes");
  }
  CLOISTER_RETURN_IF_ERROR(check_der(der, kWhat));
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  CLOISTER_TRY(const DerElement body, reader.next(kWhat));
  CLOISTER_TRY(const DerElement algorithm, reader.next(kWhat));
  CLOISTER_TRY(const ByteView bits, reader.expect(der::kBitString, kWhat));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end(kWhat));
  if (body.tag != der::kSequence || bits[0] != 0) return malformed();
  return Outline{body, algorithm.whole, bits.subspan(1)};
}

}  // namespace

Result<CertificateRequest> CertificateRequest::parse(ByteView der) {
  CLOISTER_TRY(const Outline outline, parse_outline(der));
  DerReader body(outline.body.content);
  CLOISTER_TRY(const ByteView version, body.expect(der::kInteger, kWhat));
  CLOISTER_TRY(const ByteView subject, body.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const DerElement spki, body.next(kWhat));
  CLOISTER_TRY(const auto attributes, body.maybe(der::constructed(0), kWhat));
  CLOISTER_RETURN_IF_ERROR(body.expect_end(kWhat));
  ignore_result(subject);
  if (version.size() != 1 || version[0] != 0) return malformed();
  CLOISTER_TRY(PublicKey key, PublicKey::from_spki(spki.whole));
  CLOISTER_TRY(const SignatureAlgorithm algorithm, signature_algorithm_of(outline.algorithm));
  CLOISTER_RETURN_IF_ERROR(
      key.verify(algorithm, outline.body.whole, outline.signature).with_context("check a certificate request"));
  CLOISTER_TRY(AlternativeNames names, names_of(attributes.value_or(ByteView())));
  return CertificateRequest(std::move(key), std::move(names), to_bytes(der));
}

Result<CertificateRequest> CertificateRequest::parse_pem(std::string_view text) {
  CLOISTER_TRY(const std::vector<Bytes> blocks, crypto::parse_pem(text, kPemLabel, 1));
  return parse(blocks[0]);
}

Result<Bytes> write_certificate_request(std::string_view uri, Signer& signer) {
  Bytes attributes;
  if (!uri.empty()) {
    const Bytes extensions = der_element(der::kSequence, {extension_uri(uri, Critical::kYes)});
    attributes = der_element(der::kSequence, {der_oid(kExtensionRequestOid), der_element(der::kSet, {extensions})});
  }
  const Bytes body = der_element(der::kSequence, {der_small_integer(0), empty_name(), signer.public_key().spki(),
                                                  der_element(der::constructed(0), {attributes})});
  const ByteView algorithm = signature_algorithm_identifier(signature_algorithm(signer.public_key().type()));
  CLOISTER_TRY(const Bytes signature, signer.sign(body));
  return der_element(der::kSequence, {body, algorithm, der_bit_string(signature)});
}

}  // namespace cloister::crypto
