// RT-M06: an audit log is tampered with on copies, by somebody who can write to the store's file and knows its format.
#pragma once

#include <map>

#include "audit/merkle.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

struct LogTarget {
  Path store;  // in SQLite, with at least eight rows; it is copied and not changed
  // Verifies the log of a store, as the deployment does, with what it has anchored elsewhere; well: nothing was found.
  std::function<Status(const Path& store)> verify;
};
Report run_log_tampering(const Field& field, const LogTarget& target);

// As it is at this moment, with what others write to it meanwhile left out. The copy must not exist.
Status copy_store(const Path& store, const Path& copy);

// As if the last rows had never been: a store that is older than it was. kInvalid where it has no more than those.
Status cut_log(const Path& store, std::uint64_t rows);

// What somebody else keeps of a log: the head of each tree, as checkpoints state them.
using Anchors = std::map<std::string, audit::TreeHead>;  // by origin
Result<Anchors> anchors_of(const Path& store);
// The whole log is recomputed, and continues what was anchored.
Status verify_anchored(const Path& store, const Anchors& anchors);

}  // namespace cloister::redteam
