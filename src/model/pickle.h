// Pickles are programs for a machine that imports and calls what they name. They are read here without running them:
// what they would import, and whether they would call it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::model {

inline constexpr std::size_t kPickleNamesMax = 1024;

struct PickleReport {
  std::vector<std::string> imports;  // "os.system", sorted; "?" for a name that is put together while it runs
  bool calls = false;
};

// Every pickle that follows another, too. kCorrupt for what is cut short or no pickle.
Result<PickleReport> scan_pickle(ByteView pickle);

}  // namespace cloister::model
