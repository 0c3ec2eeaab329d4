// An anchor of any bytes: refused, or written back as it was.
#include <vector>

#include "keys/anchor.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto point = keys::parse_anchor(text);
  if (point.ok()) {
    CLOISTER_CHECK(keys::format_anchor(*point) == text);
  } else {
    CLOISTER_CHECK(point.error().code() == Code::kInvalid);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string id = "00112233445566778899aabbccddeeff";
  keys::AnchorPoint point;
  point.home_id = id;
  point.head.rows = 12;
  seeds->push_back(to_bytes(as_bytes(keys::format_anchor(point))));
  point.destroyed = {{"acme/production", id, 3, true}, {"acme/mnist", id, 1, false}};
  seeds->push_back(to_bytes(as_bytes(keys::format_anchor(point))));
}
