#include "model/gguf.h"

#include <algorithm>
#include <set>

#include "base/reader.h"

namespace cloister::model {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint64_t kValuesMax = 65'536;
constexpr std::uint64_t kKeyMax = 65'535;
constexpr std::size_t kTensorNameMax = 63;
constexpr std::uint32_t kDimensionsMax = 4;
constexpr std::uint64_t kAlignmentDefault = 32;
constexpr std::uint64_t kAlignmentMax = 65'536;

constexpr std::uint32_t kUint32 = 4, kText = 8, kArray = 9;
// Bytes of each type of value; 0: it says its length itself.
constexpr std::size_t kValueSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct TensorType {
  std::uint32_t id;
  std::string_view name;
  std::uint32_t block, bytes;  // numbers in a block, and its size
};
constexpr TensorType kTensorTypes[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},      {3, "Q4_1", 32, 20},
    {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},      {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},
    {10, "Q2_K", 256, 84},    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},   {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},
    {22, "IQ2_S", 256, 82},   {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56},
    {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17}};

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Result<std::string_view> read_text(Reader& reader, std::uint64_t size_max, std::string_view what) {
  CLOISTER_TRY(const std::uint64_t size, reader.u64(what));
  if (size > size_max || size > reader.remaining()) return corrupt(std::string(what) + " can't be that long");
  CLOISTER_TRY(const ByteView text, reader.bytes(static_cast<std::size_t>(size), what));
  return as_text(text);
}

Status skip_text(Reader& reader) {
  CLOISTER_TRY([[maybe_unused]] const auto text, read_text(reader, kGgufHeadMax, "a text"));
  return {};
}

Status skip_array(Reader& reader) {
  CLOISTER_TRY(const std::uint32_t type, reader.u32("the type of a list"));
  CLOISTER_TRY(const std::uint64_t count, reader.u64("the length of a list"));
  if (type >= std::size(kValueSizes) || type == kArray) return corrupt("a list of an unknown type, or of lists");
  const std::size_t size = kValueSizes[type];
  // A text takes at least its length.
  if (count > reader.remaining() / (size == 0 ? 8 : size)) return corrupt("a list is longer than the file");
  if (size != 0) {
    CLOISTER_TRY([[maybe_unused]] const ByteView list, reader.bytes(static_cast<std::size_t>(count) * size, "a list"));
    return {};
  }
  for (std::uint64_t i = 0; i < count; ++i) CLOISTER_RETURN_IF_ERROR(skip_text(reader));
  return {};
}

Status skip_value(Reader& reader, std::uint32_t type) {
  if (type >= std::size(kValueSizes)) return corrupt("a value of an unknown type");
  if (type == kArray) return skip_array(reader);
  if (type == kText) return skip_text(reader);
  CLOISTER_TRY([[maybe_unused]] const ByteView value, reader.bytes(kValueSizes[type], "a value"));
  return {};
}

Status read_metadata(Reader& reader, GgufMap& map, std::uint64_t& alignment) {
  std::set<std::string_view> keys;
  for (std::uint64_t i = 0; i < map.metadata; ++i) {
    CLOISTER_TRY(const std::string_view key, read_text(reader, kKeyMax, "a key"));
    if (key.empty() || !is_plain_utf8(key)) return corrupt("a key isn't text");
    if (!keys.insert(key).second) return corrupt("a key is there twice");
    CLOISTER_TRY(const std::uint32_t type, reader.u32("the type of a value"));
    if (key == "general.alignment") {
      if (type != kUint32) return corrupt("its alignment isn't a number");
      CLOISTER_TRY(alignment, reader.u32("the alignment"));
      if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kAlignmentMax) {
        return corrupt("its alignment is no power of two that it can be");
      }
      continue;
    }
    if (key.starts_with("tokenizer.chat_template")) map.chat_template = true;
    CLOISTER_RETURN_IF_ERROR(skip_value(reader, type));
  }
  return {};
}

