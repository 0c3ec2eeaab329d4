// The deny list in the store: one authentic setting, read by every server every few seconds.
#pragma once

#include "identity/deny_list.h"
#include "service/authentic_settings.h"

namespace cloister::service {

// Empty where nobody was ever denied. kCorrupt for what this service didn't write.
Result<identity::DenyList> read_deny_list(keys::Store& store, const AuthenticSettings& settings);

// Within a change: the list with `denied` in the place of an entry of its id, or without that id's. Entries that have
// run out go. kNotFound for an id that isn't denied.
Status deny_id(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
               const identity::DeniedId& denied, Time now);
Status allow_id(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
                const identity::SpiffeId& id, Time now);

}  // namespace cloister::service
