// A list of certificate timestamps of any bytes: parsed or refused.
#include <vector>

#include "probe/certificate/timestamps.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto timestamps = probe::parse_timestamps({data, size});
  if (!timestamps.ok()) return 0;
  CLOISTER_CHECK(timestamps->size() <= probe::kTimestampsMax);
  for (const auto& one : *timestamps) {
    ignore_result(one.leaf_index());
    ignore_result(probe::signed_bytes(one, {probe::LoggedEntry::Type::kPrecertificate, {}, Bytes{1, 2, 3}}));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  std::vector<std::uint8_t> one(2 + 2 + 1 + 32 + 8 + 2 + 8 + 2 + 2 + 4, 0);
  one[1] = static_cast<std::uint8_t>(one.size() - 2);
  one[3] = static_cast<std::uint8_t>(one.size() - 4);
  one[46] = 8;  // extensions: the leaf index of a static log
  one[49] = 5;
  one[55] = 4;
  one[56] = 3;
  one[58] = 4;
  seeds->push_back(one);
  seeds->push_back({0, 4, 0, 2, 1, 1});
}
