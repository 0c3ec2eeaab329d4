// An event log of any bytes: read or refused; and replayed without a step beyond its bytes.
#include <vector>

#include "attest/event_log/dstack_log.h"
#include "attest/event_log/registers.h"
#include "tests/support/event_logs.h"

using namespace cloister;
using namespace cloister::attest;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  for (const auto& events : {event_log::parse_tcg_log(bytes), event_log::parse_dstack_log(bytes)}) {
    if (!events.ok()) continue;
    for (std::uint32_t index = 0; index < 6; ++index) {
      for (const auto algorithm : {event_log::DigestAlgorithm::kSha256, event_log::DigestAlgorithm::kSha384}) {
        ignore_result(event_log::replay(*events, index, algorithm));
      }
    }
  }
  const Bytes value(48, 1);
  const ByteView registers[4] = {value, value, value, value};
  Verdict verdict;
  event_log::check_registers(verdict, bytes, registers);
  CLOISTER_CHECK(verdict.checks.size() == 1 && verdict.any_failed());
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(testing::make_tcg_log({{1, 8, "first"}, {2, 3, "note"}, {4, 0x80000001, "third"}}));
  const std::string json = testing::make_dstack_log({{3, "app-id", "0102"}, {0, "", "aa"}});
  seeds->push_back(to_bytes(as_bytes(json)));
}
