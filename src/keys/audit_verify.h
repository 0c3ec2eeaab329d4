// The whole audit of a store, recomputed: the chain of its rows, and every tree they make.
#pragma once

#include "keys/store.h"

namespace cloister::keys {

struct AuditSummary {
  std::uint64_t rows = 0;
  audit::RowHash head{};
  std::map<std::string, audit::TreeHead> trees;  // by name: the last part of the origin
};

// kCorrupt, naming the first row or node that isn't what the others make of it. Takes as long as the audit is.
Result<AuditSummary> verify_audit(Store& store);

}  // namespace cloister::keys
