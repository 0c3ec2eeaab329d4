// The verbs under `cloister posture`, in files by what they are about.
#pragma once

#include "commands.h"

namespace cloister::cli {

void add_posture_show(CLI::App& group, Run& run);       // show, evidence, trend
void add_posture_bundles(CLI::App& group, Run& run);    // export, verify, retention
void add_posture_fix(CLI::App& group, Run& run);        // fix
void add_posture_gate(CLI::App& group, Run& run);       // gate
void add_posture_record(CLI::App& group, Run& run);     // record
void add_posture_catalogue(CLI::App& group, Run& run);  // controls, inventory, candidates

}  // namespace cloister::cli
