// Tiles, heads and kept positions of a certificate log, of any bytes: parsed or refused.
#include <vector>

#include "probe/transparency/monitor.h"
#include "tests/support/certificates.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (size > 0) ignore_result(probe::parse_data_tile(input.subspan(1), data[0]));
  static const crypto::PublicKey key = testing::key_of_seed(1).public_key();
  CLOISTER_CHECK(!probe::verify_log_head(as_text(input), key).ok());
  const auto position = probe::parse_position(as_text(input));
  if (position.ok()) CLOISTER_CHECK(probe::parse_position(probe::format_position(*position)).ok());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  std::vector<std::uint8_t> tile{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 7, 7, 0, 0, 0, 32};
  tile.resize(tile.size() + 32);
  seeds->push_back(tile);
  for (const char* text :
       {"log.example\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 log.example AAAAAAAA\n",
        R"({"origin":"log.example","size":0,"peaks":[]})"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
