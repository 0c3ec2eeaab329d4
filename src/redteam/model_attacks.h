// RT-M01 to RT-M05: somebody can write to where models are loaded from, and has an older version of one.
#pragma once

#include "redteam/model_lab.h"

namespace cloister::redteam {

// The loader that is attacked, for the canary model of a lab. `until`: no longer does its signer count from then on.
using MakeLoader = std::function<ModelLoader(const ModelLab& lab, std::optional<Time> until)>;

Report run_signature_swap(const Field& field, const MakeLoader& make);    // RT-M01
Report run_unsigned_files(const Field& field, const MakeLoader& make);    // RT-M02
Report run_old_version(const Field& field, const MakeLoader& make);       // RT-M03
Report run_swap_after_check(const Field& field, const MakeLoader& make);  // RT-M04
Report run_malicious_files(const Field& field, const MakeLoader& make);   // RT-M05

}  // namespace cloister::redteam
