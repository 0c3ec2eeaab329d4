// Verifies a virtual TPM's quote on Azure's confidential machines, kinds "az-snp-vtpm" and "az-tdx-vtpm": the hardware
// vouches for the paravisor and the JSON it left, the JSON for the virtual TPM's key, and that key for the quote.
#pragma once

#include "attest/verifier.h"

namespace cloister::attest {

// Parts: hcl (see hcl_report.h), quote, signature, pcrs (quote_checks.h); on SNP the chip's certificates as kind "snp"
// has them, on TDX td-quote. Checks, in this order: parse; those of the hardware's kind, as they are named there with
// "snp-" or "tdx-" before them, except report-data; binding (the hardware's report carries the digest of the JSON,
// and on SNP is of VMPL 0: the guest below makes reports, too); ak-published (not one that anybody may sign with);
// quote-signature, pcr-digest, report-data (extraData of the quote: report data of the hardware is Azure's). Claims of
// the hardware are those of its kind, and report_data is the quote's.
Verdict verify_azure(const Evidence& evidence, const Question& question);
std::vector<CollateralNeed> azure_needs(const Evidence& evidence);

}  // namespace cloister::attest
