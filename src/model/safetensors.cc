#include "model/safetensors.h"

#include <algorithm>

#include "base/json.h"

namespace cloister::model {
namespace {

constexpr std::size_t kLengthSize = 8;
constexpr std::size_t kDimensionsMax = 64;
constexpr JsonLimits kLimits{.size = kSafetensorsHeaderMax, .depth = 4, .values = 16 * kTensorsMax};

struct NumberType {
  std::string_view name;
  std::uint64_t bits;
};
constexpr NumberType kTypes[] = {{"BOOL", 8},    {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8}, {"F8_E4M3", 8},
                                 {"F8_E8M0", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16},    {"BF16", 16},
                                 {"I32", 32},    {"U32", 32}, {"F32", 32}, {"I64", 64},    {"U64", 64},
                                 {"F64", 64},    {"C64", 64}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}};

Error corrupt(std::string message) { return Error(Code::kCorrupt, std::move(message)); }

Status check_metadata(const JsonValue& value) {
  if (value.object() == nullptr) return corrupt("its metadata isn't an object");
  for (const JsonValue::Member& member : *value.object()) {
    if (member.second.string() == nullptr) return corrupt("its metadata isn't text");
  }
  return {};
}

Result<std::vector<std::uint64_t>> numbers_of(const JsonValue& tensor, std::string_view name) {
  const JsonValue* const list = tensor.find(name);
  if (list == nullptr || list->array() == nullptr || list->array()->size() > kDimensionsMax) {
    return corrupt("a tensor has no " + std::string(name));
  }
  std::vector<std::uint64_t> out;
  for (const JsonValue& entry : *list->array()) {
    const auto number = entry.unsigned_integer();
    if (!number) return corrupt("the " + std::string(name) + " of a tensor aren't numbers");
    out.push_back(*number);
  }
  return out;
}

Result<Tensor> read_tensor(const JsonValue::Member& member, std::uint64_t data_size) {
  Tensor tensor;
  tensor.name = member.first;
  const JsonValue* const type = member.second.find("dtype");
  if (type == nullptr || type->string() == nullptr) return corrupt("a tensor has no dtype");
  const auto known = std::ranges::find(kTypes, *type->string(), &NumberType::name);
  if (known == std::end(kTypes)) return Error(Code::kUnsupported, "a tensor of an unknown type of numbers");
  tensor.type = known->name;
  CLOISTER_TRY(tensor.shape, numbers_of(member.second, "shape"));
  CLOISTER_TRY(const auto offsets, numbers_of(member.second, "data_offsets"));
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size) {
    return corrupt("a tensor lies outside of the file");
  }
  const auto bits = size_of_shape(tensor.shape, known->bits);
  if (!bits || *bits % 8 != 0 || *bits / 8 != offsets[1] - offsets[0]) {
    return corrupt("a tensor's length isn't that of its shape");
  }
  tensor.begin = offsets[0];
  tensor.end = offsets[1];
  return tensor;
}

}  // namespace

std::optional<std::uint64_t> size_of_shape(const std::vector<std::uint64_t>& shape, std::uint64_t unit) {
  std::uint64_t size = unit;
  for (const std::uint64_t dimension : shape) {
    if (__builtin_mul_overflow(size, dimension, &size)) return std::nullopt;
  }
  return size;
}

Result<std::vector<Tensor>> parse_safetensors(std::string_view header, std::uint64_t file_size) {
  const std::size_t first = header.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || header[first] != '{')
    return corrupt("its header doesn't begin with an object");
  if (file_size < kLengthSize || header.size() > file_size - kLengthSize)
    return corrupt("its header is longer than it");
  const std::uint64_t data_size = file_size - kLengthSize - header.size();
  const auto root = parse_json(header, kLimits);
  if (!root.ok()) return corrupt("its header " + root.error().message());
  if (root->object() == nullptr) return corrupt("its header isn't an object");
  if (root->object()->size() > kTensorsMax) return corrupt("it has too many tensors");
  std::vector<Tensor> tensors;
  for (const JsonValue::Member& member : *root->object()) {
    if (member.first == "__metadata__") {
      CLOISTER_RETURN_IF_ERROR(check_metadata(member.second));
      continue;
    }
    CLOISTER_TRY(Tensor tensor, read_tensor(member, data_size));
    tensors.push_back(std::move(tensor));
  }
  std::ranges::sort(tensors, [](const Tensor& a, const Tensor& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t at = 0;
  for (Tensor& tensor : tensors) {
    if (tensor.begin != at) return corrupt("its tensors leave gaps or overlap");
    at = tensor.end;
    tensor.begin += kLengthSize + header.size();
    tensor.end += kLengthSize + header.size();
  }
  if (at != data_size) return corrupt("it is longer than its tensors");
  return tensors;
}

Result<std::vector<Tensor>> read_safetensors(const File& file) {
  CLOISTER_TRY(const std::uint64_t size, file.size());
  std::uint8_t length[kLengthSize];
  if (size < sizeof length) return corrupt("it is shorter than a header");
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, length));
  const auto header_size = load_le<std::uint64_t>(length);
  if (header_size < 2 || header_size > kSafetensorsHeaderMax || header_size > size - sizeof length) {
    return corrupt("its header can't be " + std::to_string(header_size) + " bytes long");
  }
  std::string header(static_cast<std::size_t>(header_size), '\0');
  CLOISTER_RETURN_IF_ERROR(
      file.read_at(sizeof length, {reinterpret_cast<std::uint8_t*>(header.data()), header.size()}));
  return parse_safetensors(header, size);
}

}  // namespace cloister::model
