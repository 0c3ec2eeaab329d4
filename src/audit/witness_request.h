// What a log asks a witness: a checkpoint, and the proof that it continues what the witness cosigned last
// (c2sp.org/tlog-witness, the body of add-checkpoint). docs/formats/audit-log.md, ML-23.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.h"

namespace cloister::audit {

inline constexpr std::size_t kWitnessProofMax = 63;

struct WitnessRequest {
  std::uint64_t older = 0;  // the size that the proof starts from; 0: the witness has cosigned nothing yet
  std::vector<Hash> proof;
  std::string note;  // not yet looked at
};

// kCorrupt for any other form.
Result<WitnessRequest> parse_witness_request(std::string_view text);
// "old SIZE", one line in base64 for each hash, an empty line, the note.
std::string write_witness_request(const WitnessRequest& request);

}  // namespace cloister::audit
