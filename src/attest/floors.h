// Floors of answers about single certificates: as many as there are devices, rising with every answer. Kept apart from
// those that vendors raise for everybody, and never more than a fixed number of them.
#pragma once

#include "attest/verdict.h"

namespace cloister::attest {

// What their names begin with; the certificate's serial number follows.
inline constexpr std::string_view kAnswerFloors = "nvidia/ocsp/";
// The name of the floor of all certificates that have none of their own.
inline constexpr std::string_view kCommonAnswerFloor = "nvidia/ocsp";

bool is_answer_floor(std::string_view name);  // one of either

// What an answer about that certificate must not be older than: the higher of its own floor and the common one, as
// floors of several services may have been put together. 0: nothing is known.
std::uint64_t answer_floor(const Floors& floors, std::string_view name);

// That of any name: 0 where none is known.
std::uint64_t floor_of(const Floors& floors, std::string_view name);

// Lets them rise to what was seen, and keeps at most `max` with names of certificates: the oldest go, and the common
// floor becomes the newest of those. So no floor ever gets lower: a certificate whose own floor went has the common
// one, which is at least that. Whether anything changed.
bool raise_answers(Floors& answers, const Floors& seen, std::size_t max);

}  // namespace cloister::attest
