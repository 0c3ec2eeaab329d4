// Endpoints as `cloister scan --json` saw them: results that are read, no endpoint is asked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

inline constexpr std::string_view kScanCollector = "tls-scan/1";

// One fact of kind `tls.endpoint` for each target, about the declared endpoint of that address, else about HOST:PORT. A
// target that couldn't be scanned is not assessed. kInvalid for what isn't such a result.
Result<std::vector<Fact>> scan_facts(const Estate& estate, std::string_view json);

// A target as it was scanned: the address that answered ("10.0.0.7:8443"), by which profile, and its fact.
struct ScannedTarget {
  std::string address, profile;
  Fact fact;
};
Result<std::vector<ScannedTarget>> scanned_targets(const Estate& estate, std::string_view json);

// A file that isn't a result of a scan is a fact that says so. Declared endpoints that no file speaks of stay without a
// fact.
class ScanCollector final : public Collector {
 public:
  explicit ScanCollector(std::vector<InputFile> files) : files_(std::move(files)) {}
  std::string_view name() const override { return kScanCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> files_;
};

}  // namespace cloister::posture
