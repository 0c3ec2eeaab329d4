// The tables of the daemon's configuration, one function each. Used by config.cc alone.
#pragma once

#include <limits>

#include "base/toml_fields.h"
#include "cloisterd/config.h"

namespace cloister::daemon {

// kInvalid unless `value`, which is what `key` says, is an absolute path.
Status check_absolute(const TomlFields& fields, std::string_view key, const std::string& value);
// Numeric addresses; none where the key isn't there.
Result<std::vector<net::TcpAddress>> read_addresses(const TomlFields& fields, std::string_view key);
// An absolute path that a Unix socket can have.
Result<std::string> read_socket_path(const TomlFields& fields, std::string_view key);
// A number that can be a user's.
inline constexpr std::uint32_t kUserMax = std::numeric_limits<std::uint32_t>::max() - 1;  // -1 is no user
// kInvalid when one address is listened on twice.
Status check_apart(const TomlFields& fields, const Config& config);

Status read_server(const TomlFields& fields, Config& config);
Status read_listen(const TomlFields& fields, Config& config);
Status read_policy(const TomlFields& fields, Config& config);
Status read_identity(const TomlFields& fields, Config& config);
Status read_leases(const TomlFields& fields, Config& config);
Status read_limits(const TomlFields& fields, Config& config);
Status read_log(const TomlFields& fields, Config& config);
Status read_rotation(const TomlFields& fields, Config& config);
Status read_anomalies(const TomlFields& fields, Config& config);
Status read_unix_user(const TomlFields& fields, Config& config);
Status read_unix_workload(const TomlFields& fields, Config& config);

}  // namespace cloister::daemon
