// RT-M05: files of models whose lengths lie, that run code, that grow when they are unpacked, or that lead elsewhere.
#include "base/reader.h"
#include "redteam/model_attacks.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kRemedy =
    "a file is taken that lies or runs code: load formats that hold numbers alone, and look at files before they are "
    "loaded (cloister model check)";
constexpr std::string_view kTensor = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

Bytes safetensors(std::string_view header, std::uint64_t length, std::size_t data) {
  Writer writer;
  writer.u64(length).bytes(as_bytes(header)).zeros(data);
  return writer.take();
}
Bytes safetensors(std::string_view header, std::size_t data = 8) { return safetensors(header, header.size(), data); }

// Version 3, with so many tensors and values, and what follows.
Bytes gguf(std::uint64_t tensors, std::uint64_t values, const Bytes& rest = {}) {
  Writer writer;
  writer.bytes(as_bytes("GGUF")).u32(3).u64(tensors).u64(values).bytes(rest);
  return writer.take();
}

Bytes gguf_tensor(std::uint64_t dimension, std::uint64_t offset) {
  Writer writer;
  writer.u64(1).bytes(as_bytes("a")).u32(1).u64(dimension).u32(0).u64(offset);
  // The head before it takes 24 bytes; numbers begin at the next multiple of 32.
  writer.zeros(64 - 24 - writer.size());
  return writer.zeros(32).take();
}

// A zip archive of one stored member, whose directory says these things.
Bytes archive(std::string_view name, std::string_view content, std::uint32_t said_size, bool stored = true) {
  Writer writer;
  const auto size = static_cast<std::uint32_t>(content.size());
  const auto method = static_cast<std::uint16_t>(stored ? 0 : 8);
  const auto name_size = static_cast<std::uint16_t>(name.size());
  writer.u32(0x04034b50).u16(20).u16(0).u16(method).u32(0).u32(0).u32(size).u32(said_size).u16(name_size).u16(0);
  writer.bytes(as_bytes(name)).bytes(as_bytes(content));
  const auto directory = static_cast<std::uint32_t>(writer.size());
  writer.u32(0x02014b50).u16(20).u16(20).u16(0).u16(method).u32(0).u32(0).u32(size).u32(said_size).u16(name_size);
  writer.u16(0).u16(0).u16(0).u16(0).u32(0).u32(0).bytes(as_bytes(name));
  const auto directory_size = static_cast<std::uint32_t>(writer.size()) - directory;
  writer.u32(0x06054b50).u16(0).u16(0).u16(1).u16(1).u32(directory_size).u32(directory).u16(0);
  return writer.take();
}

constexpr std::size_t kEndSize = 22;

Bytes whole_archive(std::string_view name, std::string_view content) {
  return archive(name, content, static_cast<std::uint32_t>(content.size()));
}

// Two archives in one file, and what readers look for at its end; `middle` stands before that.
Bytes two_archives(const Bytes& first, const Bytes& second, const Bytes& middle = {}) {
  const ByteView kept = first;
  Writer writer;
  writer.bytes(kept.first(kept.size() - kEndSize)).bytes(ByteView(second).first(second.size() - kEndSize));
  return writer.bytes(middle).bytes(kept.last(kEndSize)).take();
}

// Its end has a comment, which is the second archive with its own end.
Bytes archive_in_comment(const Bytes& first, const Bytes& second) {
  Writer writer;
  writer.bytes(ByteView(first).first(first.size() - 2)).u16(static_cast<std::uint16_t>(second.size()));
  return writer.bytes(ByteView(second).first(second.size() - 2)).u16(1).take();
}

// The 64-bit end of another directory, of one member and this place.
Bytes wide_end(std::uint64_t offset, std::uint64_t size, std::uint64_t own_offset) {
  Writer writer;
  writer.u32(0x06064b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(1).u64(1).u64(size).u64(offset);
  return writer.u32(0x07064b50).u32(0).u64(own_offset).u32(1).take();
}

Bytes field_of(std::uint8_t number, std::string_view content) {
  Writer writer;
  writer.u8(static_cast<std::uint8_t>(number << 3 | 2)).u8(static_cast<std::uint8_t>(content.size()));
  return writer.bytes(as_bytes(content)).take();
}

// A graph with one tensor, whose bytes lie in another file.
Bytes onnx(std::string_view location) {
  Bytes entry = field_of(1, "location");
  const Bytes value = field_of(2, location);
  entry.insert(entry.end(), value.begin(), value.end());
  const Bytes tensor = field_of(13, as_text(entry));
  const Bytes graph = field_of(5, as_text(tensor));
  return field_of(7, as_text(graph));
}

const std::string kRunsSystem = "cos\nsystem\n(S'true'\ntR.";
const std::string kStackGlobal = std::string("\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.", 24);

const std::string kArrayOfObjects = std::string("\x93NUMPY\x01\x00\x3c\x00", 10) +
                                    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }   \n" + kRunsSystem;

struct MaliciousFile {
  const char* what;
  const char* name;
  Bytes bytes;
};

