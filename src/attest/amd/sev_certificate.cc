#include "attest/amd/sev_certificate.h"

#include <algorithm>

#include "attest/amd/little_endian_signature.h"
#include "base/reader.h"

namespace cloister::attest {
namespace {

using crypto::PublicKey;
using crypto::SignatureAlgorithm;

constexpr std::size_t kAuthorityHeaderSize = 64;
constexpr std::size_t kCertificateSize = 2084;
constexpr std::size_t kSignedSize = 1044;
constexpr std::size_t kNumberSize = 72;
constexpr std::size_t kKeyPadding = 1028 - 4 - 2 * kNumberSize;
constexpr std::size_t kSlotSize = 512;
constexpr std::uint32_t kEcdsaSha256 = 2, kEcdh = 3;
constexpr std::uint32_t kRsaSha256 = 0x1, kRsaSha384 = 0x101, kEcdsa = 0x2;
constexpr std::uint32_t kCurveP256 = 1, kCurveP384 = 2;

Error malformed(const std::string& what) { return Error(Code::kInvalid, "a SEV certificate " + what); }

Bytes reversed(ByteView bytes) {
  Bytes out = to_bytes(bytes);
  std::ranges::reverse(out);
  return out;
}

Bytes without_leading_zeros(Bytes number) {
  number.erase(number.begin(), std::ranges::find_if(number, [](std::uint8_t byte) { return byte != 0; }));
  return number;
}

Result<PublicKey> read_key(Reader& reader) {
  CLOISTER_TRY(const std::uint32_t curve, reader.u32("the curve"));
  CLOISTER_TRY(const ByteView x, reader.bytes(kNumberSize, "the key"));
  CLOISTER_TRY(const ByteView y, reader.bytes(kNumberSize, "the key"));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(kKeyPadding, "what follows the key"));
  if (curve != kCurveP256 && curve != kCurveP384) return malformed("has a key on a curve not known here");
  const crypto::KeyType type = curve == kCurveP256 ? crypto::KeyType::kEcP256 : crypto::KeyType::kEcP384;
  CLOISTER_TRY(const Bytes first, big_endian(x, crypto::ec_coordinate_size(type)));
  CLOISTER_TRY(const Bytes second, big_endian(y, crypto::ec_coordinate_size(type)));
  return PublicKey::from_ec_point(type, first, second);
}

Status read_slot(Reader& reader, SevSlot& slot) {
  CLOISTER_TRY(slot.usage, reader.u32("a signer's use"));
  CLOISTER_TRY(slot.algorithm, reader.u32("a signature's algorithm"));
  CLOISTER_TRY(const ByteView signature, reader.bytes(kSlotSize, "a signature"));
  if (slot.usage == kSevUsageEmpty && (slot.algorithm != 0 || !all_zero(signature))) {
    return malformed("has a signature in a place that is said to be empty");
  }
  slot.signature = to_bytes(signature);
  return {};
}

struct Head {
  std::uint8_t api_major = 0, api_minor = 0;
  std::uint32_t usage = 0;
};

Result<Head> read_head(Reader& reader) {
  Head head;
  CLOISTER_TRY(const std::uint32_t version, reader.u32("the version"));
  if (version != 1) return malformed("of version " + std::to_string(version) + " isn't known here");
  CLOISTER_TRY(head.api_major, reader.u8("the API's version"));
  CLOISTER_TRY(head.api_minor, reader.u8("the API's version"));
  CLOISTER_RETURN_IF_ERROR(reader.zeros(2, "what is reserved"));
  CLOISTER_TRY(head.usage, reader.u32("the key's use"));
  CLOISTER_TRY(const std::uint32_t algorithm, reader.u32("the key's algorithm"));
  if (head.usage < kSevUsageOca || head.usage > kSevUsageCek) return malformed("is for a use not known here");
  if (algorithm != (head.usage == kSevUsagePdh ? kEcdh : kEcdsaSha256)) {
    return malformed("has a key of a kind that its use hasn't");
  }
  return head;
}

Result<SevCertificate> read_certificate(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const Head head, read_head(reader));
  CLOISTER_TRY(const PublicKey key, read_key(reader));
  SevCertificate certificate{head.api_major, head.api_minor, head.usage, key, to_bytes(bytes.first(kSignedSize)), {}};
  for (SevSlot& slot : certificate.slots) CLOISTER_RETURN_IF_ERROR(read_slot(reader, slot));
  // Only the PEK is signed twice: by its owner and by the chip.
  if (head.usage != kSevUsagePek && certificate.slots[1].usage != kSevUsageEmpty) {
    return malformed("is signed twice, and shouldn't be");
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a SEV certificate"));
  return certificate;
}

}  // namespace

