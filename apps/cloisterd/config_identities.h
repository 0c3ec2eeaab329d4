// The tables of the configuration about identities for others: the Workload API, the bundle endpoint, federation. Used
// by config.cc alone.
#pragma once

#include "base/toml_fields.h"
#include "cloisterd/config.h"

namespace cloister::daemon {

Status read_workload_api(const TomlFields& fields, Config& config);
Status read_bundle_endpoint(const TomlFields& fields, Config& config);
Status read_federates_with(const TomlFields& fields, Config& config);

// What one table alone can't tell.
Status check_identities(const Config& config);
// Whole lines; none where nothing is configured.
std::string describe_identities(const Config& config);

}  // namespace cloister::daemon
