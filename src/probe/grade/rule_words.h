// Short words for the tables of rules. Used by them alone.
#pragma once

#include "probe/grade/profile.h"

namespace cloister::probe::rule_words {

inline constexpr Seen kYes = Seen::kYes;
inline constexpr Seen kNo = Seen::kNo;
inline constexpr Absent kMust = Absent::kUnknown;
inline constexpr Absent kIfThere = Absent::kNotApplicable;
inline constexpr Absent kListed = Absent::kNo;
inline constexpr Weight kOut{0, '-'};
inline constexpr Weight kFatal{100, 'F'};

}  // namespace cloister::probe::rule_words

namespace cloister::probe {

std::span<const Rule> connection_rules();  // versions, ciphers, groups, handshakes
std::span<const Rule> identity_rules();    // clients, certificates, transparency, HTTP

}  // namespace cloister::probe
