// What a vault's answers about one key say of it, as every provider says it.
#pragma once

#include "kms/azure/azure_answer.h"
#include "kms/posture.h"

namespace cloister::kms {

// Each part as it came, or the error that stood in its way.
struct AzureKeyFacts {
  std::string key;          // in full, without a version
  Result<AzureKey> newest;  // GET /keys/{name}, or of /deletedkeys/{name}
  bool deleted = false;     // `newest` came from there
  Result<std::vector<AzureKeyItem>> versions;
  Result<AzureRotationPolicy> rotation;
};

// An expired key is told as disabled: it still unwraps, but it wraps no more. When a rotation comes next is told only
// where its period is so many days exactly. Who may use the key is in role assignments, which the vault doesn't tell:
// findings are those of the key itself, and none found is "not assessed".
KeyPosture azure_posture(const AzureKeyFacts& facts, Time now);

}  // namespace cloister::kms
