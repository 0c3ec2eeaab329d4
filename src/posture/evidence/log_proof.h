// That a run's root stands in the home's audit log: the record, its way up the tree, and the tree's signed head. For
// whoever has the bundle and the log's key. docs/formats/posture-bundle.md, "In the log".
#pragma once

#include <string>
#include <string_view>

#include "audit/checkpoint.h"
#include "audit/record.h"

namespace cloister::posture {

// What the log says when a run is kept; its subject is the run, its detail "root " and the root.
inline constexpr std::string_view kRunAction = "posture.run";

struct LogProof {
  audit::LogRecord record;
  std::vector<audit::Hash> path;  // from the leaf up
  std::string checkpoint;         // the note
};
std::string format_log_proof(const LogProof& proof);
// kInvalid for what format_log_proof() wouldn't have written, kUnsupported for a newer version.
Result<LogProof> parse_log_proof(std::string_view text);

// The head that the run is under. kDenied when it is another run's proof, or isn't signed by the log; kCorrupt when the
// record isn't in that tree, or has another root for the run.
Result<audit::TreeHead> verify_log_proof(const LogProof& proof, const audit::CheckpointTrust& trust,
                                         std::string_view run, std::string_view root);

}  // namespace cloister::posture
