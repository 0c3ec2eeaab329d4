// Tensors as the Open Inference Protocol writes them in JSON (version 2, as KServe and Triton speak it): what engines
// here are asked with and answer. docs/inference.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "net/buffer.h"

namespace cloister::worker {

enum class ElementType { kBool, kUint8, kUint16, kUint32, kUint64, kInt8, kInt16, kInt32, kInt64, kFp32, kFp64 };
std::string_view element_name(ElementType type);  // "FP32"
std::size_t element_size(ElementType type);

inline constexpr std::size_t kTensorsMax = 64;
inline constexpr std::size_t kTensorRankMax = 8;
inline constexpr std::size_t kTensorBytesMax = std::size_t{64} << 20;

struct Tensor {
  std::string name;
  ElementType type = ElementType::kFp32;
  std::vector<std::int64_t> shape;  // each at least 0
  net::Buffer data;                 // row by row, as this machine holds numbers

  // The product of the shape.
  std::size_t count() const;
};

struct InferenceQuestion {
  std::string id;  // of the caller, given back; may be empty
  std::vector<Tensor> inputs;
  std::vector<std::string> outputs;  // empty: all
};

// kInvalid, without a word of what was in it: not JSON, an entry of the wrong kind, a number that doesn't fit its type,
// data that doesn't fit its shape (nested lists are flattened), nested deeper than a tensor can be, beyond a limit.
// Unknown entries are passed over, as the protocol has it; BYTES and FP16 aren't spoken here.
Result<InferenceQuestion> parse_inference_question(ByteView json);
// {"model_name":…,"id":…,"outputs":[{"name","datatype","shape","data"}]}. Infinities and NaN become null.
net::Buffer write_inference_answer(std::string_view model, std::string_view id, const std::vector<Tensor>& outputs);

}  // namespace cloister::worker
