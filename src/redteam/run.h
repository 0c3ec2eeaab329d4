// Runs exercises, one after the other: with somebody's name to it, against what was named, each bounded in time and in
// a private folder of its own that is removed afterwards.
#pragma once

#include <sys/types.h>

#include <map>

#include "redteam/exercise.h"
#include "redteam/playbook.h"
#include "redteam/server_attacks.h"

namespace cloister::redteam {

// An exercise on what this module doesn't know, in a field of its own.
using HandedIn = std::function<Report(const Field& field)>;

// What is attacked, beside the canary home that is made for it.
struct Targets {
  Path store;                         // of the home, in SQLite: its log, on copies; empty: the canary home's
  Path anchor;                        // of that store; empty: it has none
  bool postgres = false;              // there is a home, and its store is in PostgreSQL: no file to copy
  std::vector<pid_t> processes;       // beside this one
  std::vector<Path> logs, manifests;  // files, and folders of them
  std::vector<std::string> canaries;  // what must be in none of those, beside what looks like a key
  std::optional<std::string> server;  // "127.0.0.1:8443"
  ClientCases clients;                // whom it expects, and others of its own authority
  std::string host;                   // what this machine is called in facts
  std::string workload;  // whose processes and server those are, by its name in the estate; empty: nobody's
  // RT-A05, RT-M07, RT-M08 and "attested-release", by id: releases, reports and scanners are the program's.
  std::map<std::string, HandedIn, std::less<>> handed_in;
  std::optional<std::string> beyond;  // the host that was named although it isn't this machine
};

struct RunOptions {
  std::string authorised_by = {};           // who answers for it; kInvalid where nobody does
  std::vector<std::string> exercises = {};  // ids; none: all that run here
  Targets targets = {};
  Duration patience = minutes(2);  // for one exercise
};

// Called as each begins, and with its report when it is over.
struct Observer {
  std::function<void(const Exercise&)> begins;
  std::function<void(const Exercise&, const Report&)> ends;
};

// kInvalid: nobody authorised it, there is no such exercise, or a server isn't on this machine and wasn't named a
// second time. Those that don't run here are reported too where they were asked for by name. What `request_stop()`
// leaves out is reported as not run.
Result<std::vector<Report>> run(const Playbook& playbook, const RunOptions& options, const Path& scratch,
                                crypto::Random& random, Time now, Progress& progress, const Observer& observer);

}  // namespace cloister::redteam
