// Event logs made by tests.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::testing {

struct MadeEvent {
  std::uint32_t index = 1;
  std::uint32_t type = 8;
  std::string data;  // its SHA-384 is the digest
};
// Crypto-agile, SHA-384 alone, without padding.
Bytes make_tcg_log(const std::vector<MadeEvent>& events);

struct MadeDstackEvent {
  int index = 3;  // from 0
  std::string name;
  std::string payload_hex;
};
// Runtime events in register 3, others elsewhere.
std::string make_dstack_log(const std::vector<MadeDstackEvent>& events);

}  // namespace cloister::testing
