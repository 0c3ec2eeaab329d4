#include "crypto/certificate_writer.h"

#include <cstdio>

#include "crypto/der.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kSerialMax = 20;
constexpr std::size_t kCommonNameMax = 64;
constexpr std::int64_t kYear2050 = 2'524'608'000;
constexpr std::int64_t kYear10000 = 253'402'300'800;

constexpr std::uint8_t kCommonNameOid[] = {0x55, 0x04, 0x03};
constexpr std::uint8_t kSubjectKeyIdOid[] = {0x55, 0x1D, 0x0E};
constexpr std::uint8_t kKeyUsageOid[] = {0x55, 0x1D, 0x0F};
constexpr std::uint8_t kAlternativeNameOid[] = {0x55, 0x1D, 0x11};
constexpr std::uint8_t kBasicConstraintsOid[] = {0x55, 0x1D, 0x13};
constexpr std::uint8_t kNameConstraintsOid[] = {0x55, 0x1D, 0x1E};
constexpr std::uint8_t kAuthorityKeyIdOid[] = {0x55, 0x1D, 0x23};
constexpr std::uint8_t kExtendedKeyUsageOid[] = {0x55, 0x1D, 0x25};
constexpr std::uint8_t kServerOid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
constexpr std::uint8_t kClientOid[] = {0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};

constexpr std::uint8_t kUri = der::primitive(6);  // GeneralName

Bytes extension(ByteView oid, Critical critical, ByteView value) {
  static constexpr std::uint8_t kTrue[] = {der::kBoolean, 1, 0xFF};
  return der_element(der::kSequence, {der_oid(oid), ByteView(kTrue).first(critical == Critical::kYes ? 3 : 0),
                                      der_element(der::kOctetString, {value})});
}

// RFC 5280 4.1.2.5: two digits of the year up to 2049, four from then on.
Bytes der_time(Time time) {
  const std::int64_t seconds = time.unix_ms / 1000;
  const std::string text = to_rfc3339(Time{seconds * 1000});
  std::string digits;
  for (const char c : text.substr(0, 19)) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  digits.push_back('Z');
  if (seconds < kYear2050) return der_element(der::kUtcTime, {as_bytes(digits).subspan(2)});
  return der_element(der::kGeneralizedTime, {as_bytes(digits)});
}

Status check(const CertificateFields& fields) {
  const bool serial = !fields.serial.empty() && !all_zero(fields.serial) && fields.serial.size() <= kSerialMax &&
                      (fields.serial.size() < kSerialMax || fields.serial[0] < 0x80);
  if (!serial) return Error(Code::kInvalid, "a serial number is positive and has 20 bytes at most");
  if (fields.not_before.unix_ms < 0 || fields.not_after <= fields.not_before ||
      fields.not_after.unix_ms / 1000 >= kYear10000) {
    return Error(Code::kInvalid, "a certificate's end comes after its beginning");
  }
  return {};
}

Bytes to_be_signed(const CertificateFields& fields, ByteView algorithm) {
  static constexpr std::uint8_t kVersion3[] = {der::constructed(0), 3, der::kInteger, 1, 2};
  Bytes extensions;
  for (const Bytes& one : fields.extensions) extensions.insert(extensions.end(), one.begin(), one.end());
  return der_element(
      der::kSequence,
      {kVersion3, der_positive_integer(fields.serial), algorithm, fields.issuer,
       der_element(der::kSequence, {der_time(fields.not_before), der_time(fields.not_after)}), fields.subject,
       fields.public_key.spki(), der_element(der::constructed(3), {der_element(der::kSequence, {extensions})})});
}

}  // namespace

Result<Certificate> sign_certificate(const CertificateFields& fields, Signer& signer) {
  CLOISTER_RETURN_IF_ERROR(check(fields));
  const SignatureAlgorithm algorithm = signature_algorithm(signer.public_key().type());
  const ByteView identifier = signature_algorithm_identifier(algorithm);
  const Bytes body = to_be_signed(fields, identifier);
  CLOISTER_TRY(const Bytes signature, signer.sign(body));
  if (!signer.public_key().verify(algorithm, body, signature).ok()) {
    return Error(Code::kInternal, "sign a certificate: the signature isn't that of the signer's public key");
  }
  return Certificate::parse(der_element(der::kSequence, {body, identifier, der_bit_string(signature)}));
}

Bytes common_name(std::string_view text) {
  CLOISTER_CHECK(!text.empty() && text.size() <= kCommonNameMax);
  const Bytes attribute =
      der_element(der::kSequence, {der_oid(kCommonNameOid), der_element(der::kUtf8String, {as_bytes(text)})});
  return der_element(der::kSequence, {der_element(der::kSet, {attribute})});
}

Bytes empty_name() { return der_element(der::kSequence, {}); }

Bytes key_id_of(const PublicKey& key) {
  const Sha256Digest digest = sha256(key.raw());
  return Bytes(digest.begin(), digest.begin() + 20);
}

Bytes extension_leaf() { return extension(kBasicConstraintsOid, Critical::kYes, der_element(der::kSequence, {})); }

Bytes extension_authority(std::uint8_t path_length) {
  static constexpr std::uint8_t kTrue[] = {der::kBoolean, 1, 0xFF};
  return extension(kBasicConstraintsOid, Critical::kYes,
                   der_element(der::kSequence, {kTrue, der_small_integer(path_length)}));
}

Bytes extension_leaf_key_usage() {
  static constexpr std::uint8_t kBits[] = {0x80};
  return extension(kKeyUsageOid, Critical::kYes, der_bit_string(kBits, 7));
}

Bytes extension_authority_key_usage() {
  static constexpr std::uint8_t kBits[] = {0x06};
  return extension(kKeyUsageOid, Critical::kYes, der_bit_string(kBits, 1));
}

Bytes extension_server_and_client() {
  return extension(kExtendedKeyUsageOid, Critical::kNo,
                   der_element(der::kSequence, {der_oid(kServerOid), der_oid(kClientOid)}));
}

Bytes extension_subject_key_id(ByteView id) {
  return extension(kSubjectKeyIdOid, Critical::kNo, der_element(der::kOctetString, {id}));
}

Bytes extension_authority_key_id(ByteView id) {
  return extension(kAuthorityKeyIdOid, Critical::kNo,
                   der_element(der::kSequence, {der_element(der::primitive(0), {id})}));
}

Bytes extension_uri(std::string_view uri, Critical critical) {
  return extension(kAlternativeNameOid, critical, der_element(der::kSequence, {der_element(kUri, {as_bytes(uri)})}));
}

Bytes extension_permitted_uri_host(std::string_view host) {
  const Bytes subtree = der_element(der::kSequence, {der_element(kUri, {as_bytes(host)})});
  return extension(kNameConstraintsOid, Critical::kYes,
                   der_element(der::kSequence, {der_element(der::constructed(0), {subtree})}));
}

}  // namespace cloister::crypto
