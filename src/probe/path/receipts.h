// Receipts of connections as evidence: what both ends signed.
#pragma once

#include "probe/path/evidence_item.h"

namespace cloister::probe::path {

// From the logs and the trust bundles among `items`; the others are passed over. A proven connection is one between two
// SPIFFE IDs under mutual TLS; one that only one end signed says that there was a connection; halves that contradict
// count against the pair. kInvalid: a trust bundle that is none, or a log with lines that are no receipts of it.
Result<std::vector<Statement>> read_receipt_items(const std::vector<Item>& items);

}  // namespace cloister::probe::path
