// What should worry whoever relies on a key, read from its policy and its grants. IAM's JSON policy grammar, version
// 2012-10-17, as AWS KMS evaluates it for a key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "kms/posture.h"

namespace cloister::kms {

// The account in "arn:aws:iam::111122223333:role/x", or "111122223333" itself; empty where there is none.
std::string aws_account_of(std::string_view principal);

// Each finding once, in the order of PolicyFinding. `account` is the key's own, 12 digits. A statement with a condition
// counts as open to all when no condition names who asks; decryption counts as attested only under a condition on what
// an enclave or a measured machine proves (kms:RecipientAttestation:…), be it of the statement or of a denial.
// kInvalid for what isn't such a policy, or has parts that aren't understood: then nothing is known of it.
Result<std::vector<PolicyFinding>> key_policy_findings(std::string_view policy, std::string_view account);

// The same of one grant, as ListGrants has it. A grant is never bound to an attestation.
Result<std::vector<PolicyFinding>> grant_findings(const JsonValue& grant, std::string_view account);

}  // namespace cloister::kms
