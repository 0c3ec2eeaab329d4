#include "worker/inference/tensor.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace cloister::worker {
namespace {

using Json = nlohmann::json;

struct ElementFacts {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<ElementFacts, 11> kElements = {{{"BOOL", 1},
                                                     {"UINT8", 1},
                                                     {"UINT16", 2},
                                                     {"UINT32", 4},
                                                     {"UINT64", 8},
                                                     {"INT8", 1},
                                                     {"INT16", 2},
                                                     {"INT32", 4},
                                                     {"INT64", 8},
                                                     {"FP32", 4},
                                                     {"FP64", 8}}};

constexpr std::size_t kNameSizeMax = 256;
// The question, its list of inputs, an input, and a list for each dimension.
constexpr std::size_t kNestingMax = 3 + kTensorRankMax;

Error wrong(std::string_view what) { return Error(Code::kInvalid, "the question: " + std::string(what)); }

// Before it is parsed: a list within a list costs a hundred times the byte that it takes here.
bool is_too_deep(ByteView json) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::uint8_t c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kNestingMax) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

std::optional<ElementType> element_of(std::string_view name) {
  for (std::size_t i = 0; i < kElements.size(); ++i) {
    if (kElements[i].name == name) return static_cast<ElementType>(i);
  }
  return std::nullopt;
}

// Calls `use` with a value of the C++ type.
template <typename Use>
auto with_type(ElementType type, Use use) {
  switch (type) {
    case ElementType::kBool: return use(bool{});
    case ElementType::kUint8: return use(std::uint8_t{});
    case ElementType::kUint16: return use(std::uint16_t{});
    case ElementType::kUint32: return use(std::uint32_t{});
    case ElementType::kUint64: return use(std::uint64_t{});
    case ElementType::kInt8: return use(std::int8_t{});
    case ElementType::kInt16: return use(std::int16_t{});
    case ElementType::kInt32: return use(std::int32_t{});
    case ElementType::kInt64: return use(std::int64_t{});
    case ElementType::kFp32: return use(float{});
    case ElementType::kFp64: return use(double{});
  }
  CLOISTER_CHECK(false);
}

template <typename Number>
std::optional<Number> number_of(const Json& json) {
  if constexpr (std::is_same_v<Number, bool>) {
    if (json.is_boolean()) return json.get<bool>();
    return std::nullopt;
  } else if constexpr (std::is_floating_point_v<Number>) {
    if (!json.is_number()) return std::nullopt;
    const auto value = json.get<double>();
    if (std::abs(value) > static_cast<double>(std::numeric_limits<Number>::max())) return std::nullopt;
    return static_cast<Number>(value);
  } else {
    if (json.is_number_unsigned()) {
      const auto value = json.get<std::uint64_t>();
      if (value > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) return std::nullopt;
      return static_cast<Number>(value);
    }
    if (!json.is_number_integer()) return std::nullopt;
    const auto value = json.get<std::int64_t>();  // negative
    if (std::is_unsigned_v<Number> || value < static_cast<std::int64_t>(std::numeric_limits<Number>::min())) {
      return std::nullopt;
    }
    return static_cast<Number>(value);
  }
}

// False for what isn't such numbers, or more of them than there is room for.
template <typename Number>
bool fill(const Json& json, std::size_t depth, net::Buffer& out, std::size_t bytes_max) {
  if (depth > kTensorRankMax) return false;
  for (const Json& item : json) {
    if (item.is_array()) {
      if (!fill<Number>(item, depth + 1, out, bytes_max)) return false;
      continue;
    }
    const std::optional<Number> number = number_of<Number>(item);
    if (!number || bytes_max - out.size() < sizeof(Number)) return false;
    const std::size_t at = out.size();
    out.resize(at + sizeof(Number));
    std::memcpy(out.data() + at, &*number, sizeof(Number));
  }
  return true;
}

Result<std::string> name_in(const Json& json) {
  const auto name = json.find("name");
  if (name == json.end() || !name->is_string()) return wrong("a tensor without a name");
  auto text = name->get<std::string>();
  if (text.empty() || text.size() > kNameSizeMax) return wrong("a tensor's name is too long, or empty");
  return text;
}

Result<std::vector<std::int64_t>> shape_in(const Json& json, std::size_t size) {
  const auto shape = json.find("shape");
  if (shape == json.end() || !shape->is_array() || shape->size() > kTensorRankMax) return wrong("a tensor's shape");
  std::vector<std::int64_t> out;
  std::size_t bytes = size;
  for (const Json& dimension : *shape) {
    if (!dimension.is_number_unsigned()) return wrong("a tensor's shape isn't whole numbers");
    const auto value = dimension.get<std::uint64_t>();
    if (value > kTensorBytesMax || (value > 0 && bytes > kTensorBytesMax / value))
      return wrong("a tensor is too large");
    bytes *= value;
    out.push_back(static_cast<std::int64_t>(value));
  }
  return out;
}

Result<Tensor> tensor_in(const Json& json) {
  if (!json.is_object()) return wrong("an input isn't an object");
  Tensor tensor;
  CLOISTER_TRY(tensor.name, name_in(json));
  const auto datatype = json.find("datatype");
  const auto type =
      datatype == json.end() || !datatype->is_string() ? std::nullopt : element_of(datatype->get<std::string>());
  if (!type) return wrong("a tensor's datatype isn't one of those spoken here");
  tensor.type = *type;
  CLOISTER_TRY(tensor.shape, shape_in(json, element_size(*type)));
  const std::size_t bytes = tensor.count() * element_size(*type);
  const auto data = json.find("data");
  if (data == json.end() || !data->is_array()) return wrong("a tensor without data");
  const bool fits = with_type(*type, [&](auto number) {
    return fill<decltype(number)>(*data, 1, tensor.data, bytes) && tensor.data.size() == bytes;
  });
  if (!fits) return wrong("a tensor's data doesn't fit its shape and type");
  return tensor;
}

void write_string(net::Buffer& out, std::string_view text) {
  net::append(out, std::string_view(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)));
}