Result<SevAuthority> SevAuthority::parse(ByteView bytes) {
  if (bytes.size() < kAuthorityHeaderSize) return malformed("of AMD's ends early");
  const auto number = [&bytes](std::size_t at) { return load_le<std::uint32_t>(bytes.data() + at); };
  const std::uint32_t bits = number(60);
  if (number(0) != 1) return malformed("of AMD's has a version not known here");
  if (!all_zero(bytes.subspan(40, 16))) return malformed("of AMD's uses what is reserved");
  if (number(56) != bits || (bits != 2048 && bits != 4096)) return malformed("of AMD's has a key of a size not known");
  const std::size_t size = bits / 8;
  if (bytes.size() != kAuthorityHeaderSize + 3 * size)
    return malformed("of AMD's has another length than its key says");
  const Bytes exponent = without_leading_zeros(reversed(bytes.subspan(kAuthorityHeaderSize, size)));
  const Bytes modulus = reversed(bytes.subspan(kAuthorityHeaderSize + size, size));
  CLOISTER_TRY(const PublicKey key, PublicKey::from_rsa(modulus, exponent));
  return SevAuthority{number(36),
                      to_bytes(bytes.subspan(4, 16)),
                      to_bytes(bytes.subspan(20, 16)),
                      key,
                      to_bytes(bytes.first(kAuthorityHeaderSize + 2 * size)),
                      reversed(bytes.last(size))};
}

Result<SevCertificate> SevCertificate::parse(ByteView bytes) {
  if (bytes.size() != kCertificateSize) {
    return malformed("has " + std::to_string(kCertificateSize) + " bytes, not " + std::to_string(bytes.size()));
  }
  auto certificate = read_certificate(bytes);
  if (certificate.ok() || certificate.error().code() == Code::kInvalid) return certificate;
  return malformed("can't be read: " + certificate.error().message());
}

const SevSlot* SevCertificate::slot_of(std::uint32_t wanted) const {
  const bool first = slots[0].usage == wanted, second = slots[1].usage == wanted;
  if (first == second) return nullptr;
  return first ? &slots[0] : &slots[1];
}

Status verify_sev_authority(const SevAuthority& certificate, const PublicKey& by) {
  const bool large = certificate.signature.size() == 4096 / 8;
  return by.verify(large ? SignatureAlgorithm::kRsaPssSha384 : SignatureAlgorithm::kRsaPssSha256,
                   certificate.signed_part, certificate.signature);
}

Status verify_sev_slot(ByteView signed_part, const SevSlot& slot, const PublicKey& by) {
  const ByteView bytes = slot.signature;
  if (slot.algorithm == kEcdsa) {
    if (!all_zero(bytes.subspan(2 * kNumberSize))) return malformed("has bytes behind a signature");
    if (by.type() == crypto::KeyType::kRsa) return malformed("is signed as its signer's key can't");
    CLOISTER_TRY(const Bytes signature,
                 der_of_little_endian_signature(bytes.first(kNumberSize), bytes.subspan(kNumberSize, kNumberSize),
                                                crypto::ec_coordinate_size(by.type())));
    return by.verify(SignatureAlgorithm::kEcdsaSha256, signed_part, signature);
  }
  if (slot.algorithm != kRsaSha256 && slot.algorithm != kRsaSha384)
    return malformed("is signed by an unknown algorithm");
  if (by.type() != crypto::KeyType::kRsa) return malformed("is signed as its signer's key can't");
  const bool large = slot.algorithm == kRsaSha384;
  const std::size_t size = large ? 4096 / 8 : 2048 / 8;
  if (!all_zero(bytes.subspan(size))) return malformed("has bytes behind a signature");
  return by.verify(large ? SignatureAlgorithm::kRsaPssSha384 : SignatureAlgorithm::kRsaPssSha256, signed_part,
                   reversed(bytes.first(size)));
}

}  // namespace cloister::attest
