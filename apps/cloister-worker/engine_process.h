// The program that runs the model: started with the model as an open file, under the worker's own lockdown and a
// narrower one of its own, and ended with it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "worker/landlock.h"

namespace cloister::worker {

// One thread at a time.
class EngineProcess {
 public:
  // The model is its descriptor 3; "{model}" in the command's arguments becomes the path of that. It has an environment
  // of its own: what is measured isn't changed by the worker's. Of what the worker can reach it reaches what `reach`
  // lists, where the kernel has Landlock; it gets no new privileges.
  static Result<std::unique_ptr<EngineProcess>> start(const std::vector<std::string>& command, const File& model,
                                                      const LandlockRules& reach);
  // Ends it, as stop() without patience.
  ~EngineProcess();
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;

  // How it ended, as waitpid(2) says it; nothing while it runs. What it started ends with it.
  std::optional<int> ended();
  // Asks it and what it started to end, and makes them when `patience` is over.
  void stop(Duration patience);

 private:
  explicit EngineProcess(pid_t process) : process_(process) {}
  // Its whole group, at once. At most once.
  void end();

  const pid_t process_;
  std::optional<int> status_;
};

}  // namespace cloister::worker
