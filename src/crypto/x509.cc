#include "crypto/x509.h"

#include <algorithm>
#include <ctime>

#include "crypto/der.h"
#include "crypto/openssl_handles.h"
#include "crypto/pem.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kPemLabel = "CERTIFICATE";
constexpr int kExtensionsMax = 64;

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a certificate's " + std::string(what) + " is malformed");
}

Bytes name_der(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t size = 0;
  CLOISTER_CHECK(X509_NAME_get0_der(name, &der, &size) == 1);
  return Bytes(der, der + size);
}

Bytes octets_of(const ASN1_STRING* string) {
  if (string == nullptr) return {};
  const unsigned char* data = ASN1_STRING_get0_data(string);
  return Bytes(data, data + ASN1_STRING_length(string));
}

Result<Time> time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return malformed("validity");
  return Time{static_cast<std::int64_t>(::timegm(&parts)) * 1000};
}

// As the certificate has it: OpenSSL would hand out a sign and a magnitude.
Result<Bytes> serial_of(const X509* certificate, SerialNumbers serials) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  Bytes magnitude = octets_of(serial);
  const bool zero = all_zero(magnitude) && serials != SerialNumbers::kAlsoZero;
  if (ASN1_STRING_type(serial) != V_ASN1_INTEGER || zero) {
    return Error(Code::kInvalid, "a certificate's serial number isn't positive");
  }
  return magnitude;
}

Status read_key_usage(X509* certificate, const X509_EXTENSION* extension, CertificateFacts& facts) {
  const std::uint32_t bits = X509_get_key_usage(certificate);
  facts.key_usage = KeyUsage{X509_EXTENSION_get_critical(extension) == 1, (bits & KU_DIGITAL_SIGNATURE) != 0,
                             (bits & KU_KEY_CERT_SIGN) != 0, (bits & KU_CRL_SIGN) != 0};
  return {};
}

Status read_extension(X509* certificate, X509_EXTENSION* extension, CertificateFacts& facts) {
  switch (OBJ_obj2nid(X509_EXTENSION_get_object(extension))) {
    case NID_subject_alt_name: {
      const Bytes value = octets_of(X509_EXTENSION_get_data(extension));
      CLOISTER_TRY(facts.names, parse_alternative_names(value));
      facts.names_critical = X509_EXTENSION_get_critical(extension) == 1;
      return {};
    }
    case NID_key_usage: return read_key_usage(certificate, extension, facts);
    case NID_ext_key_usage: {
      const std::uint32_t uses = X509_get_extended_key_usage(certificate);
      facts.extended_key_usage = ExtendedKeyUsage{(uses & XKU_SSL_SERVER) != 0, (uses & XKU_SSL_CLIENT) != 0};
      return {};
    }
    case NID_name_constraints: facts.has_name_constraints = true; return {};
    default: return {};
  }
}

Status read_extensions(X509* certificate, CertificateFacts& facts) {
  const int count = X509_get_ext_count(certificate);
  if (count > kExtensionsMax) return Error(Code::kInvalid, "a certificate has too many extensions");
  for (int i = 0; i < count; ++i) {
    X509_EXTENSION* extension = X509_get_ext(certificate, i);
    if (X509_get_ext_by_OBJ(certificate, X509_EXTENSION_get_object(extension), i) >= 0) {
      return Error(Code::kInvalid, "a certificate has an extension twice");
    }
    CLOISTER_RETURN_IF_ERROR(read_extension(certificate, extension, facts));
  }
  facts.is_authority = (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0;
  facts.subject_key_id = octets_of(X509_get0_subject_key_id(certificate));
  facts.authority_key_id = octets_of(X509_get0_authority_key_id(certificate));
  return {};
}

Bytes spki_of(const X509* certificate) {
  unsigned char* spki = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
  if (size <= 0) return {};
  Bytes out(spki, spki + size);
  OPENSSL_free(spki);
  return out;
}

Result<CertificateFacts> read_facts(X509* certificate, ByteView spki, SerialNumbers serials) {
  // Reads all extensions it knows and keeps what it found: later calls from several threads only read.
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0) return malformed("extensions");
  if (X509_get_version(certificate) != X509_VERSION_3) {
    return Error(Code::kInvalid, "a certificate isn't of version 3");
  }
  CertificateFacts facts;
  CLOISTER_TRY(facts.serial, serial_of(certificate, serials));
  CLOISTER_TRY(facts.not_before, time_of(X509_get0_notBefore(certificate)));
  CLOISTER_TRY(facts.not_after, time_of(X509_get0_notAfter(certificate)));
  facts.issuer = name_der(X509_get_issuer_name(certificate));
  facts.subject = name_der(X509_get_subject_name(certificate));
  facts.has_subject = X509_NAME_entry_count(X509_get_subject_name(certificate)) > 0;
  auto key = PublicKey::from_decoded(spki, {X509_get_pubkey(certificate), EVP_PKEY_free});
  if (key.ok()) facts.public_key = std::move(key).value();
  CLOISTER_RETURN_IF_ERROR(read_extensions(certificate, facts));
  return facts;
}

}  // namespace

