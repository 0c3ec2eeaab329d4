// A policy document of version 1, docs/formats/policy.md: text in, checked values out.
#pragma once

#include "policy/rule.h"

namespace cloister::policy {

inline constexpr std::size_t kRulesMax = 16'384;
inline constexpr std::size_t kQuotasMax = 16'384;
inline constexpr std::size_t kExpectationsMax = 16'384;

// kInvalid, "line 12: …", for what isn't a policy; kUnsupported for a version newer than this program's. Text without
// any key or table is the empty document. Expectations are read, not run: `load_policy` is the way to a policy in use.
Result<Document> parse_document(std::string_view text);

}  // namespace cloister::policy
