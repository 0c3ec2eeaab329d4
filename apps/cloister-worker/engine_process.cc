#include "cloister-worker/engine_process.h"

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace cloister::worker {
namespace {

constexpr int kModelDescriptor = 3;
constexpr std::string_view kModelPath = "/proc/self/fd/3";
constexpr std::string_view kPlaceholder = "{model}";

std::vector<std::string> with_model(std::vector<std::string> command) {
  for (std::string& word : command) {
    for (std::size_t at = word.find(kPlaceholder); at != std::string::npos; at = word.find(kPlaceholder)) {
      word.replace(at, kPlaceholder.size(), kModelPath);
    }
  }
  return command;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  return list;
}

// Its own group, no signal blocked or ignored that the worker has for itself.
class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

Result<pid_t> spawn(const std::vector<std::string>& command, const File& model) {
  std::vector<std::string> words = with_model(command);
  // An engine's threads that wait by spinning take what other processes need: docs/worker.md.
  std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "OMP_WAIT_POLICY=passive"};
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_adddup2(&files, model.descriptor(), kModelDescriptor);
  ::posix_spawn_file_actions_addclosefrom_np(&files, kModelDescriptor + 1);
  const Attributes attributes;
  pid_t process = -1;
  const int failed = ::posix_spawn(&process, words.front().c_str(), &files, attributes.get(), pointers(words).data(),
                                   pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return error_from_errno(failed, "start the engine " + words.front());
  return process;
}

Result<pid_t> spawn_shut_in(const std::vector<std::string>& command, const File& model, const LandlockRules& reach) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return error_from_errno(errno, "give up new privileges");
  CLOISTER_TRY([[maybe_unused]] const LandlockState state, enter_landlock(reach).with_context("shut the engine in"));
  return spawn(command, model);
}

}  // namespace

// Landlock counts for the thread that enters it and for what that starts: so the worker itself keeps what it has.
Result<std::unique_ptr<EngineProcess>> EngineProcess::start(const std::vector<std::string>& command, const File& model,
                                                            const LandlockRules& reach) {
  Result<pid_t> process = Error(Code::kInternal, "the engine wasn't started");
  std::thread([&] { process = spawn_shut_in(command, model, reach); }).join();
  if (!process.ok()) return process.error();
  return std::unique_ptr<EngineProcess>(new EngineProcess(*process));
}

EngineProcess::~EngineProcess() { stop(Duration{0}); }

std::optional<int> EngineProcess::ended() {
  if (status_) return status_;
  siginfo_t seen{};
  constexpr int kLook = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(process_), &seen, kLook) == 0 && seen.si_pid == process_) end();
  return status_;
}

void EngineProcess::stop(Duration patience) {
  if (ended()) return;
  ::kill(-process_, SIGTERM);
  constexpr Duration kStep{20};
  for (Duration waited{0}; waited < patience && !ended(); waited.ms += kStep.ms) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kStep.ms));
  }
  if (!status_) end();
}

void EngineProcess::end() {
  // Before it is waited for: until then nobody else's group can have its number.
  ::kill(-process_, SIGKILL);
  int status = 0;
  if (::waitpid(process_, &status, 0) == process_) status_ = status;
}

}  // namespace cloister::worker
