#include "attest/tpm/tpm_quote.h"

#include <algorithm>

#include "attest/tpm/tpm_bytes.h"
#include "crypto/hash.h"

namespace cloister::attest {
namespace {

constexpr std::uint32_t kMagic = 0xFF544347;
constexpr std::uint16_t kQuoteType = 0x8018;
constexpr std::uint16_t kRsaSsa = 0x0014;
constexpr std::uint16_t kEcdsa = 0x0018;
constexpr std::size_t kNameSizeMax = 66;
constexpr std::size_t kExtraSizeMax = 66;
constexpr std::size_t kBanksMax = 8;
constexpr std::size_t kBitmapMax = 4;
constexpr std::size_t kSignatureMax = 1024;

Error malformed(std::string_view what) { return Error(Code::kInvalid, "a TPM's " + std::string(what)); }

// The reader's failures are "corrupt", which is what a file on our disk would be.
template <typename T>
Result<T> as_invalid(Result<T> result, std::string_view what) {
  if (result.ok() || result.error().code() != Code::kCorrupt) return result;
  return malformed(std::string(what) + ": " + result.error().message());
}

Result<PcrSelection> read_selection(TpmReader& reader) {
  CLOISTER_TRY(const std::uint16_t number, reader.u16("a bank's hash"));
  CLOISTER_TRY(const TpmHash hash, tpm_hash_of(number));
  CLOISTER_TRY(const std::uint8_t size, reader.u8("a bank's selection"));
  if (size > kBitmapMax) return malformed("selection of registers is longer than 4 bytes");
  CLOISTER_TRY(const ByteView bitmap, reader.bytes(size, "a bank's selection"));
  PcrSelection selection{hash, {}};
  for (std::uint8_t i = 0; i < 8 * size; ++i) {
    if ((bitmap[i / 8] >> (i % 8) & 1) != 0) selection.registers.push_back(i);
  }
  return selection;
}

Status read_selections(TpmReader& reader, TpmQuote& quote) {
  CLOISTER_TRY(const std::uint32_t count, reader.u32("the number of banks"));
  if (count > kBanksMax) return malformed("quote selects from too many banks");
  for (std::uint32_t i = 0; i < count; ++i) {
    CLOISTER_TRY(PcrSelection selection, read_selection(reader));
    const bool twice =
        std::ranges::any_of(quote.selections, [&](const auto& one) { return one.hash == selection.hash; });
    if (twice) return malformed("quote names a bank twice");
    quote.selections.push_back(std::move(selection));
  }
  return {};
}

Result<TpmQuote> read_quote(ByteView bytes) {
  TpmReader reader(bytes);
  CLOISTER_TRY(const std::uint32_t magic, reader.u32("the magic"));
  // Without it a key would have signed something that no TPM says of itself.
  if (magic != kMagic) return malformed("statement has another magic");
  CLOISTER_TRY(const std::uint16_t type, reader.u16("the type"));
  if (type != kQuoteType) return malformed("statement isn't a quote");
  TpmQuote quote;
  CLOISTER_TRY(const ByteView signer, reader.sized(kNameSizeMax, "the signer's name"));
  CLOISTER_TRY(const ByteView extra, reader.sized(kExtraSizeMax, "the extra data"));
  quote.qualified_signer = to_bytes(signer);
  quote.extra_data = to_bytes(extra);
  CLOISTER_TRY(quote.clock, reader.u64("the clock"));
  CLOISTER_TRY(quote.reset_count, reader.u32("the count of resets"));
  CLOISTER_TRY(quote.restart_count, reader.u32("the count of restarts"));
  CLOISTER_TRY(const std::uint8_t safe, reader.u8("the clock's state"));
  if (safe > 1) return malformed("clock is neither safe nor unsafe");
  quote.safe = safe == 1;
  CLOISTER_TRY(quote.firmware_version, reader.u64("the firmware version"));
  const std::size_t selections_at = reader.offset();
  CLOISTER_RETURN_IF_ERROR(read_selections(reader, quote));
  quote.selection_bytes = to_bytes(bytes.subspan(selections_at, reader.offset() - selections_at));
  CLOISTER_TRY(const ByteView digest, reader.sized(64, "the digest of the registers"));
  quote.pcr_digest = to_bytes(digest);
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a quote"));
  return quote;
}

crypto::SignatureAlgorithm algorithm_of(bool rsa, TpmHash hash) {
  using enum crypto::SignatureAlgorithm;
  switch (hash) {
    case TpmHash::kSha256: return rsa ? kRsaPkcs1Sha256 : kEcdsaSha256;
    case TpmHash::kSha384: return rsa ? kRsaPkcs1Sha384 : kEcdsaSha384;
    case TpmHash::kSha512: return rsa ? kRsaPkcs1Sha512 : kEcdsaSha512;
  }
  CLOISTER_CHECK(false);
  return kEcdsaSha256;
}

Result<TpmSignature> read_signature(ByteView bytes) {
  TpmReader reader(bytes);
  CLOISTER_TRY(const std::uint16_t scheme, reader.u16("the scheme"));
  if (scheme != kRsaSsa && scheme != kEcdsa) {
    return Error(Code::kUnsupported, "a TPM's signature is neither RSASSA nor ECDSA");
  }
  CLOISTER_TRY(const std::uint16_t number, reader.u16("the hash"));
  CLOISTER_TRY(const TpmHash hash, tpm_hash_of(number));
  TpmSignature signature{algorithm_of(scheme == kRsaSsa, hash), hash, {}};
  CLOISTER_TRY(const ByteView first, reader.sized(kSignatureMax, "the signature"));
  if (scheme == kRsaSsa) {
    signature.signature = to_bytes(first);
  } else {
    CLOISTER_TRY(const ByteView second, reader.sized(kSignatureMax, "the signature"));
    signature.signature = crypto::ecdsa_signature(first, second);
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("a signature"));
  return signature;
}

}  // namespace

Result<TpmHash> tpm_hash_of(std::uint16_t number) {
  for (const TpmHash hash : {TpmHash::kSha256, TpmHash::kSha384, TpmHash::kSha512}) {
    if (number == static_cast<std::uint16_t>(hash)) return hash;
  }
  return Error(Code::kUnsupported, "a TPM's hash is none of SHA-256, SHA-384, SHA-512");
}

std::string_view tpm_hash_name(TpmHash hash) {
  return hash == TpmHash::kSha256 ? "sha256" : hash == TpmHash::kSha384 ? "sha384" : "sha512";
}

std::size_t tpm_digest_size(TpmHash hash) { return hash == TpmHash::kSha256 ? 32 : hash == TpmHash::kSha384 ? 48 : 64; }

Bytes tpm_digest(TpmHash hash, ByteView bytes) {
  switch (hash) {
    case TpmHash::kSha256: return to_bytes(crypto::sha256(bytes));
    case TpmHash::kSha384: return to_bytes(crypto::sha384(bytes));
    case TpmHash::kSha512: return to_bytes(crypto::sha512(bytes));
  }
  CLOISTER_CHECK(false);
  return {};
}

std::size_t TpmQuote::pcrs_size() const {
  std::size_t size = 0;
  for (const PcrSelection& selection : selections) size += selection.registers.size() * tpm_digest_size(selection.hash);
  return size;
}

Bytes TpmQuote::measurement() const {
  Bytes both = selection_bytes;
  both.insert(both.end(), pcr_digest.begin(), pcr_digest.end());
  return to_bytes(crypto::sha256(both));
}

Result<TpmQuote> parse_tpm_quote(ByteView bytes) { return as_invalid(read_quote(bytes), "quote"); }

Result<TpmSignature> parse_tpm_signature(ByteView bytes) { return as_invalid(read_signature(bytes), "signature"); }

Result<Bytes> concatenate_pcrs(const TpmQuote& quote, const PcrValues& values) {
  Bytes all;
  for (const PcrSelection& selection : quote.selections) {
    for (const std::uint8_t number : selection.registers) {
      const auto found = values.find({selection.hash, number});
      if (found == values.end() || found->second.size() != tpm_digest_size(selection.hash)) {
        return malformed("register " + std::to_string(number) + " is quoted, and its value isn't there");
      }
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
  }
  return all;
}

}  // namespace cloister::attest
