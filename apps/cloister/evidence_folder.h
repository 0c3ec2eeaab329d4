// Answers of providers, kept in a folder: one file each, as they came.
#pragma once

#include <mutex>

#include "base/file.h"
#include "kms/evidence.h"

namespace cloister::cli {

class EvidenceFolder final : public kms::EvidenceSink {
 public:
  // The folder is made where there is none (0700). Files in it are never replaced.
  static Result<std::shared_ptr<EvidenceFolder>> open(const Path& folder);
  void keep(kms::Evidence evidence) override;

  // What became of it: how many files there are, or the first error.
  Result<std::uint64_t> kept();

 private:
  explicit EvidenceFolder(Path folder) : folder_(std::move(folder)) {}
  const Path folder_;
  std::mutex mutex_;
  std::uint64_t count_ = 0;
  Status status_;
};

}  // namespace cloister::cli