Result<AlternativeNames> parse_alternative_names(ByteView der) {
  static constexpr std::string_view kWhat = "alternative names";
  CLOISTER_RETURN_IF_ERROR(check_der(der, kWhat));
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  if (content.empty()) return malformed(kWhat);
  AlternativeNames names;
  DerReader reader(content);
  while (!reader.at_end()) {
    CLOISTER_TRY(const DerElement name, reader.next(kWhat));
    const std::string text(as_text(name.content));
    switch (name.tag) {
      case der::primitive(1): names.emails.push_back(text); break;
      case der::primitive(2): names.dns_names.push_back(text); break;
      case der::primitive(6): names.uris.push_back(text); break;
      case der::primitive(7): names.ip_addresses.push_back(to_bytes(name.content)); break;
      default:
        if ((name.tag & 0xC0) != 0x80) return malformed(kWhat);
        names.others = true;
    }
  }
  return names;
}

Result<Certificate> Certificate::parse(ByteView der, SerialNumbers serials) {
  if (der.size() > kCertificateSizeMax) {
    return Error(Code::kInvalid, "a certificate has " + std::to_string(der.size()) + " bytes, at most " +
                                     std::to_string(kCertificateSizeMax) + " are read");
  }
  CLOISTER_RETURN_IF_ERROR(check_der(der, "a certificate"));
  const QuietErrors quiet;
  const unsigned char* at = der.data();
  std::shared_ptr<X509> handle(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
  if (handle == nullptr || at != der.data() + der.size())
    return Error(Code::kInvalid, "these bytes are no certificate");
  Bytes spki = spki_of(handle.get());
  if (spki.empty()) return malformed("public key");
  CLOISTER_TRY(CertificateFacts facts, read_facts(handle.get(), spki, serials));
  const Sha256Digest spki_digest = sha256(spki);
  return Certificate(std::make_shared<const State>(
      State{to_bytes(der), std::move(facts), std::move(spki), sha256(der), spki_digest, std::move(handle)}));
}

Result<std::vector<Certificate>> Certificate::parse_all(ByteView der, std::size_t count_max) {
  std::vector<Certificate> certificates;
  DerReader reader(der);
  while (!reader.at_end()) {
    if (certificates.size() == count_max) {
      return Error(Code::kInvalid, "more than " + std::to_string(count_max) + " certificates");
    }
    CLOISTER_TRY(const DerElement element, reader.next("a certificate"));
    CLOISTER_TRY(Certificate certificate, parse(element.whole));
    certificates.push_back(std::move(certificate));
  }
  if (certificates.empty()) return Error(Code::kInvalid, "there is no certificate");
  return certificates;
}

Result<std::vector<Certificate>> Certificate::parse_pem(std::string_view text, std::size_t count_max) {
  CLOISTER_TRY(const std::vector<Bytes> blocks, crypto::parse_pem(text, kPemLabel, count_max));
  std::vector<Certificate> certificates;
  for (const Bytes& block : blocks) {
    CLOISTER_TRY(Certificate certificate, parse(block));
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

std::string Certificate::to_pem() const { return crypto::to_pem(der(), kPemLabel); }

Result<PublicKey> Certificate::public_key() const {
  if (facts().public_key) return *facts().public_key;
  return Error(Code::kUnsupported, "a certificate's public key is of a kind or size that isn't used here");
}

std::optional<ByteView> Certificate::extension(ByteView oid) const {
  const int count = X509_get_ext_count(handle());
  for (int i = 0; i < count; ++i) {
    X509_EXTENSION* extension = X509_get_ext(handle(), i);
    const ASN1_OBJECT* type = X509_EXTENSION_get_object(extension);
    if (!equal({OBJ_get0_data(type), OBJ_length(type)}, oid)) continue;
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    return ByteView{ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))};
  }
  return std::nullopt;
}

}  // namespace cloister::crypto