Result<Tensor> read_tensor(Reader& reader) {
  Tensor tensor;
  CLOISTER_TRY(const std::string_view name, read_text(reader, kTensorNameMax, "a tensor's name"));
  if (name.empty() || !is_plain_utf8(name)) return corrupt("a tensor's name isn't text");
  tensor.name = name;
  CLOISTER_TRY(const std::uint32_t dimensions, reader.u32("a tensor's dimensions"));
  if (dimensions > kDimensionsMax) return corrupt("a tensor has too many dimensions");
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    CLOISTER_TRY(const std::uint64_t dimension, reader.u64("a dimension"));
    tensor.shape.push_back(dimension);
  }
  CLOISTER_TRY(const std::uint32_t id, reader.u32("a tensor's type"));
  const auto type = std::ranges::find(kTensorTypes, id, &TensorType::id);
  if (type == std::end(kTensorTypes)) return Error(Code::kUnsupported, "a tensor of an unknown type of numbers");
  tensor.type = type->name;
  CLOISTER_TRY(tensor.begin, reader.u64("a tensor's place"));
  const auto count = size_of_shape(tensor.shape, 1);
  const std::uint64_t row = tensor.shape.empty() ? 1 : tensor.shape.front();
  std::uint64_t size = 0;
  if (!count || row % type->block != 0 || __builtin_mul_overflow(*count / type->block, type->bytes, &size) ||
      __builtin_add_overflow(tensor.begin, size, &tensor.end)) {
    return corrupt("a tensor's shape is none that it can have");
  }
  return tensor;
}

Status place_tensors(std::vector<Tensor>& tensors, std::uint64_t alignment, std::uint64_t data,
                     std::uint64_t file_size) {
  std::set<std::string_view> names;
  for (const Tensor& tensor : tensors) {
    if (!names.insert(tensor.name).second) return corrupt("a tensor is there twice");
    if (tensor.begin % alignment != 0) return corrupt("a tensor isn't aligned");
    if (data > file_size || tensor.end > file_size - data) return corrupt("a tensor lies outside of the file");
  }
  std::vector<const Tensor*> sorted;
  for (const Tensor& tensor : tensors) sorted.push_back(&tensor);
  std::ranges::sort(sorted, {}, [](const Tensor* tensor) { return std::pair(tensor->begin, tensor->end); });
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->begin < sorted[i - 1]->end) return corrupt("its tensors lie over each other");
  }
  for (Tensor& tensor : tensors) {
    tensor.begin += data;
    tensor.end += data;
  }
  return {};
}

}  // namespace

Result<GgufMap> parse_gguf(ByteView head, std::uint64_t file_size) {
  Reader reader(head);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "the magic"));
  if (as_text(magic) != kMagic) return corrupt("it isn't GGUF");
  CLOISTER_TRY(const std::uint32_t version, reader.u32("the version"));
  if (version != 2 && version != 3) return Error(Code::kUnsupported, "another version than 2 and 3");
  CLOISTER_TRY(const std::uint64_t tensors, reader.u64("the number of tensors"));
  GgufMap map;
  CLOISTER_TRY(map.metadata, reader.u64("the number of values"));
  if (tensors > kTensorsMax || map.metadata > kValuesMax) return corrupt("it says that it has too much in it");
  std::uint64_t alignment = kAlignmentDefault;
  CLOISTER_RETURN_IF_ERROR(read_metadata(reader, map, alignment));
  for (std::uint64_t i = 0; i < tensors; ++i) {
    CLOISTER_TRY(Tensor tensor, read_tensor(reader));
    map.tensors.push_back(std::move(tensor));
  }
  const std::uint64_t data = (reader.offset() + alignment - 1) / alignment * alignment;
  CLOISTER_RETURN_IF_ERROR(place_tensors(map.tensors, alignment, data, file_size));
  return map;
}

Result<GgufMap> read_gguf(const File& file) {
  CLOISTER_TRY(const std::uint64_t size, file.size());
  Bytes head(static_cast<std::size_t>(std::min(size, kGgufHeadMax)));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, head));
  return parse_gguf(head, size);
}

}  // namespace cloister::model
