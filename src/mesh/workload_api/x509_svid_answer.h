// X509SVIDResponse as a client of the Workload API takes it: SPIFFE Workload API, section 5.2.
#pragma once

#include "mesh/workload_identities.h"

namespace cloister::mesh {

inline constexpr std::size_t kAnswerSvidsMax = 64;
inline constexpr std::size_t kAnswerBundlesMax = 256;

// Everything the server says at this moment, whole. A hint that is there twice belongs to the first that has it; a
// federated bundle without certificates is none. Nobody has vouched for anything yet: whether an SVID is its bundle's
// is for whoever uses it to check. kNotFound without an SVID. kInvalid for what isn't protobuf, an SVID whose id,
// chain, key or bundle lacks or isn't what it says, and for more than the limits. kUnsupported for a key of another
// kind than is used here.
Result<WorkloadState> parse_x509_svids(ByteView message, identity::Conformance conformance);

}  // namespace cloister::mesh
