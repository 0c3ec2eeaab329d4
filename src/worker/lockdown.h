// The process shuts itself in, before it attests and is given a key. docs/worker.md lists the measures and what each is
// good for; docs/decisions/worker-lockdown.md says why these.
#pragma once

#include "worker/landlock.h"
#include "worker/locked_down.h"
#include "worker/seccomp.h"

namespace cloister::worker {

struct LockdownRequest {
  LandlockRules reach;
  bool name_service = false;       // see SeccompProfile
  bool executable_memory = false;  // for engines that compile as they run: no PR_SET_MDWE
  // It may be traced and leave core dumps. The evidence says so, and every verifier refuses it.
  bool debug = false;
};
SeccompProfile seccomp_profile(const LockdownRequest& request);

// In this order: core dumps off, undumpable, memory locked, no new privileges, swap looked at, no memory that becomes
// executable, Landlock, seccomp. The process has no other threads yet, since Landlock counts for the calling one alone:
// kInternal otherwise. kDenied: memory may be swapped to a disk in the clear. kUnsupported: the kernel has no seccomp
// filters. What else a kernel hasn't is in the report, for whoever reads the evidence to judge.
Result<LockedDown> lock_down(const LockdownRequest& request);

}  // namespace cloister::worker
