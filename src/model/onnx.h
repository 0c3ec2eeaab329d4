// Which other files an ONNX model wants to be read with it. A loader opens them by the names that the model gives.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::model {

inline constexpr std::size_t kOnnxSizeMax = std::size_t{512} << 20;
inline constexpr std::size_t kExternalMax = 65'536;

struct OnnxReport {
  std::vector<std::string> external;   // sorted
  std::vector<std::string> leads_out;  // of those, the ones that aren't safe names
};

// kCorrupt for what is no ModelProto with a graph, or lies about lengths.
Result<OnnxReport> scan_onnx(ByteView model);

}  // namespace cloister::model
