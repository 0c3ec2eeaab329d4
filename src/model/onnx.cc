#include "model/onnx.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/reader.h"
#include "model/name.h"

namespace cloister::model {
namespace {

constexpr unsigned kDepthMax = 32;
constexpr std::uint64_t kFieldsMax = 64'000'000;

Error corrupt() { return Error(Code::kCorrupt, "it isn't a whole ONNX model"); }

// A message of onnx.proto, as far as tensors can be below it.
enum class Message { kModel, kGraph, kNode, kAttribute, kTensor, kSparse, kFunction, kTraining, kEntry };

struct Below {
  Message of;
  std::uint64_t field;
  Message message;
};
constexpr Below kBelow[] = {{Message::kModel, 7, Message::kGraph},         {Message::kModel, 20, Message::kTraining},
                            {Message::kModel, 25, Message::kFunction},     {Message::kTraining, 1, Message::kGraph},
                            {Message::kTraining, 2, Message::kGraph},      {Message::kFunction, 7, Message::kNode},
                            {Message::kFunction, 11, Message::kAttribute}, {Message::kGraph, 1, Message::kNode},
                            {Message::kGraph, 5, Message::kTensor},        {Message::kGraph, 15, Message::kSparse},
                            {Message::kNode, 5, Message::kAttribute},      {Message::kAttribute, 5, Message::kTensor},
                            {Message::kAttribute, 6, Message::kGraph},     {Message::kAttribute, 10, Message::kTensor},
                            {Message::kAttribute, 11, Message::kGraph},    {Message::kAttribute, 22, Message::kSparse},
                            {Message::kAttribute, 23, Message::kSparse},   {Message::kSparse, 1, Message::kTensor},
                            {Message::kSparse, 2, Message::kTensor},       {Message::kTensor, 13, Message::kEntry}};

const Below* below(Message of, std::uint64_t field) {
  const auto found =
      std::ranges::find_if(kBelow, [&](const Below& entry) { return entry.of == of && entry.field == field; });
  return found == std::end(kBelow) ? nullptr : found;
}

class Scan {
 public:
  Result<OnnxReport> run(ByteView model) && {
    CLOISTER_RETURN_IF_ERROR(walk(model, Message::kModel, 0));
    if (!graph_) return corrupt();
    OnnxReport report;
    report.external.assign(files_.begin(), files_.end());
    for (const std::string& file : files_) {
      if (!is_safe_name(file)) report.leads_out.push_back(file);
    }
    return report;
  }

 private:
  static Result<std::uint64_t> number(Reader& reader) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      CLOISTER_TRY(const std::uint8_t byte, reader.u8("a number"));
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return corrupt();
  }

  Status walk(ByteView bytes, Message message, unsigned depth) {
    if (depth > kDepthMax) return corrupt();
    Reader reader(bytes);
    std::string key;
    std::optional<std::string> value;
    while (!reader.at_end()) {
      if (++fields_ > kFieldsMax) return corrupt();
      CLOISTER_TRY(const std::uint64_t tag, number(reader));
      CLOISTER_TRY(const ByteView content, content_of(reader, tag & 7));
      const std::uint64_t field = tag >> 3;
      if (field == 0) return corrupt();
      if (message == Message::kEntry && field == 1) key = as_text(content);
      if (message == Message::kEntry && field == 2) value = as_text(content);
      const Below* const inner = below(message, field);
      if (inner == nullptr) continue;
      if ((tag & 7) != 2) return corrupt();
      graph_ = graph_ || inner->message == Message::kGraph;
      CLOISTER_RETURN_IF_ERROR(walk(content, inner->message, depth + 1));
    }
    if (key != "location") return {};
    if (files_.size() == kExternalMax) return corrupt();
    files_.insert(value.value_or(""));
    return {};
  }

  static Result<ByteView> content_of(Reader& reader, std::uint64_t wire) {
    if (wire == 0) {
      CLOISTER_TRY([[maybe_unused]] const std::uint64_t value, number(reader));
      return ByteView();
    }
    if (wire == 1) return reader.bytes(8, "a number");
    if (wire == 5) return reader.bytes(4, "a number");
    if (wire != 2) return corrupt();
    CLOISTER_TRY(const std::uint64_t size, number(reader));
    if (size > reader.remaining()) return corrupt();
    return reader.bytes(static_cast<std::size_t>(size), "a message");
  }

  std::set<std::string> files_;
  std::uint64_t fields_ = 0;
  bool graph_ = false;
};

}  // namespace

Result<OnnxReport> scan_onnx(ByteView model) { return Scan().run(model); }

}  // namespace cloister::model
