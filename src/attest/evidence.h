// Evidence as it is carried, kept and verified again: the parts that a machine handed out, byte for byte, under names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "attest/kind.h"
#include "base/bytes.h"
#include "base/result.h"

namespace cloister::attest {

inline constexpr std::size_t kEvidencePartsMax = 32;
inline constexpr std::size_t kEvidencePartSizeMax = 1 << 20;
inline constexpr std::size_t kDevicesMax = 32;
inline constexpr std::size_t kEvidenceSizeMax = 8 << 20;  // of a whole set

// The parts by kind:
//   sgx              quote
//   tdx              quote, [event-log: CCEL]
//   snp              report (1184 bytes), [certificates: the extended report's table], [vcek or vlek, ask, asvk, ark:
//   DER] sev              pdh, pek, oca, cek, ask, ark, [report, measurement …] cca              token nvidia-gpu,
//   report (SPDM request and response), chain (PEM) nvidia-switch tpm              quote (TPMS_ATTEST), signature
//   (TPMT_SIGNATURE), pcrs, ak (TPM2B_PUBLIC or SPKI), [ak-chain, ek-chain], [event-log] az-snp-vtpm      hcl, quote,
//   signature, pcrs, [vcek, ask, ark] az-tdx-vtpm      hcl, quote, signature, pcrs, td-quote nitro            document
//   insecure_software statement
struct Evidence {
  Kind kind = Kind::kInsecureSoftware;
  std::map<std::string, Bytes, std::less<>> parts;

  // Empty when there is none of that name.
  ByteView part(std::string_view name) const;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// A machine's own evidence and that of the devices in it.
struct EvidenceSet {
  Evidence primary;
  std::vector<Evidence> devices;
  friend bool operator==(const EvidenceSet&, const EvidenceSet&) = default;
};

// docs/formats/evidence.md. Deterministic: the same set makes the same bytes.
Bytes encode(const EvidenceSet& set);
// kInvalid for what isn't exactly one set within the limits above.
Result<EvidenceSet> decode_evidence(ByteView bytes);

}  // namespace cloister::attest
