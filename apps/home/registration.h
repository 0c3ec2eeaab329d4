// Registration entries in a home's store, a setting each, authentic. docs/formats/service-settings.md, SS-9.
#pragma once

#include "mesh/registration/entry.h"
#include "service/authentic_settings.h"

namespace cloister::home {

// As they are stored: the same texts are the same entries, for whoever looks often.
using StoredEntries = std::vector<std::pair<std::string, std::string>>;
Result<StoredEntries> stored_entries(keys::Store& store);
// The oldest first. kCorrupt for one that this home's programs didn't write.
Result<std::vector<mesh::RegistrationEntry>> open_entries(const StoredEntries& stored,
                                                          const service::AuthenticSettings& settings);
Result<std::vector<mesh::RegistrationEntry>> read_entries(keys::Store& store,
                                                          const service::AuthenticSettings& settings);
// kNotFound.
Result<mesh::RegistrationEntry> find_entry(keys::Store& store, const service::AuthenticSettings& settings,
                                           const std::string& id);

// kExists when there is one for the same SPIFFE ID and the same selectors.
Status create_entry(keys::Store& store, const service::AuthenticSettings& settings,
                    const mesh::RegistrationEntry& entry, const keys::Caller& caller);
// kNotFound.
Status delete_entry(keys::Store& store, const service::AuthenticSettings& settings, const std::string& id,
                    const keys::Caller& caller);

}  // namespace cloister::home
