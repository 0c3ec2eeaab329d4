// RT-A05 and the drill "attested-release": a key is released to what the policy names, and to nothing that differs in
// one thing. The machine is simulated, by a key that signs anything.
#pragma once

#include "redteam/exercise.h"
#include "service/attestation/judgement.h"

namespace cloister::redteam {

// How the deployment decides; well: the key is released.
using DecideRelease = std::function<Status(const service::ReleaseCase& asked, const policy::AttestationPolicy& policy)>;
// By service::judge(), as the key service does.
Status decide_release(const service::ReleaseCase& asked, const policy::AttestationPolicy& policy);

Report run_measurement_substitution(const Field& field, const DecideRelease& decide);  // RT-A05
Report run_attested_release(const Field& field, const DecideRelease& decide);          // "attested-release"

}  // namespace cloister::redteam
