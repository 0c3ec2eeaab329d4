// The tables of the configuration that open listeners for other people's clients. Used by config.cc alone.
#pragma once

#include "base/toml_fields.h"
#include "cloisterd/config.h"

namespace cloister::daemon {

Status read_dialect_aws(const TomlFields& fields, Config& config);
Status read_dialect_kbs(const TomlFields& fields, Config& config);
Status read_dialect_kubernetes(const TomlFields& fields, Config& config);
Status read_dialect_vault(const TomlFields& fields, Config& config);

}  // namespace cloister::daemon
