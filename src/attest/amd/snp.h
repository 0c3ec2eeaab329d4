// AMD SEV-SNP evidence verified: the report, the certificate of the key that signed it, and AMD's chain above that.
#pragma once

#include "attest/amd/snp_certificate.h"
#include "attest/verifier.h"

namespace cloister::attest {

// Checks: parse, endorsement, signer, product, chip, tcb, published-key, certificate-chain, certificate-dates,
// revocation, rollback, report-signature, debug, migration, report-data.
Verdict verify_snp(const Evidence& evidence, const Question& question);
std::vector<CollateralNeed> snp_needs(const Evidence& evidence);
// A report as it stands, or one with its table of certificates behind it, as firmware drivers hand it out.
std::optional<Evidence> recognise_snp(ByteView file);

// Keys of collateral. The chip's id and the eight bytes of REPORTED_TCB are in hex as they stand in the report; of
// Turin's id the first eight bytes.
std::string snp_certificate_key(SnpProduct product, ByteView chip_id, ByteView reported_tcb);
std::string snp_chain_key(SnpProduct product, SnpSigningKey signer);  // "Milan/vcek"; also of the revocation list
// The source of the floor on a revocation list's thisUpdate, in seconds: "amd/crl/Milan/vcek".
std::string snp_floor(SnpProduct product, SnpSigningKey signer);

}  // namespace cloister::attest
