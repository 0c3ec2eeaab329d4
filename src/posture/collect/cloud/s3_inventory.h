// Reports of S3 Inventory, which name every object of a bucket with how it is encrypted: files that were fetched, no
// service is asked.
#pragma once

#include "base/file.h"
#include "base/json.h"
#include "posture/collect/fact_maker.h"

namespace cloister::posture {

struct S3Manifest {
  std::string bucket;
  Time created;
  std::vector<std::string> columns;  // "Bucket", "Key", …
  struct Part {
    std::string name;  // the last part of its key
    std::uint64_t size = 0;
  };
  std::vector<Part> parts;
};
// A manifest.json. kInvalid for what isn't one, kUnsupported for a report in another format than CSV or without the
// encryption of its objects.
Result<S3Manifest> parse_s3_manifest(std::string_view json);
// One line of a part: fields in quotes or without. kInvalid for a quote that doesn't end.
Result<std::vector<std::string>> parse_csv_line(std::string_view line);

// A report tells the kind of encryption and no key. So it proves what is bad, and nothing good: a location with objects
// that nothing encrypts or that AWS's own key does has a `storage.encryption`, with one for each of the first hundred
// of them; one without is only seen. Parts are looked for beside the manifest and in ../data, as S3 lays them out; a
// report of which one is missing, cut off or of another size is a source that couldn't be read.
class S3InventoryCollector final : public Collector {
 public:
  explicit S3InventoryCollector(std::vector<Path> manifests) : manifests_(std::move(manifests)) {}
  std::string_view name() const override { return "s3-inventory/1"; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  const std::vector<Path> manifests_;
};

}  // namespace cloister::posture