std::vector<MaliciousFile> lying_lengths() {
  std::string deep = R"({"a":)";
  for (int i = 0; i < 1000; ++i) deep += '[';
  return {
      {"a safetensors header of 2^63 bytes", "a.safetensors", safetensors(kTensor, std::uint64_t{1} << 63, 8)},
      {"a safetensors header longer than the file", "a.safetensors", safetensors(kTensor, 4096, 8)},
      {"tensors that lie outside of the file", "a.safetensors", safetensors(kTensor, 4)},
      {"bytes that no tensor has", "a.safetensors", safetensors(kTensor, 64)},
      {"a shape that overflows", "a.safetensors",
       safetensors(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0)},
      {"tensors over each other", "a.safetensors",
       safetensors(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],)"
                   R"("data_offsets":[4,8]}})")},
      {"a name twice", "a.safetensors",
       safetensors(R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[8],)"
                   R"("data_offsets":[0,8]}})")},
      {"a header of a thousand levels", "a.safetensors", safetensors(deep, 0)},
      {"GGUF with 2^63 tensors", "a.gguf", gguf(std::uint64_t{1} << 63, 0)},
      {"GGUF with 2^63 values", "a.gguf", gguf(0, std::uint64_t{1} << 63)},
      {"GGUF with a key of 2^63 bytes", "a.gguf", gguf(0, 1, Writer().u64(std::uint64_t{1} << 63).take())},
      {"GGUF with a list of 2^61 numbers", "a.gguf",
       gguf(0, 1, Writer().u64(1).u8('a').u32(9).u32(4).u64(std::uint64_t{1} << 61).take())},
      {"GGUF with a tensor outside of the file", "a.gguf", gguf(1, 0, gguf_tensor(2, 1 << 20))},
      {"GGUF with a shape that overflows", "a.gguf", gguf(1, 0, gguf_tensor(std::uint64_t{1} << 63, 0))},
  };
}

std::vector<MaliciousFile> running_code() {
  return {
      {"a pickle that calls os.system", "a.pkl", to_bytes(as_bytes(kRunsSystem))},
      {"the same in protocol 4", "model.bin", to_bytes(as_bytes(kStackGlobal))},
      {"a checkpoint whose pickle calls os.system", "a.pt",
       archive("a/data.pkl", kRunsSystem, static_cast<std::uint32_t>(kRunsSystem.size()))},
      {"a checkpoint whose pickle is compressed", "a.pt", archive("a/data.pkl", "12345678", 16, false)},
      {"an archive with a pickle among its members", "a.zip", whole_archive("weights.pth", kRunsSystem)},
      {"an array of objects", "a.npz", whole_archive("a.npy", kArrayOfObjects)},
      {"a pickle with a safetensors' name", "a.safetensors", to_bytes(as_bytes(kStackGlobal))},
      {"code beside the weights", "modeling.py", to_bytes(as_bytes("print('ran')\n"))},
      {"a library", "a.bin",
       to_bytes(as_bytes("\x7f"
                         "ELF canary"))},
  };
}

// Archives that readers don't agree on: what is looked at isn't what is loaded.
std::vector<MaliciousFile> two_stories() {
  const std::string padding(kRunsSystem.size(), 'x');
  const Bytes plain = whole_archive("a/data.txt", padding), evil = whole_archive("a/data.pkl", kRunsSystem);
  const std::size_t kept = plain.size() - kEndSize;
  const std::size_t directory = kept - 46 - std::string_view("a/data.pkl").size();
  return {
      {"an archive in an archive's comment", "a.pt", archive_in_comment(plain, evil)},
      {"an archive with a second, 64-bit end", "a.pt",
       two_archives(plain, evil, wide_end(kept + directory, kept - directory, 2 * kept))},
      {"an archive whose directory isn't where it says", "a.pt", two_archives(plain, evil)},
  };
}

std::vector<MaliciousFile> leading_out() {
  return {
      {"an archive with a name that leads out", "a.npz", archive("../a.npy", "x", 1)},
      {"an archive with an absolute name", "a.npz", archive("/tmp/a.npy", "x", 1)},
      {"an archive that grows a millionfold", "a.npz", archive("a.npy", "12345678", 8'000'000, false)},
      {"a stored member that says it is longer", "a.npz", archive("a.npy", "12345678", 4096)},
      {"ONNX data that lies outside of the model", "a.onnx", onnx("../../etc/passwd")},
      {"ONNX data with an absolute name", "a.onnx", onnx("/etc/passwd")},
      {"ONNX data in another file", "a.onnx", onnx("weights.bin")},
  };
}

}  // namespace

Report run_malicious_files(const Field& field, const MakeLoader& make) {
  const auto lab = ModelLab::create(field);
  if (!lab.ok()) return not_run("RT-M05", lab.error().message());
  const ModelLoader loader = make(**lab, std::nullopt);
  Tally tally(field, "RT-M05", std::string(kRemedy));
  int count = 0;
  const auto ask = [&](const MaliciousFile& file) -> Status {
    const Path path = field.folder / ("file-" + std::to_string(++count)) / file.name;
    const Status put = put_file(path, file.bytes);
    return put.ok() ? loader.check_file(path) : Status(Error(Code::kInternal, put.error().message()));
  };
  tally.honest("tensors alone", ask({"", "good.safetensors", safetensors(kTensor)}));
  tally.honest("tensors alone, in GGUF", ask({"", "good.gguf", gguf(1, 0, gguf_tensor(2, 0))}));
  for (const auto& files : {lying_lengths(), running_code(), two_stories(), leading_out()}) {
    for (const MaliciousFile& file : files) {
      if (tally.over()) return std::move(tally).finish();
      tally.attack(file.what, ask(file));
    }
  }
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
