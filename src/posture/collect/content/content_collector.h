// Reads what really lies in the estate's local locations, file by file, and says what of it anybody could read.
// docs/content-audit.md.
#pragma once

#include <memory>
#include <optional>

#include "crypto/random.h"
#include "posture/collect/content/known_keys.h"
#include "posture/collect/content/location_tally.h"
#include "posture/collect/content/walker.h"
#include "posture/collector.h"

namespace cloister::posture::content {

struct ContentOptions {
  KnownKeys keys;
  Path scratch;         // for canaries; empty: the system's folder for temporary files
  Path journal_folder;  // where interrupted scans leave what they have seen; empty: they start anew
  std::uint64_t statistics_budget = std::uint64_t{1} << 20;  // bytes of a file; 0: all of it
  std::uint64_t objects_max = 100'000;                       // facts about single files in one run
  unsigned depth_max = 256;
  std::uint64_t entries_max = 50'000'000;
};

// What a scan of one location came to: what facts are made of.
struct LocationScan {
  LocationTally tally;
  WalkReport walk;
  bool complete = false;
  std::uint64_t resumed_batches = 0;
  std::string journal_problem;  // why nothing is kept for a next run
};

class ContentCollector final : public Collector {
 public:
  // `random` outlives it.
  ContentCollector(ContentOptions options, crypto::Random& random) : options_(std::move(options)), random_(&random) {}

  std::string_view name() const override { return "content/1"; }
  // Of every location whose address is "file:": content.scan, seal.location, key.material, content.object for each file
  // that isn't sealed, and storage.encryption where all of it is.
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  Result<LocationScan> scan(const CollectContext& context, const Location& location, std::uint64_t objects_left);

  ContentOptions options_;
  crypto::Random* random_;
};

// The path that an address names; nothing where it names none on this machine.
std::optional<Path> local_path(std::string_view address);

// Facts of one location.
struct ContentFacts {
  std::string_view collector;
  Time now;
  bool canaries_right = false;
  std::string canary_problem;
};
void emit_scan(const ContentFacts& about, const Location& location, const LocationScan& scan, FactSink& sink);
void emit_not_assessed(const ContentFacts& about, const Location& location, const std::string& why, FactSink& sink);

}  // namespace cloister::posture::content
