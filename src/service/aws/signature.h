// Who signed a request, by SigV4 and access keys of our own: any list of signed headers that holds what must be held.
#pragma once

#include "net/sigv4.h"
#include "service/access_keys.h"
#include "service/call.h"

namespace cloister::service::aws {

inline constexpr Duration kSkewMax = minutes(5);

// Fills the call's caller, authentication, credential, scope, purpose and, where `changes`, its request key, so that
// the same signature changes nothing twice. The problem, with its fault, where it isn't signed as it must be.
std::optional<Problem> verify_signature(Call& call, std::string_view region, const AccessKeys& keys, bool changes);

}  // namespace cloister::service::aws
