// The table of the configuration that says where collateral is fetched from. Used by config.cc and daemon.cc alone.
#pragma once

#include "base/toml_fields.h"
#include "cloisterd/config.h"

namespace cloister::daemon {

Status read_collateral_table(const TomlFields& fields, Config& config);
// For describe(): whole lines.
std::string describe_collateral(const Config& config);
// What of it a running daemon can't change, as text.
std::string fixed_collateral(const Config& config);

}  // namespace cloister::daemon
