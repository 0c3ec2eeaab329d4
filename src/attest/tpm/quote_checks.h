// The checks that evidence with a TPM's quote shares, whoever vouches for the key that signed it.
#pragma once

#include "attest/tpm/tpm_quote.h"
#include "attest/verifier.h"

namespace cloister::attest {

// The evidence's parts "quote" (TPMS_ATTEST), "signature" (TPMT_SIGNATURE) and "pcrs" (the values of the quoted
// registers in the quote's order, one behind the other).
struct QuotedState {
  Bytes quote_bytes;
  TpmQuote quote;
  TpmSignature signature;
  Bytes pcrs;
};
// kInvalid, kUnsupported.
Result<QuotedState> parse_quoted_state(const Evidence& evidence);

// Adds the checks "quote-signature", "pcr-digest" and "report-data" (extraData: the bytes asked for, with zeros behind
// them or without, or their SHA-256 where they are longer than that: not every TPM takes 64 bytes). Null: there is no
// key, and the signature isn't evaluated. Whether the signature holds.
bool check_quote(Verdict& verdict, const QuotedState& state, const crypto::PublicKey* key, const Question& question);
// report_data, tpm.pcr<n> (tpm.<hash>.pcr<n> for banks other than SHA-256), tpm.reset_count,
// tpm.restart_count, tpm.firmware_version, tpm.software. Registers only where "pcr-digest" passed.
void add_quote_claims(Verdict& verdict, const QuotedState& state);

// Whether each of those checks is there, and passed.
bool checks_passed(const Verdict& verdict, std::initializer_list<std::string_view> names);

}  // namespace cloister::attest
