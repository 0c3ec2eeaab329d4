// Inventories of cryptography that other tools made: CycloneDX documents with cryptographic assets, as files.
#pragma once

#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

inline constexpr std::string_view kCbomCollector = "cbom/1";

enum class AlgorithmStanding { kKnown, kUnknown, kWithdrawn };
// Of an algorithm's name as such documents have it, in any case of letters: "AES-256-GCM", "SHA-1", "3DES".
AlgorithmStanding standing_of(std::string_view name);

// What a document counts to.
struct CbomCount {
  Time at;  // its metadata's timestamp
  std::int64_t components = 0;
  std::vector<std::string> unknown, withdrawn;  // names, each once
};
// kInvalid for what is no CycloneDX document, has no timestamp, or has a cryptographic asset without a name.
Result<CbomCount> count_cbom(std::string_view json);

// One fact `cbom` over all files: cryptographic assets, and those of them that are algorithms nobody knows or that were
// withdrawn; protocols count by their version. Its time is the oldest file's. Whether they are valid against
// CycloneDX's schema isn't looked at, and the fact doesn't say it.
class CbomCollector final : public Collector {
 public:
  explicit CbomCollector(std::vector<InputFile> files) : files_(std::move(files)) {}
  std::string_view name() const override { return kCbomCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> files_;
};

}  // namespace cloister::posture
