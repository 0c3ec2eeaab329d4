// How many of a store's objects are looked at, which, and what that proves of the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace cloister::posture {

// 299 of a larger number: if one object in a hundred or more were different, 95 samples in a hundred would show one.
inline constexpr std::size_t kSampleSize = 299;

// `want` indexes below `count`, ascending, one at random from each of `want` equal stretches; all of them where there
// are no more. Objects that are sorted by age are so sampled from every age, and the chance to miss a share that is
// different is no greater than with a simple sample. `random` gives [0, 1).
std::vector<std::size_t> stratified_sample(std::size_t count, std::size_t want, const std::function<double()>& random);

// The share, in thousandths and rounded up, that `sampled` of `count` objects without an exception exclude with 95%
// confidence: 0 when all were seen, 1000 when none was.
std::int64_t sample_bound_permille(std::size_t count, std::size_t sampled);

}  // namespace cloister::posture
