// Files of which we know what they are, made for one scan in a folder of its own and judged by the same code: a scanner
// that was blinded shows there.
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "crypto/random.h"
#include "posture/collect/content/classify.h"

namespace cloister::posture::content {

struct CanaryReport {
  bool right = false;
  std::string problem;  // empty where all were judged right
};

// Makes them in a new folder below `scratch`, walks it, and removes it. What can't be made is a wrong canary.
CanaryReport judge_canaries(const Path& scratch, const ClassifyOptions& options, Time now, crypto::Random& random);

}  // namespace cloister::posture::content
