#include "attest/tpm/tpm_public.h"

#include "attest/tpm/tpm_bytes.h"

namespace cloister::attest {
namespace {

constexpr std::uint16_t kRsa = 0x0001;
constexpr std::uint16_t kEcc = 0x0023;
constexpr std::uint16_t kNull = 0x0010;
constexpr std::uint16_t kRsaEs = 0x0015;
constexpr std::uint16_t kEcdaa = 0x001A;
constexpr std::uint8_t kSequence = 0x30;
constexpr std::size_t kAreaMax = 2048;
constexpr std::uint32_t kDefaultExponent = 65537;

constexpr std::uint32_t kFixedTpm = 1U << 1;
constexpr std::uint32_t kFixedParent = 1U << 4;
constexpr std::uint32_t kSensitiveDataOrigin = 1U << 5;
constexpr std::uint32_t kRestricted = 1U << 16;
constexpr std::uint32_t kDecrypt = 1U << 17;
constexpr std::uint32_t kSign = 1U << 18;
constexpr std::uint32_t kOfTheTpm = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted;

Error malformed(std::string_view what) {
  return Error(Code::kInvalid, "a TPM key's public area: " + std::string(what));
}

Status read_symmetric(TpmReader& reader, TpmPublic& key) {
  CLOISTER_TRY(key.symmetric, reader.u16("the symmetric algorithm"));
  if (key.symmetric == kNull) return {};
  CLOISTER_TRY(key.symmetric_bits, reader.u16("the symmetric key's size"));
  CLOISTER_TRY(key.symmetric_mode, reader.u16("the symmetric mode"));
  return {};
}

// What it signs or encrypts with is stated in each signature anyway.
Status skip_scheme(TpmReader& reader) {
  CLOISTER_TRY(const std::uint16_t scheme, reader.u16("the scheme"));
  if (scheme == kNull || scheme == kRsaEs) return {};
  CLOISTER_TRY([[maybe_unused]] const std::uint16_t hash, reader.u16("the scheme's hash"));
  if (scheme != kEcdaa) return {};
  CLOISTER_TRY([[maybe_unused]] const std::uint16_t count, reader.u16("the scheme's count"));
  return {};
}

Result<crypto::PublicKey> read_rsa(TpmReader& reader, TpmPublic& key) {
  CLOISTER_RETURN_IF_ERROR(read_symmetric(reader, key));
  CLOISTER_RETURN_IF_ERROR(skip_scheme(reader));
  CLOISTER_TRY(const std::uint16_t bits, reader.u16("the modulus' size"));
  CLOISTER_TRY(std::uint32_t exponent, reader.u32("the exponent"));
  CLOISTER_TRY(const ByteView modulus, reader.sized(1024, "the modulus"));
  if (modulus.size() * 8 != bits) return malformed("its modulus has another size than it says");
  if (exponent == 0) exponent = kDefaultExponent;
  return crypto::PublicKey::from_rsa(modulus, TpmWriter().u32(exponent).take());
}

Result<crypto::KeyType> curve_of(std::uint16_t number) {
  switch (number) {
    case 0x0003: return crypto::KeyType::kEcP256;
    case 0x0004: return crypto::KeyType::kEcP384;
    case 0x0005: return crypto::KeyType::kEcP521;
    default: return Error(Code::kUnsupported, "a TPM key is on a curve that isn't used here");
  }
}

// TPMs may leave out leading zeros.
Result<Bytes> read_coordinate(TpmReader& reader, std::size_t size) {
  CLOISTER_TRY(const ByteView raw, reader.sized(size, "a coordinate"));
  Bytes padded(size - raw.size());
  padded.insert(padded.end(), raw.begin(), raw.end());
  return padded;
}

Result<crypto::PublicKey> read_ecc(TpmReader& reader, TpmPublic& key) {
  CLOISTER_RETURN_IF_ERROR(read_symmetric(reader, key));
  CLOISTER_RETURN_IF_ERROR(skip_scheme(reader));
  CLOISTER_TRY(const std::uint16_t number, reader.u16("the curve"));
  CLOISTER_TRY(const crypto::KeyType curve, curve_of(number));
  CLOISTER_RETURN_IF_ERROR(skip_scheme(reader));  // of the key derivation
  CLOISTER_TRY(const Bytes x, read_coordinate(reader, crypto::ec_coordinate_size(curve)));
  CLOISTER_TRY(const Bytes y, read_coordinate(reader, crypto::ec_coordinate_size(curve)));
  return crypto::PublicKey::from_ec_point(curve, x, y);
}

Result<TpmPublic> read_public(ByteView bytes) {
  TpmReader outer(bytes);
  CLOISTER_TRY(const ByteView area, outer.sized(kAreaMax, "the public area"));
  CLOISTER_RETURN_IF_ERROR(outer.expect_end("the public area"));
  TpmReader reader(area);
  TpmPublic key;
  key.area = to_bytes(area);
  CLOISTER_TRY(const std::uint16_t type, reader.u16("the type"));
  if (type != kRsa && type != kEcc) return Error(Code::kUnsupported, "a TPM key is neither RSA nor on a curve");
  CLOISTER_TRY(const std::uint16_t hash, reader.u16("the name's hash"));
  CLOISTER_TRY(key.name_hash, tpm_hash_of(hash));
  CLOISTER_TRY(key.attributes, reader.u32("the attributes"));
  CLOISTER_TRY([[maybe_unused]] const ByteView policy, reader.sized(64, "the policy"));
  CLOISTER_TRY(key.key, type == kRsa ? read_rsa(reader, key) : read_ecc(reader, key));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the public area"));
  return key;
}

}  // namespace

Bytes TpmPublic::name() const {
  TpmWriter writer;
  writer.u16(static_cast<std::uint16_t>(name_hash)).bytes(tpm_digest(name_hash, area));
  return writer.take();
}

Bytes TpmPublic::sized() const { return TpmWriter().sized(area).take(); }

bool TpmPublic::attests() const { return (attributes & (kOfTheTpm | kSign | kDecrypt)) == (kOfTheTpm | kSign); }

bool TpmPublic::endorses() const { return (attributes & (kOfTheTpm | kSign | kDecrypt)) == (kOfTheTpm | kDecrypt); }

Result<TpmPublic> parse_tpm_public(ByteView bytes) {
  auto key = read_public(bytes);
  if (key.ok() || key.error().code() != Code::kCorrupt) return key;
  return malformed(key.error().message());
}

// A TPM2B_PUBLIC begins with its length: only a bare key begins with the tag of a SEQUENCE and its own length.
Result<AttestationKey> parse_attestation_key(ByteView bytes) {
  if (!bytes.empty() && bytes[0] == kSequence) {
    CLOISTER_TRY(crypto::PublicKey key, crypto::PublicKey::from_spki(bytes));
    return AttestationKey{std::nullopt, std::move(key)};
  }
  CLOISTER_TRY(TpmPublic area, parse_tpm_public(bytes));
  crypto::PublicKey key = *area.key;
  return AttestationKey{std::move(area), std::move(key)};
}

}  // namespace cloister::attest
