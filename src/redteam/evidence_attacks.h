// RT-A01, A02, A03, A04, A06: what an attested worker could say that isn't so. The machine is simulated, by a key that
// signs anything: it shows how evidence is judged, and says nothing of a real TEE.
#pragma once

#include "attest/verifier.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

// How the deployment judges evidence; well: it is believed.
using JudgeEvidence = std::function<Status(const attest::Evidence& evidence, const attest::Question& question)>;
// By attest::verify(): sound, or the first check that isn't.
Status judge_evidence(const attest::Evidence& evidence, const attest::Question& question);

Report run_evidence_replay(const Field& field, const JudgeEvidence& judge);  // RT-A01
Report run_evidence_relay(const Field& field, const JudgeEvidence& judge);   // RT-A02
Report run_evidence_debug(const Field& field, const JudgeEvidence& judge);   // RT-A03
Report run_evidence_stale(const Field& field, const JudgeEvidence& judge);   // RT-A04
Report run_evidence_spoof(const Field& field, const JudgeEvidence& judge);   // RT-A06

}  // namespace cloister::redteam
