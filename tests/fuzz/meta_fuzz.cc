// META of any bytes: parsed or refused, and what was parsed is written back.
#include <vector>

#include "seal/meta.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto meta = seal::parse_meta({data, size});
  if (!meta.ok()) return 0;
  const Bytes written = seal::serialize_meta(meta.value());
  CLOISTER_CHECK(written.size() <= size && seal::parse_meta(written).ok());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(seal::serialize_meta({"text/plain", "notes.txt", Time{1'795'000'000'000}, Time{7}, 0644}));
  seeds->push_back({0xA1, 0x18, 0x40, 0x82, 0xA1, 0x01, 0x41, 0x02, 0x20});
}
