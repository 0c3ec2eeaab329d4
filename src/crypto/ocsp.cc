#include "crypto/ocsp.h"

#include <algorithm>

#include "crypto/der_values.h"
#include "crypto/verification_cache.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kWhat = "an OCSP response";
constexpr std::string_view kBasicOid = "1.3.6.1.5.5.7.48.1.1";
constexpr std::string_view kTimestampsOid = "1.3.6.1.4.1.11129.2.4.5";
constexpr std::string_view kSigningOid = "1.3.6.1.5.5.7.3.9";
constexpr std::string_view kSha256Oid = "2.16.840.1.101.3.4.2.1";
constexpr std::string_view kSha384Oid = "2.16.840.1.101.3.4.2.2";
constexpr std::uint8_t kExtendedKeyUsageOid[] = {0x55, 0x1D, 0x25};
constexpr std::uint8_t kSha256Content[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
constexpr std::uint8_t kEnumerated = 0x0A;
constexpr std::size_t kAnswersMax = 64;
constexpr std::size_t kCertificatesMax = 4;

Status read_certificate_id(ByteView content, OcspAnswer& answer) {
  DerReader fields(content);
  CLOISTER_TRY(const ByteView algorithm, fields.expect(der::kSequence, kWhat));
  DerReader identifier(algorithm);
  CLOISTER_TRY(const ByteView oid, identifier.expect(der::kOid, kWhat));
  answer.hash_oid = oid_text(oid);
  CLOISTER_TRY(const ByteView name, fields.expect(der::kOctetString, kWhat));
  CLOISTER_TRY(const ByteView key, fields.expect(der::kOctetString, kWhat));
  CLOISTER_TRY(const ByteView serial, fields.expect(der::kInteger, kWhat));
  answer.issuer_name_hash = to_bytes(name);
  answer.issuer_key_hash = to_bytes(key);
  answer.serial = to_bytes(serial);
  return fields.expect_end(kWhat);
}

Status read_state(const DerElement& element, OcspAnswer& answer) {
  switch (element.tag) {
    case der::primitive(0): answer.state = OcspState::kGood; return {};
    case der::primitive(2): answer.state = OcspState::kUnknown; return {};
    case der::constructed(1): {
      answer.state = OcspState::kRevoked;
      DerReader fields(element.content);
      CLOISTER_TRY(answer.revoked_at, next_time(fields, kWhat));
      return {};
    }
    default: return Error(Code::kInvalid, "an OCSP response has no state of a certificate");
  }
}

Status read_answer_extensions(ByteView sequence, OcspAnswer& answer) {
  return for_each_extension(sequence, [&](const Extension& extension) -> Status {
    if (extension.oid != kTimestampsOid) return {};
    DerReader inner(extension.value);
    CLOISTER_TRY(const ByteView list, inner.expect(der::kOctetString, kWhat));
    answer.timestamps = to_bytes(list);
    return {};
  });
}

Result<OcspAnswer> read_answer(ByteView content) {
  OcspAnswer answer;
  DerReader fields(content);
  CLOISTER_TRY(const ByteView id, fields.expect(der::kSequence, kWhat));
  CLOISTER_RETURN_IF_ERROR(read_certificate_id(id, answer));
  CLOISTER_TRY(const DerElement state, fields.next(kWhat));
  CLOISTER_RETURN_IF_ERROR(read_state(state, answer));
  CLOISTER_TRY(answer.this_update, next_time(fields, kWhat));
  CLOISTER_TRY(const auto next, fields.maybe(der::constructed(0), kWhat));
  if (next) {
    DerReader inner(*next);
    CLOISTER_TRY(answer.next_update, next_time(inner, kWhat));
  }
  CLOISTER_TRY(const auto extensions, fields.maybe(der::constructed(1), kWhat));
  if (extensions) CLOISTER_RETURN_IF_ERROR(read_answer_extensions(*extensions, answer));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  return answer;
}

Status read_data(OcspResponse& response) {
  DerReader outer(response.signed_part);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_RETURN_IF_ERROR(fields.maybe(der::constructed(0), kWhat));  // version
  CLOISTER_TRY(const DerElement responder, fields.next(kWhat));
  if (responder.tag != der::constructed(1) && responder.tag != der::constructed(2)) {
    return Error(Code::kInvalid, "an OCSP response doesn't name its responder");
  }
  if (responder.tag == der::constructed(1)) response.responder_name = to_bytes(responder.content);
  CLOISTER_TRY(response.produced_at, next_time(fields, kWhat));
  CLOISTER_TRY(const ByteView answers, fields.expect(der::kSequence, kWhat));
  DerReader reader(answers);
  while (!reader.at_end()) {
    if (response.answers.size() == kAnswersMax) return Error(Code::kInvalid, "an OCSP response has too many answers");
    CLOISTER_TRY(const ByteView one, reader.expect(der::kSequence, kWhat));
    CLOISTER_TRY(OcspAnswer answer, read_answer(one));
    response.answers.push_back(std::move(answer));
  }
  return {};
}

Result<OcspResponse> read_basic(ByteView bytes) {
  CLOISTER_RETURN_IF_ERROR(check_der(bytes, kWhat));
  OcspResponse response;
  DerReader outer(bytes);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const DerElement data, fields.next(kWhat));
  response.signed_part = to_bytes(data.whole);
  CLOISTER_TRY(const DerElement algorithm, fields.next(kWhat));
  response.signature_algorithm = to_bytes(algorithm.whole);
  CLOISTER_TRY(const ByteView signature, fields.expect(der::kBitString, kWhat));
  response.signature = to_bytes(signature.subspan(1));
  CLOISTER_TRY(const auto certificates, fields.maybe(der::constructed(0), kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  if (certificates) {
    DerReader list(*certificates);
    CLOISTER_TRY(const ByteView sequence, list.expect(der::kSequence, kWhat));
    DerReader each(sequence);
    while (!each.at_end() && response.certificates.size() < kCertificatesMax) {
      CLOISTER_TRY(const DerElement one, each.next(kWhat));
      response.certificates.push_back(to_bytes(one.whole));
    }
  }
  CLOISTER_RETURN_IF_ERROR(read_data(response));
  return response;
}

// RFC 6960 4.2.2.2: a certificate for OCSP signing that the issuer itself signed.
bool may_sign_for(const Certificate& responder, const Certificate& issuer, Time now, VerificationCache* cache) {
  const auto usage = responder.extension(kExtendedKeyUsageOid);
  if (!usage) return false;
  DerReader outer(*usage);
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return false;
  DerReader uses(*content);
  bool named = false;
  while (!uses.at_end()) {
    const auto oid = uses.expect(der::kOid, kWhat);
    if (!oid.ok()) return false;
    named = named || oid_text(*oid) == kSigningOid;
  }
  const ChainRequest request{{}, {&issuer, 1}, Purpose::kAny, now, PathRules::kCommon};
  return named && verify_chain(cache, responder, request).ok();
}

bool signed_by(const OcspResponse& response, const Certificate& signer, VerificationCache* cache) {
  const auto key = signer.public_key();
  const auto algorithm = signature_algorithm_of(response.signature_algorithm);
  return key.ok() && algorithm.ok() &&
         verify_signature(cache, *key, *algorithm, response.signed_part, response.signature).ok();
}

bool signed_by_delegate(const OcspResponse& response, const Certificate& issuer, Time now, VerificationCache* cache) {
  for (const Bytes& one : response.certificates) {
    const auto responder = parse_certificate(cache, one);
    if (responder.ok() && may_sign_for(*responder, issuer, now, cache) && signed_by(response, *responder, cache)) {
      return true;
    }
  }
  return false;
}

Status check_signature(const OcspResponse& response, const Certificate& issuer, Time now, VerificationCache* cache) {
  // Whom the response names is only a hint where to begin: a signature that isn't the issuer's costs as much as one
  // that is.
  const bool names_another = !response.responder_name.empty() && response.responder_name != issuer.facts().subject;
  if (!names_another && signed_by(response, issuer, cache)) return {};
  if (signed_by_delegate(response, issuer, now, cache)) return {};
  if (names_another && signed_by(response, issuer, cache)) return {};
  return Error(Code::kDenied, "the OCSP response isn't signed by the certificate's issuer nor by whom it named");
}

// What the key's BIT STRING holds.
ByteView key_bits(const Bytes& spki) {
  DerReader outer(spki);
  const auto content = outer.expect(der::kSequence, kWhat);
  if (!content.ok()) return {};
  DerReader fields(*content);
  const auto algorithm = fields.next(kWhat);
  const auto bits = fields.expect(der::kBitString, kWhat);
  if (!algorithm.ok() || !bits.ok() || bits->empty()) return {};
  return bits->subspan(1);
}

// RFC 6960 4.1.1: the name as the certificate in question spells it.
bool names_issuer(const OcspAnswer& answer, const Certificate& certificate, const Certificate& issuer) {
  const Bytes spki = issuer.spki();
  const ByteView key = key_bits(spki);
  const ByteView name = certificate.facts().issuer;
  if (answer.hash_oid == kSha256Oid) {
    return equal(answer.issuer_name_hash, sha256(name)) && equal(answer.issuer_key_hash, sha256(key));
  }
  if (answer.hash_oid == kSha384Oid) {
    return equal(answer.issuer_name_hash, sha384(name)) && equal(answer.issuer_key_hash, sha384(key));
  }
  return false;
}

ByteView magnitude(ByteView integer) {
  while (!integer.empty() && integer[0] == 0) integer = integer.subspan(1);
  return integer;
}

// What a CertID says behind the hash's name.
struct RequestedId {
  ByteView issuer_name_hash, issuer_key_hash;
  Bytes serial;  // DER
};

Bytes request_about(const RequestedId& of) {
  const Bytes hash = der_element(der::kSequence, {der_oid(kSha256Content)});
  const Bytes name = der_element(der::kOctetString, {of.issuer_name_hash});
  const Bytes key = der_element(der::kOctetString, {of.issuer_key_hash});
  const Bytes id = der_element(der::kSequence, {hash, name, key, of.serial});
  const Bytes list = der_element(der::kSequence, {der_element(der::kSequence, {id})});
  return der_element(der::kSequence, {der_element(der::kSequence, {list})});
}

}  // namespace

std::string_view name_of(OcspState state) {
  switch (state) {
    case OcspState::kGood: return "good";
    case OcspState::kRevoked: return "revoked";
    case OcspState::kUnknown: break;
  }
  return "unknown";
}

Result<OcspResponse> parse_ocsp(ByteView bytes) {
  if (bytes.size() > kOcspSizeMax) return Error(Code::kInvalid, "an OCSP response is too large");
  CLOISTER_RETURN_IF_ERROR(check_der(bytes, kWhat));
  DerReader outer(bytes);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const ByteView status, fields.expect(kEnumerated, kWhat));
  if (status.size() != 1) return Error(Code::kInvalid, "an OCSP response has no status");
  if (status[0] != 0) {
    return Error(Code::kUnavailable, "the OCSP responder couldn't answer: status " + std::to_string(status[0]));
  }
  CLOISTER_TRY(const ByteView tagged, fields.expect(der::constructed(0), kWhat));
  DerReader wrapped(tagged);
  CLOISTER_TRY(const ByteView body, wrapped.expect(der::kSequence, kWhat));
  DerReader typed(body);
  CLOISTER_TRY(const ByteView oid, typed.expect(der::kOid, kWhat));
  if (oid_text(oid) != kBasicOid) return Error(Code::kInvalid, "an OCSP response isn't a basic one");
  CLOISTER_TRY(const ByteView octets, typed.expect(der::kOctetString, kWhat));
  return read_basic(octets);
}

