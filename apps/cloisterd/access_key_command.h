// `cloisterd access-key`: makes, lists and revokes access keys of the daemon that runs here. A key's secret is shown
// once: into a file for its owner alone, in the form that AWS's clients read.
#pragma once

#include <string>

#include "cloisterd/config.h"

namespace cloister::daemon {

struct AccessKeyOrder {
  std::string tenant;  // "acme" or "acme/production"
  std::string caller;  // the SPIFFE ID that it speaks for
  std::string purpose;
  std::uint64_t lifetime_seconds = 0;  // 0: until it is revoked
  Path out;
};

// The key's id; its file is there. kExists, before anything is made, when something is under that name.
Result<std::string> make_access_key(const Config& config, const AccessKeyOrder& order);
// One line each: id, SPIFFE ID, purpose, when made, when it expires.
Result<std::string> list_access_keys(const Config& config, const std::string& tenant);
Status revoke_access_key(const Config& config, const std::string& tenant, const std::string& id);

}  // namespace cloister::daemon
