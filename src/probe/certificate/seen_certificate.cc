#include "probe/certificate/seen_certificate.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "crypto/der_values.h"

namespace cloister::probe {
namespace {

using crypto::DerElement;
using crypto::DerReader;
using crypto::Extension;
using crypto::for_each_extension;
using crypto::oid_text;
namespace der = crypto::der;

constexpr std::string_view kWhat = "a certificate";
constexpr std::size_t kUrlsMax = 16;
constexpr std::string_view kTimestampsOid = "1.3.6.1.4.1.11129.2.4.2";
constexpr std::string_view kPoisonOid = "1.3.6.1.4.1.11129.2.4.3";
constexpr std::string_view kFeatureOid = "1.3.6.1.5.5.7.1.24";
constexpr std::uint8_t kStatusRequest = 5;

using Named = std::pair<std::string_view, std::string_view>;

constexpr Named kSignatures[] = {
    {"1.2.840.113549.1.1.2", "md2WithRSAEncryption"},
    {"1.2.840.113549.1.1.3", "md4WithRSAEncryption"},
    {"1.2.840.113549.1.1.4", "md5WithRSAEncryption"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.10040.4.3", "dsaWithSHA1"},
    {"1.2.840.10045.4.1", "ecdsa-with-SHA1"},
    {"1.3.14.3.2.29", "sha1WithRSA"},
    {"1.2.840.113549.1.1.10", "RSASSA-PSS"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {"1.3.101.112", "Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"2.16.840.1.101.3.4.3.17", "ML-DSA-44"},
    {"2.16.840.1.101.3.4.3.18", "ML-DSA-65"},
    {"2.16.840.1.101.3.4.3.19", "ML-DSA-87"},
};
constexpr std::size_t kWeakSignatures = 7;

struct Curve {
  std::string_view oid, name;
  unsigned bits;
};
constexpr Curve kCurves[] = {
    {"1.2.840.10045.3.1.7", "EC P-256", 256}, {"1.3.132.0.34", "EC P-384", 384},
    {"1.3.132.0.35", "EC P-521", 521},        {"1.3.132.0.33", "EC P-224", 224},
    {"1.2.840.10045.3.1.1", "EC P-192", 192}, {"1.3.132.0.10", "EC secp256k1", 256},
};

Bytes without_zeros(ByteView integer) {
  while (!integer.empty() && integer.front() == 0) integer = integer.subspan(1);
  return to_bytes(integer);
}

unsigned bits_of(ByteView magnitude) {
  if (magnitude.empty()) return 0;
  return static_cast<unsigned>(magnitude.size() * 8) - static_cast<unsigned>(std::countl_zero(magnitude.front()));
}

SeenKey rsa_key(ByteView bits) {
  SeenKey key{"RSA", 0, {}, {}};
  DerReader outer(bits);
  const auto sequence = outer.expect(der::kSequence, kWhat);
  if (!sequence.ok()) return key;
  DerReader fields(*sequence);
  const auto modulus = fields.expect(der::kInteger, kWhat);
  const auto exponent = fields.expect(der::kInteger, kWhat);
  if (!modulus.ok() || !exponent.ok()) return key;
  key.modulus = without_zeros(*modulus);
  key.exponent = without_zeros(*exponent);
  key.bits = bits_of(key.modulus);
  return key;
}

SeenKey curve_key(DerReader& parameters) {
  const auto oid = parameters.expect(der::kOid, kWhat);
  const std::string curve = oid.ok() ? oid_text(*oid) : "";
  const auto* known = std::ranges::find(kCurves, curve, &Curve::oid);
  if (known != std::end(kCurves)) return {std::string(known->name), known->bits, {}, {}};
  return {"EC " + (curve.empty() ? "without a named curve" : curve), 0, {}, {}};
}

Result<SeenKey> read_key(ByteView spki) {
  DerReader outer(spki);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const ByteView algorithm, fields.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const ByteView bits, fields.expect(der::kBitString, kWhat));
  DerReader parameters(algorithm);
  CLOISTER_TRY(const ByteView oid, parameters.expect(der::kOid, kWhat));
  const std::string text = oid_text(oid);
  if (text == "1.2.840.113549.1.1.1" && !bits.empty()) return rsa_key(bits.subspan(1));
  if (text == "1.2.840.10045.2.1") return curve_key(parameters);
  if (text == "1.3.101.112") return SeenKey{"Ed25519", 256, {}, {}};
  if (text == "1.3.101.113") return SeenKey{"Ed448", 456, {}, {}};
  return SeenKey{signature_name(text), 0, {}, {}};
}

// GeneralNames that are URIs, at most kUrlsMax of them.
void add_urls(ByteView names, std::vector<std::string>& urls) {
  DerReader reader(names);
  while (!reader.at_end() && urls.size() < kUrlsMax) {
    const auto name = reader.next(kWhat);
    if (!name.ok()) return;
    if (name->tag == der::primitive(6)) urls.emplace_back(as_text(name->content));
  }
}

Status read_access(ByteView value, SeenCertificate& certificate) {
  DerReader outer(value);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  while (!reader.at_end()) {
    CLOISTER_TRY(const ByteView description, reader.expect(der::kSequence, kWhat));
    DerReader fields(description);
    CLOISTER_TRY(const ByteView method, fields.expect(der::kOid, kWhat));
    CLOISTER_TRY(const DerElement location, fields.next(kWhat));
    const std::string oid = oid_text(method);
    if (oid == "1.3.6.1.5.5.7.48.1") add_urls(location.whole, certificate.ocsp_urls);
    if (oid == "1.3.6.1.5.5.7.48.2") add_urls(location.whole, certificate.issuer_urls);
  }
  return {};
}

// SEQUENCE OF DistributionPoint { [0] { [0] GeneralNames } … }
Status read_crl_points(ByteView value, SeenCertificate& certificate) {
  DerReader outer(value);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  while (!reader.at_end()) {
    CLOISTER_TRY(const ByteView point, reader.expect(der::kSequence, kWhat));
    DerReader fields(point);
    CLOISTER_TRY(const auto name, fields.maybe(der::constructed(0), kWhat));
    if (!name) continue;
    DerReader choice(*name);
    CLOISTER_TRY(const auto full, choice.maybe(der::constructed(0), kWhat));
    if (full) add_urls(*full, certificate.crl_urls);
  }
  return {};
}

Status read_usages(ByteView value, SeenCertificate& certificate) {
  DerReader outer(value);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  certificate.extended_usages.emplace();
  DerReader reader(content);
  while (!reader.at_end() && certificate.extended_usages->size() < kUrlsMax) {
    CLOISTER_TRY(const ByteView oid, reader.expect(der::kOid, kWhat));
    certificate.extended_usages->push_back(oid_text(oid));
  }
  return {};
}

Status read_basic(ByteView value, SeenCertificate& certificate) {
  DerReader outer(value);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const auto authority, fields.maybe(der::kBoolean, kWhat));
  certificate.is_authority = authority && authority->size() == 1 && (*authority)[0] != 0;
  return {};
}

Status read_key_usage(const Extension& extension, SeenCertificate& certificate) {
  DerReader outer(extension.value);
  CLOISTER_TRY(const ByteView bits, outer.expect(der::kBitString, kWhat));
  std::uint16_t usage = 0;
  if (bits.size() > 1) usage = static_cast<std::uint16_t>(bits[1] << 8);
  if (bits.size() > 2) usage = static_cast<std::uint16_t>(usage | bits[2]);
  certificate.key_usage = usage;
  certificate.key_usage_critical = extension.critical;
  return {};
}

Status read_features(ByteView value, SeenCertificate& certificate) {
  DerReader outer(value);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  while (!reader.at_end()) {
    CLOISTER_TRY(const ByteView feature, reader.expect(der::kInteger, kWhat));
    if (feature.size() == 1 && feature[0] == kStatusRequest) certificate.must_staple = true;
  }
  return {};
}

Status read_extension(const Extension& extension, SeenCertificate& certificate) {
  const std::string& oid = extension.oid;
  if (oid == "2.5.29.19") return read_basic(extension.value, certificate);
  if (oid == "2.5.29.15") return read_key_usage(extension, certificate);
  if (oid == "2.5.29.37") return read_usages(extension.value, certificate);
  if (oid == "2.5.29.31") return read_crl_points(extension.value, certificate);
  if (oid == "1.3.6.1.5.5.7.1.1") return read_access(extension.value, certificate);
  if (oid == kFeatureOid) return read_features(extension.value, certificate);
  if (oid == kPoisonOid) certificate.precertificate = true;
  if (oid == "2.5.29.30") certificate.has_name_constraints = true;
  if (oid == "2.5.29.17") {
    CLOISTER_TRY(certificate.names, crypto::parse_alternative_names(extension.value));
  }
  if (oid == kTimestampsOid) {
    DerReader inner(extension.value);
    CLOISTER_TRY(const ByteView list, inner.expect(der::kOctetString, kWhat));
    certificate.timestamps = to_bytes(list);
  }
  return {};
}

Status read_signed_part(SeenCertificate& certificate) {
  DerReader outer(certificate.signed_part);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const auto version, fields.maybe(der::constructed(0), kWhat));
  if (version && version->size() == 3) certificate.version = (*version)[2] + 1U;
  CLOISTER_TRY(const ByteView serial, fields.expect(der::kInteger, kWhat));
  certificate.serial = to_bytes(serial);
  CLOISTER_RETURN_IF_ERROR(fields.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const DerElement issuer, fields.next(kWhat));
  certificate.issuer = to_bytes(issuer.whole);
  CLOISTER_TRY(const ByteView validity, fields.expect(der::kSequence, kWhat));
  DerReader times(validity);
  CLOISTER_TRY(certificate.not_before, next_time(times, kWhat));
  CLOISTER_TRY(certificate.not_after, next_time(times, kWhat));
  CLOISTER_TRY(const DerElement subject, fields.next(kWhat));
  certificate.subject = to_bytes(subject.whole);
  CLOISTER_TRY(const DerElement spki, fields.next(kWhat));
  certificate.spki = to_bytes(spki.whole);
  CLOISTER_TRY(certificate.key, read_key(certificate.spki));
  while (!fields.at_end()) {
    CLOISTER_TRY(const DerElement field, fields.next(kWhat));
    if (field.tag != der::constructed(3)) continue;
    CLOISTER_RETURN_IF_ERROR(for_each_extension(field.content, [&](const Extension& extension) {
      // One that can't be read is as if it weren't there: the strict parser has the last word on whether it may be.
      ignore_result(read_extension(extension, certificate));
      return Status();
    }));
  }
  return {};
}

std::string attribute_label(std::string_view oid) {
  static constexpr Named kLabels[] = {{"2.5.4.3", "CN"},          {"2.5.4.10", "O"}, {"2.5.4.11", "OU"},
                                      {"2.5.4.6", "C"},           {"2.5.4.7", "L"},  {"2.5.4.8", "ST"},
                                      {"2.5.4.5", "serialNumber"}};
  const auto* known = std::ranges::find(kLabels, oid, &Named::first);
  return std::string(known == std::end(kLabels) ? oid : known->second);
}

using Attribute = std::pair<std::string, std::string>;  // OID, text

std::vector<Attribute> attributes_of(ByteView der_name) {
  std::vector<Attribute> attributes;
  DerReader outer(der_name);
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return attributes;
  DerReader sets(*content);
  while (!sets.at_end() && attributes.size() < kUrlsMax) {
    const auto set = sets.expect(der::kSet, kWhat);
    if (!set.ok()) return attributes;
    DerReader members(*set);
    while (!members.at_end()) {
      const auto attribute = members.expect(der::kSequence, kWhat);
      if (!attribute.ok()) return attributes;
      DerReader fields(*attribute);
      const auto oid = fields.expect(der::kOid, kWhat);
      const auto value = fields.next(kWhat);
      if (!oid.ok() || !value.ok()) return attributes;
      attributes.emplace_back(oid_text(*oid), std::string(as_text(value->content)));
    }
  }
  return attributes;
}

}  // namespace

std::string name_text(ByteView der_name) {
  std::string text;
  for (const auto& [oid, value] : attributes_of(der_name)) {
    text += (text.empty() ? "" : ", ") + attribute_label(oid) + "=" + value;
  }
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) c = '?';
  }
  return text;
}

