#include "attest/ra_tls.h"

#include "attest/intel/verify.h"
#include "base/cbor_item.h"
#include "crypto/hash.h"

namespace cloister::attest {
namespace {

constexpr std::uint8_t kInteroperableOid[] = {0x67, 0x81, 0x05, 0x05, 0x04, 0x09};
// Gramine puts tag and length of 1.2.840.113741.1337.6 into the identifier itself.
constexpr std::uint8_t kGramineOid[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF8, 0x4D, 0x8A, 0x39, 0x06};
constexpr std::uint64_t kQuoteTag = 60000;
constexpr std::uint64_t kSha256Algorithm = 1;  // IANA's named information hash algorithms

Error malformed() { return Error(Code::kInvalid, "the evidence in the certificate is malformed"); }

Result<Evidence> evidence_of(ByteView quote) {
  const auto kind = intel::quote_kind(quote);
  if (!kind) return Error(Code::kUnsupported, "the evidence in the certificate isn't a quote of Intel's");
  return Evidence{*kind, {{"quote", to_bytes(quote)}}};
}

// [1, SHA-256 of the public key], in a byte string.
Result<ByteView> hashed_key(const CborItem& claims) {
  const CborItem* member = claims.find("pubkey-hash");
  if (member == nullptr || !member->bytes()) return malformed();
  const auto parsed = parse_cbor(*member->bytes());
  if (!parsed.ok() || parsed->array() == nullptr || parsed->array()->size() != 2) return malformed();
  const auto algorithm = (*parsed->array())[0].unsigned_integer();
  const auto digest = (*parsed->array())[1].bytes();
  if (algorithm != kSha256Algorithm || !digest) return malformed();
  return *digest;
}

Result<RaTlsEvidence> read_interoperable(ByteView extension, const crypto::Sha256Digest& key) {
  const auto item = parse_cbor(extension);
  if (!item.ok() || item->tag() != kQuoteTag || item->tagged() == nullptr) return malformed();
  const CborItem::Array* parts = item->tagged()->array();
  if (parts == nullptr || parts->size() != 2) return malformed();
  const auto quote = (*parts)[0].bytes();
  const auto claims_bytes = (*parts)[1].bytes();
  if (!quote || !claims_bytes) return malformed();
  const auto claims = parse_cbor(*claims_bytes);
  if (!claims.ok()) return malformed();
  CLOISTER_TRY(const ByteView named, hashed_key(*claims));
  if (!equal(named, key)) return Error(Code::kDenied, "the evidence in the certificate is of another key");
  RaTlsEvidence read;
  CLOISTER_TRY(read.evidence, evidence_of(*quote));
  read.report_data = to_bytes(crypto::sha256(*claims_bytes));
  const CborItem* nonce = claims->find("nonce");
  if (nonce != nullptr && !nonce->bytes()) return malformed();
  if (nonce != nullptr) read.nonce = to_bytes(*nonce->bytes());
  return read;
}

}  // namespace

Result<RaTlsEvidence> read_ra_tls(const crypto::Certificate& certificate) {
  const crypto::Sha256Digest key = crypto::sha256(certificate.spki());
  if (const auto extension = certificate.extension(kInteroperableOid)) return read_interoperable(*extension, key);
  const auto extension = certificate.extension(kGramineOid);
  if (!extension) return Error(Code::kNotFound, "the certificate carries no evidence");
  RaTlsEvidence read;
  CLOISTER_TRY(read.evidence, evidence_of(*extension));
  read.report_data = to_bytes(key);
  return read;
}

}  // namespace cloister::attest
