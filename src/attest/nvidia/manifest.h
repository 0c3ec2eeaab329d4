// One manifest held against a report: is it the right one, signed by NVIDIA, in force, and does it say what was
// measured.
#pragma once

#include <string>

#include "attest/nvidia/findings.h"
#include "attest/nvidia/report.h"
#include "attest/nvidia/rim.h"
#include "attest/verdict.h"
#include "attest/verifier.h"

namespace cloister::attest::nvidia {

// Which manifest a report asks for.
struct WantedRim {
  std::string role;                       // "driver", "vbios", "bios": what its checks are called by
  std::string id;                         // the collateral's key
  std::string product, edition, version;  // as the manifest must say
};

// Adds the manifest's five checks to the verdict. The manifest, which the findings own, when it could be read and is
// NVIDIA's own word about that product and version; null otherwise.
const Rim* check_manifest(const WantedRim& wanted, const Report& report, const Question& question, Findings& findings,
                          bool& rolled_back, Verdict& verdict);
// The same five checks, none evaluated: the report couldn't be relied on.
void skip_manifest(const std::string& role, Verdict& verdict);

}  // namespace cloister::attest::nvidia
