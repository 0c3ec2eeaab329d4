// Asks the daemon that runs on this machine, by its Unix socket: what commands of cloisterd do.
#pragma once

#include "base/json.h"
#include "cloisterd/config.h"
#include "net/http_client.h"

namespace cloister::daemon {

// The answer, whose status is the one expected; else an Error that says what the daemon answered. The purpose is
// operate. kDenied unless the socket is surely the daemon's.
Result<net::Response> ask_daemon(const Config& config, const std::string& method, const std::string& target,
                                 const JsonValue* body, unsigned expected_status);
// A member of an answer that is a secret, or any other text.
Result<crypto::Secret> secret_member(net::Response& response, std::string_view wanted);

}  // namespace cloister::daemon
