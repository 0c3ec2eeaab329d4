// Repeated requests: the header idempotency-key, bound to who sends it and to what is asked for.
#pragma once

#include "service/call.h"

namespace cloister::service {

inline constexpr Duration kRequestKeyLife = hours(24);

// Nothing without the header; kInvalid unless it is 1 to 128 printable ASCII characters. Before the body is changed.
// After verification of the caller.
Result<std::optional<keys::RequestKey>> request_key_of(const Call& call);

// What Store::change() says when the key has made its change already.
bool is_repeated_request(const Error& error);

}  // namespace cloister::service
