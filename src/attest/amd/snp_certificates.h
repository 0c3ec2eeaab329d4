// The certificates that an SNP report is verified with, put together from the evidence and from collateral.
#pragma once

#include "attest/amd/snp.h"

namespace cloister::attest {

struct SnpCertificates {
  SnpEndorsement endorsement;
  std::optional<crypto::Certificate> intermediate, root;  // empty: they are nowhere
  std::vector<UsedCollateral> used;
};

// kNotFound: the endorsement is nowhere; kInvalid: some certificate, or the table, can't be read.
Result<SnpCertificates> find_snp_certificates(const SnpReport& report, const Evidence& evidence,
                                              const Question& question);
// The products that a report of that kind may come from.
std::vector<SnpProduct> snp_products(const SnpReport& report);

}  // namespace cloister::attest
