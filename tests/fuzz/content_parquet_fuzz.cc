// A footer of any bytes, as that of a plain and of an encrypted file: an outline within its bounds, or a refusal.
#include <vector>

#include "posture/collect/content/parquet.h"
#include "tests/support/content_estate.h"

using namespace cloister;
using namespace cloister::posture::content;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const ParquetFooter kind : {ParquetFooter::kPlain, ParquetFooter::kEncrypted}) {
    const auto outline = parse_parquet_footer({data, size}, kind);
    if (!outline.ok()) continue;
    CLOISTER_CHECK(outline->encrypted_columns <= outline->columns && outline->columns <= size);
    CLOISTER_CHECK(outline->keys.size() <= 64);
    CLOISTER_CHECK(!outline->is_protected() || kind == ParquetFooter::kEncrypted);
  }
  ignore_result(read_parquet(sample_of({data, size})));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using testing::ParquetKind;
  for (const ParquetKind kind : {ParquetKind::kPlain, ParquetKind::kSomeColumns, ParquetKind::kEncrypted}) {
    const Bytes file = testing::parquet_file(1, kind);
    const auto size = load_le<std::uint32_t>(file.data() + file.size() - 8);
    seeds->emplace_back(file.end() - 8 - static_cast<std::ptrdiff_t>(size), file.end() - 8);
  }
}
