// One attack on one's own deployment, tried in cases, and what came of them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/progress.h"
#include "crypto/random.h"

namespace cloister::redteam {

enum class Outcome { kDefended, kFailed, kNotRun };
std::string_view name_of(Outcome outcome);  // "defended", "failed", "not_run"

// Which clients a server took, in the words of the fact `mtls.drill`.
struct Clients {
  std::vector<std::string> accepted, refused;
  std::optional<bool> tls13;
};

// What a finding is about, in the words of facts: a "host", an "endpoint", a "workload", by its name. No kind:
// something that was made for it, or the home.
struct Attacked {
  std::string kind, name;
  friend bool operator==(const Attacked&, const Attacked&) = default;
};

struct Report {
  std::string id;  // "RT-K12"
  Outcome outcome = Outcome::kNotRun;
  std::string reason;  // why it wasn't run, or the first thing that got through
  std::string remedy;  // what to do about a failure
  std::int64_t cases = 0, refused = 0;
  std::vector<std::string> covers, details;  // details: the transcript, a line a case, bounded
  bool simulated = false;                    // against a simulation of what the exercise is about
  std::optional<Clients> clients;
  Attacked attacked;
};
Report not_run(std::string id, std::string reason);

// Where an exercise works, and until when. What it refers to outlives it.
struct Field {
  Path folder;  // private to this exercise and empty; removed by whoever made it
  crypto::Random* random;
  Time now;
  Progress* progress;  // asked to stop, an exercise ends soon and counts as not run
  double until = 0;    // of monotonic_seconds()

  bool over() const { return progress->stop_requested() || monotonic_seconds() > until; }
};

// Counts the cases of one exercise. One thread at a time.
class Tally {
 public:
  Tally(const Field& field, std::string id, std::string remedy);

  // What is no attack and has to work: where it doesn't, refusals prove nothing and nothing counts as run.
  void honest(std::string_view what, const Status& came);
  // An attack; well: it got through. One that met a busy or broken machine (kUnavailable, kInternal) wasn't tried.
  void attack(std::string_view what, const Status& came, std::string_view cover = {});
  template <typename T>
  void attack(std::string_view what, const Result<T>& came, std::string_view cover = {}) {
    attack(what, came.ok() ? Status() : Status(came.error()), cover);
  }
  // What has to come of it beside refusals; where it doesn't, the exercise failed. A busy or broken machine as above.
  // Counted as an attack is: among the refused when it holds. `cover` is shown where it isn't empty and all of its
  // name hold.
  void holds(std::string_view what, const Status& came, std::string_view cover = {});
  // Whatever else happens, it wasn't run to its end.
  void cannot(std::string why);
  void note(std::string line);
  void cover(std::string word) { covers_[std::move(word)]; }
  void simulated() { report_.simulated = true; }
  void clients(Clients clients) { report_.clients = std::move(clients); }
  // The time is over, or somebody asked to stop; says so in the report.
  bool over();

  // Failed where anything got through; not run where something stood in the way or nothing was tried.
  Report finish() &&;

 private:
  void show(std::string_view cover, bool held);

  const Field* field_;
  Report report_;
  std::map<std::string, bool, std::less<>> covers_;  // whether something of that name didn't hold
  std::optional<std::string> got_through_, stood_in_the_way_;
};

}  // namespace cloister::redteam
