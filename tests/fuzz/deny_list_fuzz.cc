// A deny list of any bytes: parsed or refused, and what was parsed is written back as it was.
#include <string_view>
#include <vector>

#include "identity/deny_list.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto list = identity::parse_deny_list(text);
  if (list.ok()) CLOISTER_CHECK(identity::format_deny_list(*list) == text);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  static constexpr std::string_view kText =
      "cloister deny-list 1\n"
      "id spiffe://example.org/a 2026-11-24T14:00:00Z\n"
      "id spiffe://example.org/b 2026-11-24T15:00:00Z key found in a ticket\n"
      "serial example.com 01 2026-11-24T14:00:00Z\n"
      "serial example.org 4001ff 2026-11-24T14:00:00Z stolen laptop\n";
  seeds->push_back(to_bytes(as_bytes(kText)));
}
