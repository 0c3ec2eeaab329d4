// What a quote claims, under the names that policies use. docs/attestation-intel.md lists them.
#pragma once

#include "attest/intel/tcb_level.h"
#include "attest/verifier.h"

namespace cloister::attest::intel {

// `assessment` is null where the TCB couldn't be judged.
void add_claims(Verdict& verdict, const Quote& quote, const Platform& platform, const TcbAssessment* assessment);
// The checks "debug" and "report-data".
void check_debug(Verdict& verdict, const Quote& quote);
void check_report_data(Verdict& verdict, const Quote& quote, const Question& question);

}  // namespace cloister::attest::intel
