// Who manages a key, and what its provider says of it, as facts: the same for every place that names a key.
#pragma once

#include <set>

#include "kms/posture.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

// Accounts, subscriptions and projects that are the operator's own: the estate's, and those of its declared keys.
std::set<std::string> own_accounts(const Estate& estate);

// "operator", "platform_default", "foreign" or "unknown". `account` is whose the key is: empty where its name doesn't
// say. A key that a customer manages is the operator's only when its account is known to be one of `own`; that a
// provider manages it is believed whoever's it is.
std::string key_manager(const kms::Assessed<kms::ManagedBy>& managed_by, std::string_view account,
                        const std::set<std::string>& own);

// `key.posture`. What wasn't assessed is left out and named in the list "not_assessed_parts"; not assessed at all when
// nothing is known. Rotation of a key that the platform manages is left out: that AWS rotates its own is no evidence of
// anything (the flag is always true). Class, tenants and cryptoperiod are the estate's, where it declares the key.
Fact key_posture_fact(const FactMaker& maker, const kms::KeyPosture& posture, const std::string& manager);

}  // namespace cloister::posture
