// How long a peer asks to wait: retry-after in seconds (RFC 9110 10.2.3), or in milliseconds as Azure spells it too.
#pragma once

#include <optional>

#include "base/clock.h"
#include "net/http_message.h"

namespace cloister::kms {

// At most a minute, whatever the peer says. Nothing for a date: a peer's clock isn't ours.
std::optional<Duration> retry_after(const net::Response& response);

}  // namespace cloister::kms
