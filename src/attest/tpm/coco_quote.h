// Evidence with a TPM's quote as Confidential Containers' attesters send it: JSON, the quote in it in hexadecimal
// (Azure) or base64 (other TPMs), the registers of the SHA-256 bank as a list of 24.
#pragma once

#include <optional>

#include "attest/evidence.h"

namespace cloister::attest {

// As evidence of kind tpm, az-snp-vtpm or az-tdx-vtpm, whichever the members say. kInvalid for JSON that has a
// "tpm_quote" and isn't such evidence; nothing for every other file.
Result<std::optional<Evidence>> read_coco_quote(ByteView file);

}  // namespace cloister::attest
