// cloisterd token: a join token from the daemon that runs on this machine, for whoever the configuration and the policy
// let have it.
#pragma once

#include <string>

#include "cloisterd/config.h"
#include "crypto/secret.h"

namespace cloister::daemon {

// kInvalid without a Unix socket in the configuration; kDenied, kUnavailable, … as the daemon answers.
Result<crypto::Secret> fetch_join_token(const Config& config, const std::string& id, std::uint64_t lifetime_seconds);

}  // namespace cloister::daemon
