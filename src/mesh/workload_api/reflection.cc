#include "mesh/workload_api/reflection.h"

#include <algorithm>
#include <set>

#include "net/protobuf.h"

namespace cloister::mesh {
namespace {

using net::ProtobufReader;
using net::ProtobufWriter;

constexpr std::size_t kRequestSizeMax = 4096;

// The fields of ServerReflectionRequest, one of which is the question, and of ServerReflectionResponse.
enum Question : std::uint32_t {
  kByFile = 3,
  kBySymbol = 4,
  kByExtension = 5,
  kExtensionNumbers = 6,
  kListServices = 7
};
enum Reply : std::uint32_t { kFiles = 4, kServices = 6, kError = 7 };

struct Asked {
  std::string_view host;
  std::uint32_t question = 0;
  ByteView about;
};

Result<Asked> parse_request(ByteView request) {
  if (request.size() > kRequestSizeMax) return Error(Code::kInvalid, "the request is too long");
  Asked asked;
  ProtobufReader reader(request);
  for (;;) {
    CLOISTER_TRY(const auto field, reader.next());
    if (!field) break;
    if (field->number == 1) {
      CLOISTER_TRY(asked.host, field->as_string("host", kRequestSizeMax));
    } else if (field->number >= kByFile && field->number <= kListServices) {
      CLOISTER_TRY(asked.about, field->as_message("message_request"));
      asked.question = field->number;
    }
  }
  if (asked.question == 0) return Error(Code::kInvalid, "the request asks for nothing");
  return asked;
}

net::Buffer not_found(std::string_view what) {
  net::Buffer error;
  ProtobufWriter(error).number(1, static_cast<std::uint64_t>(net::GrpcCode::kNotFound)).text(2, what);
  return error;
}

class Conversation final : public net::GrpcReceiver {
 public:
  Conversation(const Reflection& reflection, std::shared_ptr<net::GrpcCall> call)
      : reflection_(reflection), call_(std::move(call)) {}

  void message(net::Buffer message) override {
    auto answer = reflection_.answer(message);
    if (answer.ok()) return call_->send(std::move(*answer));
    call_->finish({net::GrpcCode::kInvalidArgument, answer.error().message()});
  }
  void half_closed() override { call_->finish({}); }
  void gone() override {}

 private:
  const Reflection& reflection_;
  std::shared_ptr<net::GrpcCall> call_;
};

}  // namespace

Reflection::Reflection(std::vector<std::string> services, std::vector<DescribedFile> files)
    : services_(std::move(services)), files_(std::move(files)) {}

std::unique_ptr<net::GrpcReceiver> Reflection::begin(std::shared_ptr<net::GrpcCall> call) {
  if (!call->head().path().ends_with("/ServerReflectionInfo")) return nullptr;
  return std::make_unique<Conversation>(*this, std::move(call));
}

Result<net::Buffer> Reflection::answer(ByteView request) const {
  CLOISTER_TRY(const Asked asked, parse_request(request));
  net::Buffer out;
  ProtobufWriter writer(out);
  writer.text(1, asked.host).present(2, request);
  if (asked.question == kListServices) {
    writer.present(kServices, list_services());
    return out;
  }
  const std::string_view about = as_text(asked.about);
  const DescribedFile* file = nullptr;
  if (asked.question == kByFile) file = find_file(about);
  if (asked.question == kBySymbol) file = find_symbol(about);
  if (file == nullptr) {
    writer.present(kError, not_found("no such file, symbol or extension"));
    return out;
  }
  net::Buffer files;
  ProtobufWriter(files).present(1, file->descriptor);
  for (const std::string& import : file->imports) {
    const DescribedFile* imported = find_file(import);
    if (imported != nullptr) ProtobufWriter(files).present(1, imported->descriptor);
  }
  writer.present(kFiles, files);
  return out;
}

net::Buffer Reflection::list_services() const {
  net::Buffer list;
  for (const std::string& name : services_) {
    net::Buffer service;
    ProtobufWriter(service).text(1, name);
    ProtobufWriter(list).present(1, service);
  }
  return list;
}

const DescribedFile* Reflection::find_file(std::string_view name) const {
  const auto found = std::ranges::find(files_, name, &DescribedFile::name);
  return found == files_.end() ? nullptr : &*found;
}

// A symbol within another, a method or a field, is in the file of the other.
const DescribedFile* Reflection::find_symbol(std::string_view symbol) const {
  for (;;) {
    for (const DescribedFile& file : files_) {
      if (std::ranges::find(file.symbols, symbol) != file.symbols.end()) return &file;
    }
    const std::size_t dot = symbol.rfind('.');
    if (dot == std::string_view::npos) return nullptr;
    symbol = symbol.substr(0, dot);
  }
}

}  // namespace cloister::mesh
