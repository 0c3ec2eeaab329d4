// RT-K01 to RT-K06: what somebody finds who is on the machine, or has a copy of its disks.
#pragma once

#include <sys/types.h>

#include <span>

#include "redteam/exercise.h"

namespace cloister::redteam {

struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};
// Of the process itself: the files of one that isn't dumpable are root's.
Result<Owner> owner_of(pid_t pid);

// A child of this process, which has what this process has of protection, crashes with a canary in its memory; and of
// those processes it is read whether a crash of theirs would leave something. No processes: not run. `prepare` runs in
// the child.
Report run_core_dump(const Field& field, std::span<const pid_t> processes, void (*prepare)() = nullptr);  // RT-K01

// Their memory, as their own users; nothing is changed in them, and none is stopped. No processes: not run.
Report run_memory_read(const Field& field, std::span<const pid_t> processes);  // RT-K02

struct SwapTarget {
  Path proc = "/proc", sys = "/sys";
};
Report run_swap(const Field& field, const SwapTarget& target);  // RT-K03

struct LogsTarget {
  std::vector<Path> logs;  // files, and folders of them
  std::vector<std::string> canaries;
};
Report run_logs(const Field& field, const LogsTarget& target);  // RT-K04

struct EnvironmentsTarget {
  std::vector<pid_t> processes;  // beside this one
  std::vector<Path> manifests;   // files, and folders of them
  std::vector<std::string> canaries;
};
// Neither a process nor a manifest: not run.
Report run_environments(const Field& field, const EnvironmentsTarget& target);  // RT-K05

struct BackupTarget {
  std::vector<Path> files;   // what was restored
  std::vector<Bytes> never;  // what must be in none of them: plaintext, raw keys
  struct Attempt {
    std::string what;
    std::function<Status()> attempt;  // well: it opened
  };
  Attempt honest;                 // with the root key: where it doesn't open, refusals prove nothing
  std::vector<Attempt> attempts;  // to use it without the root key
};
Report run_backup(const Field& field, const BackupTarget& target);  // RT-K06

}  // namespace cloister::redteam
