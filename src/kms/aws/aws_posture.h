// What AWS KMS's describing operations say, as a KeyPosture. Facts that an answer doesn't have, or has in words that
// aren't known, aren't assessed.
#pragma once

#include "base/json.h"
#include "kms/posture.h"

namespace cloister::kms {

// DescribeKey. kCorrupt unless there is a KeyMetadata with an ARN.
Status read_key_metadata(const JsonValue& answer, KeyPosture& posture);

Assessed<RotationPosture> read_rotation_status(const JsonValue& answer);  // GetKeyRotationStatus
// GetKeyLastUsage. What was made before AWS began to look isn't unused because nothing is known.
Assessed<std::optional<Time>> read_last_usage(const JsonValue& answer);

// ListKeyRotations, page by page.
class RotationHistory {
 public:
  // The marker of the page that follows; empty: there is none. kCorrupt for what isn't understood.
  Result<std::string> add(const JsonValue& answer);
  void put_into(KeyPosture& posture) const;

 private:
  std::optional<Time> last_;
  std::vector<ProviderKeyVersion> versions_;
  bool unnamed_ = false;  // an entry doesn't say which material it is of
};

// The marker of the page that follows, of any list; empty: there is none. kCorrupt when it should be there.
Result<std::string> next_marker(const JsonValue& answer);

}  // namespace cloister::kms
