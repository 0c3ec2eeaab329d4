// The tables of the relay's configuration, one function each. Used by config.cc alone.
#pragma once

#include "base/toml_fields.h"
#include "mesh/relay/config.h"

namespace cloister::mesh {

Status read_relay_identity(const TomlFields& fields, RelayConfig& config);
Status read_relay_federated(const TomlFields& fields, RelayConfig& config);
Status read_relay_process(const TomlFields& fields, RelayConfig& config);
Status read_relay_limits(const TomlFields& fields, RelayConfig& config);
Status read_relay_log(const TomlFields& fields, RelayConfig& config);
Status read_relay_metrics(const TomlFields& fields, RelayConfig& config);
Status read_relay_receipts(const TomlFields& fields, RelayConfig& config);
Status read_relay_inbound(const TomlFields& fields, RelayConfig& config);
Status read_relay_outbound(const TomlFields& fields, RelayConfig& config);

}  // namespace cloister::mesh
