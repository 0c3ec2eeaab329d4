// RT-T05, RT-T06: certificates that a client or server of ours must not take.
#pragma once

#include "crypto/x509.h"
#include "identity/bundle_set.h"
#include "redteam/exercise.h"

namespace cloister::redteam {

// How the deployment judges a chain, leaf first, that says to be an identity of its trust domain; well: it is taken.
using JudgeChain = std::function<Status(Time now, const std::vector<Bytes>& chain, const identity::BundleSet& bundles)>;
// As MutualTls does for every peer.
Status judge_chain(Time now, const std::vector<Bytes>& chain, const identity::BundleSet& bundles);

Report run_misissued(const Field& field, const JudgeChain& judge);
Report run_invalid_chains(const Field& field, const JudgeChain& judge);

}  // namespace cloister::redteam
