// How the clouds' own programs are told who they are, taken over for their collectors.
#pragma once

#include "kms/aws/credential_sources.h"
#include "posture/collect/cloud/azure_collector.h"
#include "posture/collect/cloud/google_collector.h"

namespace cloister::posture {

// The file of GOOGLE_APPLICATION_CREDENTIALS (a service account's key, or an external account); without one the
// machine's metadata server. kInvalid for a file of another type, and what reading it says.
Result<GoogleOptions> google_options(const kms::Environment& environment);

// A workload identity by AZURE_FEDERATED_TOKEN_FILE, AZURE_CLIENT_ID and AZURE_TENANT_ID; without a token's file the
// identity of the machine, of which AZURE_CLIENT_ID chooses one.
AzureOptions azure_options(const kms::Environment& environment);

}  // namespace cloister::posture
