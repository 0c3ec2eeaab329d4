// What a genuine SNP report claims, by the names that policies are written with.
#pragma once

#include "attest/amd/snp_certificate.h"
#include "attest/verdict.h"

namespace cloister::attest {

// Of the version numbers: "snp.reported.*" are those that the certificate is for, "snp.minimum.*" the least of
// reported, committed and launch. Policies judge by these two; "snp.current.*" is nobody's word but the host's.
Claims snp_claims(const SnpReport& report, const SnpEndorsement& endorsement);

}  // namespace cloister::attest
