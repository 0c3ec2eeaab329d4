// What Google's answers about one key say of it, as every provider says it.
#pragma once

#include "kms/google/google_answer.h"
#include "kms/posture.h"

namespace cloister::kms {

// Each part as it came, or the error that stood in its way.
struct GoogleKeyFacts {
  std::string key;  // in full
  Result<GoogleKey> current;
  Result<std::vector<GoogleKeyVersion>> versions;
  Result<std::vector<GoogleBinding>> policy;
};

// Google's own default keys aren't in the API: what is there is the customer's. Findings are those of the key's own
// policy; what a key ring, project or organisation hands down isn't looked at.
KeyPosture google_posture(const GoogleKeyFacts& facts);

}  // namespace cloister::kms
