// A relay's identity from PEM files that somebody else renews: read whole, and again when they change.
#pragma once

#include <memory>
#include <vector>

#include "identity/source.h"
#include "mesh/relay/config.h"

namespace cloister::mesh {

// One thread at a time; source() may be read by all.
class IdentityFiles {
 public:
  // kNotFound, kDenied (a key that others can read), kInvalid (no PEM, a key that isn't the certificate's, no SVID),
  // and what Snapshot::create() refuses.
  static Result<std::unique_ptr<IdentityFiles>> open(IdentitySettings settings, Time now);

  std::shared_ptr<const identity::Source> source() const { return source_; }

  // Reads the files again if one isn't the same any more. A refusal, such as a new certificate whose key hasn't been
  // written yet, leaves what was there in use, and the next call tries again.
  enum class Change { kNone, kReplaced };
  Result<Change> poll(Time now);

 private:
  struct Stamp {
    std::int64_t modified_ns = 0;
    std::uint64_t inode = 0, size = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  IdentityFiles(IdentitySettings settings, std::vector<Stamp> stamps, std::shared_ptr<const identity::Snapshot> first)
      : settings_(std::move(settings)),
        stamps_(std::move(stamps)),
        source_(std::make_shared<identity::Source>(std::move(first))) {}

  static std::vector<Stamp> stamps_of(const IdentitySettings& settings);

  const IdentitySettings settings_;
  std::vector<Stamp> stamps_;
  const std::shared_ptr<identity::Source> source_;
};

// The files as they are at this moment. The refusals of IdentityFiles::open().
Result<std::shared_ptr<const identity::Snapshot>> read_identity_files(const IdentitySettings& settings, Time now);

}  // namespace cloister::mesh
