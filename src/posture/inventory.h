// What is declared against what was seen, in both directions. Pure: made of the facts of all collectors, after they
// looked.
//
// A subject was seen when a fact says something of it. A collector that only finds things says so by a fact of kind
// `inventory.seen` (present: truth, address: text), with present = false where it looked at the very place and nothing
// is there. Where it looked at all, or couldn't, it says by one of kind `inventory.source` about the platform or a host
// (source: text, entries: number).
#pragma once

#include <span>
#include <vector>

#include "posture/estate.h"
#include "posture/fact.h"

namespace cloister::posture {

inline constexpr std::string_view kInventoryCollector = "inventory/1";

// One `inventory.entry` for everything that is declared or was seen, and one `inventory.scope`. What nobody looked for
// is not assessed. Takes no notice of earlier facts of these two kinds.
std::vector<Fact> inventory_facts(const Estate& estate, std::span<const Fact> facts, Time now);

// What collectors that find things write.
Fact seen_fact(std::string_view collector, std::string scope, Subject subject, std::string address, Time now);
Fact absent_fact(std::string_view collector, std::string scope, Subject subject, std::string address, Time now);
// Without a reason: all of it was read.
Fact source_fact(std::string_view collector, std::string scope, std::string source, std::int64_t entries, Time now);
Fact unread_source_fact(std::string_view collector, std::string scope, std::string why, Time now);

// The declared location that an address is, or lies in; null: none.
const Location* location_of(const Estate& estate, std::string_view address);
// The subject that facts about that address are about: the declared location's name, else the address.
Subject location_subject(const Estate& estate, std::string_view address);

}  // namespace cloister::posture
