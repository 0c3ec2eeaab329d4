#include "crypto/crl.h"

#include <algorithm>

#include "crypto/der_values.h"
#include "crypto/verification_cache.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kWhat = "a revocation list";
constexpr std::string_view kNumberOid = "2.5.29.20";
constexpr std::string_view kPssOid = "1.2.840.113549.1.1.10";
constexpr std::string_view kMaskOid = "1.2.840.113549.1.1.8";
constexpr std::string_view kSha384Oid = "2.16.840.1.101.3.4.2.2";
constexpr std::uint8_t kSha384Size = 48;
constexpr std::uint8_t kVersion2[] = {1};

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a revocation list's " + std::string(what) + " is malformed");
}

ByteView without_leading_zeros(ByteView number) {
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  return number;
}

// SEQUENCE { OID, NULL or nothing } of this hash.
bool names_hash(ByteView sequence_content, std::string_view oid) {
  DerReader reader(sequence_content);
  const auto named = reader.expect(der::kOid, kWhat);
  if (!named.ok() || oid_text(*named) != oid) return false;
  return reader.at_end() || (reader.peek() == der::kNull && reader.expect(der::kNull, kWhat).ok() && reader.at_end());
}

// The one set of RSASSA-PSS parameters (RFC 4055 3.1) that AMD signs with: SHA-384 throughout, a salt of its length.
Status check_pss_parameters(ByteView content) {
  const Error refused(Code::kUnsupported, "a revocation list is signed by RSA-PSS with parameters not used here");
  DerReader outer(content);
  CLOISTER_TRY(const ByteView parameters, outer.expect(der::kSequence, kWhat));
  DerReader fields(parameters);
  CLOISTER_TRY(const ByteView hash, fields.expect(der::constructed(0), kWhat));
  CLOISTER_TRY(const ByteView mask, fields.expect(der::constructed(1), kWhat));
  CLOISTER_TRY(const ByteView salt, fields.expect(der::constructed(2), kWhat));
  CLOISTER_TRY(const auto trailer, fields.maybe(der::constructed(3), kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  CLOISTER_RETURN_IF_ERROR(outer.expect_end(kWhat));
  DerReader hash_reader(hash), mask_outer(mask);
  CLOISTER_TRY(const ByteView hash_content, hash_reader.expect(der::kSequence, kWhat));
  CLOISTER_TRY(const ByteView mask_content, mask_outer.expect(der::kSequence, kWhat));
  DerReader mask_reader(mask_content);
  CLOISTER_TRY(const ByteView mask_oid, mask_reader.expect(der::kOid, kWhat));
  CLOISTER_TRY(const ByteView mask_hash, mask_reader.expect(der::kSequence, kWhat));
  const bool usual = names_hash(hash_content, kSha384Oid) && oid_text(mask_oid) == kMaskOid &&
                     names_hash(mask_hash, kSha384Oid) && equal(salt, der_small_integer(kSha384Size)) &&
                     (!trailer || equal(*trailer, der_small_integer(1)));
  return usual ? Status() : refused;
}

Result<SignatureAlgorithm> algorithm_of(const DerElement& identifier) {
  if (identifier.tag != der::kSequence) return malformed("signature algorithm");
  DerReader reader(identifier.content);
  CLOISTER_TRY(const ByteView oid, reader.expect(der::kOid, kWhat));
  if (oid_text(oid) != kPssOid) return signature_algorithm_of(identifier.whole);
  CLOISTER_RETURN_IF_ERROR(check_pss_parameters(identifier.content.subspan(der_oid(oid).size())));
  return SignatureAlgorithm::kRsaPssSha384;
}

Status refuse_critical(const Extension& extension) {
  if (!extension.critical) return {};
  return Error(Code::kUnsupported, "a revocation list has a critical extension: " + extension.oid);
}

}  // namespace

Result<RevocationList> RevocationList::parse(ByteView der) {
  if (der.size() > kRevocationListSizeMax) {
    return Error(Code::kInvalid, "a revocation list has " + std::to_string(der.size()) + " bytes, at most " +
                                     std::to_string(kRevocationListSizeMax) + " are read");
  }
  CLOISTER_RETURN_IF_ERROR(check_der(der, kWhat));
  RevocationList list;
  CLOISTER_RETURN_IF_ERROR(list.read(der));
  return list;
}

Status RevocationList::read(ByteView der) {
  DerReader outer(der);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader fields(content);
  CLOISTER_TRY(const DerElement signed_part, fields.next(kWhat));
  CLOISTER_TRY(const DerElement algorithm, fields.next(kWhat));
  CLOISTER_TRY(const ByteView signature, fields.expect(der::kBitString, kWhat));
  CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
  if (signed_part.tag != der::kSequence || signature[0] != 0) return malformed("outline");
  CLOISTER_TRY(algorithm_, algorithm_of(algorithm));
  signed_part_ = to_bytes(signed_part.whole);
  signature_ = to_bytes(signature.subspan(1));
  return read_signed_part(signed_part.content, algorithm.whole);
}

Status RevocationList::read_signed_part(ByteView content, ByteView algorithm) {
  DerReader fields(content);
  CLOISTER_TRY(const auto version, fields.maybe(der::kInteger, kWhat));
  if (!version || !equal(*version, kVersion2)) {
    return Error(Code::kInvalid, "a revocation list isn't of version 2");
  }
  CLOISTER_TRY(const DerElement inner_algorithm, fields.next(kWhat));
  if (!equal(inner_algorithm.whole, algorithm)) return malformed("signature algorithm");
  CLOISTER_TRY(const DerElement issuer, fields.next(kWhat));
  if (issuer.tag != der::kSequence) return malformed("issuer");
  issuer_ = to_bytes(issuer.whole);
  CLOISTER_TRY(this_update_, next_time(fields, kWhat));
  if (fields.peek() != der::kUtcTime && fields.peek() != der::kGeneralizedTime) {
    return Error(Code::kInvalid, "a revocation list doesn't say when the next one comes");
  }
  CLOISTER_TRY(next_update_, next_time(fields, kWhat));
  if (next_update_ <= this_update_) return malformed("validity");
  CLOISTER_TRY(const auto entries, fields.maybe(der::kSequence, kWhat));
  if (entries) CLOISTER_RETURN_IF_ERROR(read_entries(*entries));
  CLOISTER_TRY(const auto extensions, fields.maybe(der::constructed(0), kWhat));
  if (extensions) CLOISTER_RETURN_IF_ERROR(read_list_extensions(*extensions));
  return fields.expect_end(kWhat);
}

Status RevocationList::read_entries(ByteView content) {
  DerReader reader(content);
  while (!reader.at_end()) {
    if (serials_.size() == kRevokedMax) return Error(Code::kInvalid, "a revocation list has too many entries");
    CLOISTER_TRY(const ByteView entry, reader.expect(der::kSequence, kWhat));
    DerReader fields(entry);
    CLOISTER_TRY(const ByteView serial, fields.expect(der::kInteger, kWhat));
    CLOISTER_RETURN_IF_ERROR(next_time(fields, kWhat));
    if (!fields.at_end()) {
      CLOISTER_TRY(const DerElement extensions, fields.next(kWhat));
      CLOISTER_RETURN_IF_ERROR(for_each_extension(extensions.whole, refuse_critical));
    }
    CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
    serials_.push_back(to_bytes(without_leading_zeros(serial)));
  }
  std::ranges::sort(serials_);
  return {};
}

Status RevocationList::read_list_extensions(ByteView sequence) {
  return for_each_extension(sequence, [this](const Extension& extension) -> Status {
    CLOISTER_RETURN_IF_ERROR(refuse_critical(extension));
    if (extension.oid != kNumberOid) return {};
    DerReader reader(extension.value);
    CLOISTER_TRY(const ByteView number, reader.expect(der::kInteger, kWhat));
    CLOISTER_RETURN_IF_ERROR(reader.expect_end(kWhat));
    if (number_ || number.empty() || number[0] >= 0x80) return malformed("number");
    number_ = to_bytes(without_leading_zeros(number));
    return {};
  });
}

Status RevocationList::verify(const Certificate& authority, VerificationCache* cache) const {
  const CertificateFacts& facts = authority.facts();
  if (!equal(issuer_, facts.subject)) return Error(Code::kDenied, "the revocation list is another issuer's");
  if (!facts.is_authority || (facts.key_usage && !facts.key_usage->crl_sign)) {
    return Error(Code::kDenied, "that certificate may not sign revocation lists");
  }
  CLOISTER_TRY(const PublicKey key, authority.public_key());
  return verify_signature(cache, key, algorithm_, signed_part_, signature_);
}

bool RevocationList::contains(ByteView serial) const {
  return std::ranges::binary_search(serials_, to_bytes(without_leading_zeros(serial)));
}

}  // namespace cloister::crypto
