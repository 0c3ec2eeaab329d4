// Join tokens in the store: a setting each, authentic, gone once it has expired. docs/formats/service-settings.md.
#pragma once

#include "identity/join_token.h"
#include "service/authentic_settings.h"

namespace cloister::service {

inline constexpr std::size_t kJoinTokensMax = 10'000;  // of a store, at one time

// Within a change of `store`: kUnavailable when there are kJoinTokensMax already. Removes those that have expired.
Status add_join_token(keys::Store& store, keys::Store::Change& change, const AuthenticSettings& settings,
                      const identity::StoredJoinToken& token, Time now);
// Marks one as used, in the transaction of what is done for it.
Status put_join_token(keys::Store::Change& change, const AuthenticSettings& settings,
                      const identity::StoredJoinToken& token);
// kNotFound; kCorrupt for what this service didn't write.
Result<identity::StoredJoinToken> find_join_token(keys::Store& store, const AuthenticSettings& settings,
                                                  const identity::JoinTokenHash& hash);

}  // namespace cloister::service
