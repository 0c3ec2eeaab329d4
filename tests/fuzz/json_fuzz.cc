// JSON of any bytes: parsed or refused, and what was parsed is the same when it is written and parsed again.
#include <string_view>
#include <vector>

#include "base/json.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = parse_json(as_text({data, size}));
  if (!value.ok()) return 0;
  const std::string text = value->serialize();
  const auto again = parse_json(text);
  CLOISTER_CHECK(again.ok() && *again == *value && again->serialize() == text);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {R"({"a":[1,-2,2.5e3,true,null,"x\u00e9\n"],"b":{"c":18446744073709551615}})",
                                      "[[[[]]]]", "\"\\ud83d\\ude00\""}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
