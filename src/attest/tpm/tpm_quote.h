// What a TPM 2.0 signs when it is asked for the state of its registers: TPMS_ATTEST of type quote, and the
// TPMT_SIGNATURE over it. TCG TPM 2.0 Library, part 2: 10.12 and 11.3.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "crypto/asymmetric_key.h"

namespace cloister::attest {

enum class TpmHash : std::uint16_t { kSha256 = 0x000B, kSha384 = 0x000C, kSha512 = 0x000D };
Result<TpmHash> tpm_hash_of(std::uint16_t number);  // kUnsupported for SHA-1 and others
std::string_view tpm_hash_name(TpmHash hash);       // "sha256"
std::size_t tpm_digest_size(TpmHash hash);
Bytes tpm_digest(TpmHash hash, ByteView bytes);

// Registers of one bank.
struct PcrSelection {
  TpmHash hash = TpmHash::kSha256;
  std::vector<std::uint8_t> registers;  // their numbers, ascending: 0 to 31
};

struct TpmQuote {
  Bytes qualified_signer;
  Bytes extra_data;  // what it was asked with
  std::uint64_t clock = 0;
  std::uint32_t reset_count = 0, restart_count = 0;
  bool safe = false;
  std::uint64_t firmware_version = 0;
  std::vector<PcrSelection> selections;
  Bytes selection_bytes;  // TPML_PCR_SELECTION, as it stands
  Bytes pcr_digest;

  // It names a version that libtpms has, up to 0.9 or since 0.10: a TPM in software, such as swtpm. That others name
  // another is no proof of the contrary.
  bool software() const {
    return firmware_version == 0x2019'1023'0016'3636 || firmware_version == 0x2024'0125'0012'0000;
  }
  // Of all registers selected.
  std::size_t pcrs_size() const;
  // One value for the state that was quoted: SHA-256 of the selection and the digest. The digest alone doesn't say
  // which registers it is of, and some of them anybody can set.
  Bytes measurement() const;
};

// kInvalid for anything but one whole quote: another magic, another type of statement, bytes left over, a bank named
// twice. kUnsupported for banks of other hashes.
Result<TpmQuote> parse_tpm_quote(ByteView bytes);

// RSASSA and ECDSA.
struct TpmSignature {
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::kRsaPkcs1Sha256;
  TpmHash hash = TpmHash::kSha256;
  Bytes signature;  // as crypto::PublicKey::verify() takes it
};
Result<TpmSignature> parse_tpm_signature(ByteView bytes);

// The values of the registers that a quote selects, in its order, one behind the other. `values` has all of them or
// more than those, by bank and number. kInvalid when one is missing.
using PcrValues = std::map<std::pair<TpmHash, std::uint8_t>, Bytes>;
Result<Bytes> concatenate_pcrs(const TpmQuote& quote, const PcrValues& values);

}  // namespace cloister::attest
