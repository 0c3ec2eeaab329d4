// What the service answers when it doesn't do what was asked: application/problem+json (RFC 9457) with a code that
// programs can go by. docs/api/errors.md is the closed list.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_message.h"

namespace cloister::service {

enum class ProblemCode : std::uint8_t {
  kInvalidRequest,
  kPurposeMissing,
  kUnauthenticated,
  kRefused,
  kNoSuchRoute,
  kNotFound,
  kMethodNotAllowed,
  kExists,
  kWrongState,
  kChangedMeanwhile,
  kExpired,
  kUnsupportedMediaType,
  kIdempotencyKeyReused,
  kDamaged,
  kQuotaExceeded,
  kInternal,
  kUnsupported,
  kBusy,
  kStoreUnavailable,
  kAuditUnavailable,
  // Of one key of a batch; of the whole request when every key of it failed alike.
  kWrapDoesNotOpen,
  kKeyVersionUnknown,
  kKeyVersionDisabled,
  kKeyVersionDestroyed,
};

struct ProblemKind {
  ProblemCode code;
  std::string_view name;  // "wrap-does-not-open": what `code` and the end of `type` say
  unsigned status;        // HTTP
  std::string_view title;
};
// In the order of the codes.
std::span<const ProblemKind> problem_kinds();
const ProblemKind& kind_of(ProblemCode code);

// `detail` is one sentence of ours: no internals, nothing of tenants other than the caller's.
struct Problem {
  ProblemCode code = ProblemCode::kInternal;
  std::string detail;
  std::optional<Duration> retry_after = {};
};

// What stands in the way below, as the caller may hear it. What a verb says of names and states is passed on; what it
// says of files, servers and damage is not.
Problem problem_of(const Error& error);

net::Response to_response(const Problem& problem, std::string_view request_id);

}  // namespace cloister::service