std::string signature_name(std::string_view oid) {
  const auto* known = std::ranges::find(kSignatures, oid, &Named::first);
  return std::string(known == std::end(kSignatures) ? oid : known->second);
}

bool signature_is_weak(std::string_view oid) {
  const auto* known = std::ranges::find(kSignatures, oid, &Named::first);
  return known < std::begin(kSignatures) + kWeakSignatures;
}

Result<SeenCertificate> read_certificate(ByteView bytes) {
  if (bytes.size() > crypto::kCertificateSizeMax) return Error(Code::kInvalid, "a certificate is too large");
  CLOISTER_RETURN_IF_ERROR(crypto::check_der(bytes, kWhat));
  DerReader outer(bytes);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  SeenCertificate certificate;
  certificate.der = to_bytes(bytes);
  CLOISTER_TRY(const DerElement signed_part, fields.next(kWhat));
  certificate.signed_part = to_bytes(signed_part.whole);
  CLOISTER_TRY(const DerElement algorithm, fields.next(kWhat));
  certificate.signature_algorithm = to_bytes(algorithm.whole);
  DerReader identifier(algorithm.content);
  CLOISTER_TRY(const ByteView oid, identifier.expect(der::kOid, kWhat));
  certificate.signature_oid = oid_text(oid);
  CLOISTER_TRY(const ByteView signature, fields.expect(der::kBitString, kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  certificate.signature = to_bytes(signature.subspan(1));
  CLOISTER_RETURN_IF_ERROR(read_signed_part(certificate));
  for (const auto& [attribute, value] : attributes_of(certificate.subject)) {
    if (attribute == "2.5.4.3") certificate.common_name = value;
  }
  return certificate;
}

Result<Bytes> precertificate_part(const SeenCertificate& certificate) {
  DerReader outer(certificate.signed_part);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  Bytes kept;
  while (!fields.at_end()) {
    CLOISTER_TRY(const DerElement field, fields.next(kWhat));
    if (field.tag != der::constructed(3)) {
      kept.insert(kept.end(), field.whole.begin(), field.whole.end());
      continue;
    }
    Bytes extensions;
    CLOISTER_RETURN_IF_ERROR(for_each_extension(field.content, [&](const Extension& extension) {
      if (extension.oid != kTimestampsOid) {
        extensions.insert(extensions.end(), extension.whole.begin(), extension.whole.end());
      }
      return Status();
    }));
    const Bytes sequence = crypto::der_element(der::kSequence, {extensions});
    const Bytes tagged = crypto::der_element(der::constructed(3), {sequence});
    kept.insert(kept.end(), tagged.begin(), tagged.end());
  }
  return crypto::der_element(der::kSequence, {kept});
}

}  // namespace cloister::probe