Bytes serial_of(const OcspAnswer& answer) { return to_bytes(magnitude(answer.serial)); }

Result<OcspAnswer> verify_ocsp(const OcspResponse& response, const Certificate& certificate, const Certificate& issuer,
                               Time now, VerificationCache* cache) {
  CLOISTER_RETURN_IF_ERROR(check_signature(response, issuer, now, cache));
  const auto about_it = [&](const OcspAnswer& answer) {
    return equal(magnitude(answer.serial), certificate.facts().serial) && names_issuer(answer, certificate, issuer);
  };
  const auto answer = std::ranges::find_if(response.answers, about_it);
  if (answer == response.answers.end()) {
    return Error(Code::kNotFound, "the OCSP response says nothing of this certificate");
  }
  return *answer;
}

Bytes ocsp_request(const Certificate& certificate, const Certificate& issuer) {
  const Bytes spki = issuer.spki();
  return request_about(
      {sha256(certificate.facts().issuer), sha256(key_bits(spki)), der_positive_integer(certificate.facts().serial)});
}

std::optional<Bytes> ocsp_request_again(const OcspAnswer& answer) {
  if (answer.hash_oid != kSha256Oid) return std::nullopt;
  return request_about({answer.issuer_name_hash, answer.issuer_key_hash, der_element(der::kInteger, {answer.serial})});
}

}  // namespace cloister::crypto
