// Exercises on what several modules make together: releases by the key service's judgement, reports of the posture
// audit, and its content scanner. redteam::run() is handed them.
#pragma once

#include "redteam/blind_scanner.h"
#include "redteam/lab.h"
#include "redteam/run.h"
#include "service/attestation/judgement.h"

namespace cloister::home {

// All of them, by id.
std::map<std::string, redteam::HandedIn, std::less<>> redteam_parts();

// How the deployment decides about a release; well: the key is released.
using DecideRelease = std::function<Status(const service::ReleaseCase& asked, const policy::AttestationPolicy& policy)>;
// By service::judge(), as the key service does.
Status decide_release(const service::ReleaseCase& asked, const policy::AttestationPolicy& policy);
// The machine is simulated, by a key that signs anything.
redteam::Report run_measurement_substitution(const redteam::Field& field, const DecideRelease& decide);  // RT-A05
redteam::Report run_attested_release(const redteam::Field& field, const DecideRelease& decide);  // "attested-release"

struct ForgedReportTarget {
  // As an auditor verifies a bundle with the key of who signed it; well: nothing was found.
  std::function<Status(std::string_view bundle, std::string_view key)> verify;
};
ForgedReportTarget verified_as_an_auditor();
redteam::Report run_forged_reports(const redteam::Field& field, const ForgedReportTarget& target);  // RT-M07

// The content audit, which knows the keys of the canary home's first tenant: what RT-M08 attacks.
Result<redteam::BlindScannerTarget> content_scanner(redteam::Lab& lab, const redteam::Field& field);

}  // namespace cloister::home