template <typename Number>
void write_number(net::Buffer& out, Number number) {
  if constexpr (std::is_same_v<Number, bool>) {
    net::append(out, number ? std::string_view("true") : std::string_view("false"));
  } else {
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(number)) return net::append(out, std::string_view("null"));
    }
    char text[40];
    const auto [end, problem] = std::to_chars(text, text + sizeof text, number);
    CLOISTER_CHECK(problem == std::errc());
    net::append(out, std::string_view(text, static_cast<std::size_t>(end - text)));
  }
}

void write_tensor(net::Buffer& out, const Tensor& tensor) {
  net::append(out, std::string_view("{\"name\":"));
  write_string(out, tensor.name);
  net::append(out, std::string_view(",\"datatype\":\""));
  net::append(out, element_name(tensor.type));
  net::append(out, std::string_view("\",\"shape\":["));
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    if (i > 0) out.push_back(',');
    write_number(out, tensor.shape[i]);
  }
  net::append(out, std::string_view("],\"data\":["));
  with_type(tensor.type, [&](auto number) {
    for (std::size_t at = 0; at < tensor.data.size(); at += sizeof number) {
      if (at > 0) out.push_back(',');
      std::memcpy(&number, tensor.data.data() + at, sizeof number);
      write_number(out, number);
    }
  });
  net::append(out, std::string_view("]}"));
}

}  // namespace

std::string_view element_name(ElementType type) { return kElements[static_cast<std::size_t>(type)].name; }
std::size_t element_size(ElementType type) { return kElements[static_cast<std::size_t>(type)].size; }

std::size_t Tensor::count() const {
  std::size_t count = 1;
  for (const std::int64_t dimension : shape) count *= static_cast<std::size_t>(dimension);
  return count;
}

Result<InferenceQuestion> parse_inference_question(ByteView json) {
  if (is_too_deep(json)) return wrong("its lists are nested too deeply");
  const Json document = Json::parse(json.begin(), json.end(), nullptr, false);
  if (!document.is_object()) return wrong("it isn't a JSON object");
  InferenceQuestion question;
  if (const auto id = document.find("id"); id != document.end()) {
    if (!id->is_string() || id->get_ref<const std::string&>().size() > kNameSizeMax)
      return wrong("its id isn't a text");
    question.id = id->get<std::string>();
  }
  const auto inputs = document.find("inputs");
  if (inputs == document.end() || !inputs->is_array() || inputs->empty() || inputs->size() > kTensorsMax) {
    return wrong("it needs a list of inputs");
  }
  for (const Json& input : *inputs) {
    CLOISTER_TRY(Tensor tensor, tensor_in(input));
    question.inputs.push_back(std::move(tensor));
  }
  const auto outputs = document.find("outputs");
  if (outputs == document.end()) return question;
  if (!outputs->is_array() || outputs->size() > kTensorsMax) return wrong("its outputs aren't a list");
  for (const Json& output : *outputs) {
    if (!output.is_object()) return wrong("an output isn't an object");
    CLOISTER_TRY(std::string name, name_in(output));
    question.outputs.push_back(std::move(name));
  }
  return question;
}

net::Buffer write_inference_answer(std::string_view model, std::string_view id, const std::vector<Tensor>& outputs) {
  net::Buffer out = net::to_buffer("{\"model_name\":");
  write_string(out, model);
  if (!id.empty()) {
    net::append(out, std::string_view(",\"id\":"));
    write_string(out, id);
  }
  net::append(out, std::string_view(",\"outputs\":["));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) out.push_back(',');
    write_tensor(out, outputs[i]);
  }
  net::append(out, std::string_view("]}"));
  return out;
}

}  // namespace cloister::worker
