// The system calls that a worker and the engine it starts can't make: a filter of seccomp(2), built the same way every
// time, so that a workload manifest can name it by its hash. docs/decisions/worker-lockdown.md.
#pragma once

#include "base/bytes.h"
#include "crypto/hash.h"

namespace cloister::worker {

struct SeccompProfile {
  // UDP over IPv4 and IPv6, for a resolver that asks name servers: to any host and port. Without: TCP alone.
  bool name_service = false;
  // prctl(PR_SET_DUMPABLE) and ptrace(2), for a debugger.
  bool debug = false;
};

// The program as the kernel takes it: 8 bytes an instruction.
Bytes seccomp_filter(const SeccompProfile& profile);
// SHA-256 of it: the entry "seccomp" of a workload manifest. It differs by architecture.
crypto::Sha256Digest seccomp_digest(const SeccompProfile& profile);

// For every thread of this process, and for good. kUnsupported when the kernel has no seccomp filters. Needs
// no_new_privs.
Status enter_seccomp(const SeccompProfile& profile);

}  // namespace cloister::worker
