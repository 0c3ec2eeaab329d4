// The table of certificates that hosts hand out beside an SNP report: AMD's GHCB specification 56421 4.1.8.1.
#pragma once

#include "base/bytes.h"

namespace cloister::attest {

// Views into the table. Empty: it isn't in there.
struct SnpCertificateTable {
  ByteView vcek, vlek, ask, ark;
};

inline constexpr std::size_t kSnpTableEntriesMax = 16;

// Entries of a kind not known here are passed over. kInvalid for a table without an end, one that has a kind twice, one
// that points beyond itself or into its own entries. An empty table and no bytes at all are well-formed.
Result<SnpCertificateTable> parse_snp_certificate_table(ByteView bytes);

}  // namespace cloister::attest
