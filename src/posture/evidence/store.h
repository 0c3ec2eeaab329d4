// The evidence store: every run's bundle in a file of its own, sealed under a dataset, never written again. Each names
// the root of the one before. docs/formats/posture-bundle.md, "The store".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "seal/preamble.h"

namespace cloister::posture {

// Half a year, which is what logs of high-risk AI systems are kept for at least (EU AI Act, articles 19 and 26(6)).
inline constexpr std::int64_t kRetentionDaysMin = 183;
inline constexpr std::int64_t kRetentionDaysDefault = 400;
inline constexpr std::int64_t kRetentionDaysMax = 36'525;

struct RunFile {
  std::string run;
  Time at;
  Path path;
  std::uint64_t bytes = 0;
};

// One thread at a time. While one is open no other process writes to the folder.
class EvidenceStore {
 public:
  // Makes the folder (0700) where there is none. `wrappers` seal and open; they and `random` outlive it. kUnavailable
  // while somebody else has it open.
  static Result<EvidenceStore> open(const Path& folder, seal::PublicContext context,
                                    std::vector<crypto::KeyWrapper*> wrappers, crypto::Random& random);

  // Oldest first, by their names alone.
  Result<std::vector<RunFile>> runs() const;
  // Its bundle. kCorrupt for a file that is damaged, was cut off, or holds another run than its name says.
  Result<std::string> read(const RunFile& run) const;
  // Durable when it returns, and there whole or not at all; removes what a killed one left. kExists for a run that is
  // there.
  cloister::Status add(const std::string& run, Time at, std::string_view bundle) const;

  // What people said, oldest first, each once and for ever: facts as fact_json() writes them.
  Result<std::vector<std::string>> records() const;
  // Durable when it returns.
  cloister::Status add_record(std::string_view fact_json, Time now) const;

  Result<std::int64_t> retention_days() const;
  // kInvalid outside the bounds above.
  cloister::Status set_retention_days(std::int64_t days) const;
  // Removes runs that are older than the retention, except the newest, and says which.
  Result<std::vector<RunFile>> expire(Time now) const;

 private:
  EvidenceStore(Path folder, File lock, seal::PublicContext context, std::vector<crypto::KeyWrapper*> wrappers,
                crypto::Random& random);

  Path folder_;
  File lock_;
  seal::PublicContext context_;
  std::vector<crypto::KeyWrapper*> wrappers_;
  crypto::Random* random_;
};

}  // namespace cloister::posture
