#include "posture/collect/content/magic.h"

#include <algorithm>
#include <array>

#include "base/reader.h"

namespace cloister::posture::content {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view type;
};

// Four bytes and more: one ciphertext in four billion begins like any of these.
constexpr Magic kMagics[] = {
    {0, "GGUF"sv, "gguf"},
    {0, "lmgg"sv, "ggml"},
    {0, "fmgg"sv, "ggml"},
    {0, "tjgg"sv, "ggml"},
    {0, "\x89HDF\r\n\x1A\n"sv, "hdf5"},
    {0, "\x93NUMPY"sv, "numpy"},
    {0, "ARROW1"sv, "arrow"},
    {0, "FEA1"sv, "feather"},
    {0, "ORC"sv, "orc"},
    {0, "Obj\x01"sv, "avro"},
    {4, "TFL3"sv, "tflite"},
    {0, "SQLite format 3\0"sv, "sqlite"},
    {0, "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19\x2E"sv, "torch-legacy"},
    {257, "ustar"sv, "tar"},
    {0, "%PDF-"sv, "pdf"},
    {0, "\x89PNG\r\n\x1A\n"sv, "png"},
    {0, "\xFF\xD8\xFF\xE0"sv, "jpeg"},
    {0, "\xFF\xD8\xFF\xE1"sv, "jpeg"},
    {0, "GIF8"sv, "gif"},
    {8, "WEBPVP8"sv, "webp"},
    {8, "WAVEfmt "sv, "wav"},
    {4, "ftypisom"sv, "mp4"},
    {4, "ftypmp42"sv, "mp4"},
    {0, "OggS\0"sv, "ogg"},
    {0, "fLaC\0\0\0\x22"sv, "flac"},
    {0, "ID3\x03\0"sv, "mp3"},
    {0, "ID3\x04\0"sv, "mp3"},
    {0,
     "\x7F"
     "ELF"sv,
     "elf"},
    {0, "\xFF\xFE\0\0"sv, "utf-32"},
};

constexpr std::uint64_t kSafetensorsHeaderMax = 100'000'000;

bool has_magic(ByteView head, const Magic& magic) {
  return head.size() >= magic.offset + magic.bytes.size() &&
         equal(head.subspan(magic.offset, magic.bytes.size()), as_bytes(magic.bytes));
}

bool is_safetensors(const Sample& sample) {
  if (sample.head.size() < 10) return false;
  const auto header = load_le<std::uint64_t>(sample.head.data());
  return header >= 2 && header <= kSafetensorsHeaderMax && header <= sample.size - 8 && sample.head[8] == '{' &&
         (sample.head[9] == '"' || sample.head[9] == '}' || sample.head[9] == ' ' || sample.head[9] == '\n');
}

// RFC 3720 CRC of the length, rotated and shifted as TensorFlow writes it.
bool is_tfrecord(const Sample& sample) {
  if (sample.head.size() < 16) return false;
  const auto length = load_le<std::uint64_t>(sample.head.data());
  const std::uint32_t crc = crc32c(sample.head.first(8));
  const std::uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xA282EAD8;
  return length <= sample.size && masked == load_le<std::uint32_t>(sample.head.data() + 8);
}

// ModelProto: field 1 ir_version, then producer, domain, or the graph.
bool is_onnx(const Sample& sample) {
  const ByteView head = sample.head;
  if (head.size() < 16 || head[0] != 0x08 || head[1] < 3 || head[1] > 0x0B) return false;
  const std::uint8_t field = head[2];
  if (field == 0x3A) return sample.name.ends_with(".onnx");  // a graph at once: its length can be anything
  if (field != 0x12 && field != 0x1A && field != 0x22) return false;
  const std::size_t length = head[3];
  return length < 0x80 && 4 + length <= head.size() && is_plain_utf8(as_text(head.subspan(4, length)));
}

// Protocol 2 to 5, an opcode that such a stream begins with, and STOP at its end.
bool is_pickle(const Sample& sample) {
  const ByteView head = sample.head;
  if (head.size() < 4 || head[0] != 0x80 || head[1] < 2 || head[1] > 5) return false;
  if (head[1] >= 4 && head[2] == 0x95) {
    return head.size() >= 11 && load_le<std::uint64_t>(head.data() + 3) <= sample.size;
  }
  constexpr std::string_view kFirst = "]}(cXKJMqUCNG)\x8A\x88\x89\x8C"sv;
  if (kFirst.find(static_cast<char>(head[2])) == std::string_view::npos) return false;
  std::array<std::uint8_t, 1> last{};
  return sample.read_at(sample.size - 1, last).ok() && last[0] == '.';
}

struct ZipMember {
  bool encrypted = false;
  std::string_view name;
  std::size_t end = 0;  // of its bytes; 0: not said here
};

std::optional<ZipMember> zip_member(ByteView bytes) {
  Reader reader(bytes);
  const auto magic = reader.u32("magic");
  const auto version = reader.u16("version");
  const auto flags = reader.u16("flags");
  const auto method = reader.u16("method");
  if (!magic.ok() || *magic != 0x04034B50 || !method.ok() || (*version & 255) > 63 || *method > 99) return std::nullopt;
  const auto skipped = reader.bytes(8, "time and crc");
  const auto packed = reader.u32("packed size");
  const auto size = reader.u32("size");
  const auto name_size = reader.u16("name size");
  const auto extra_size = reader.u16("extra size");
  if (!skipped.ok() || !packed.ok() || !size.ok() || !extra_size.ok() || *name_size == 0) return std::nullopt;
  const auto name = reader.bytes(*name_size, "name");
  if (!name.ok() || !is_plain_utf8(as_text(*name))) return std::nullopt;
  ZipMember member{.encrypted = (*flags & 1) != 0, .name = as_text(*name)};
  if ((*flags & 8) == 0 && *packed != 0xFFFFFFFF) member.end = reader.offset() + *extra_size + *packed;
  return member;
}

}  // namespace

std::optional<std::string_view> zip_format(ByteView head) {
  constexpr int kMembersMax = 8;
  std::optional<std::string_view> type;
  for (int i = 0; i < kMembersMax; ++i) {
    const auto member = zip_member(head);
    if (!member) break;
    if (member->encrypted) return "zip-encrypted";
    type = "zip";
    if (member->name.ends_with("/data.pkl") || member->name == "data.pkl") return "torch-zip";
    if (member->name.ends_with(".npy")) return "npz";
    if (member->end == 0 || member->end >= head.size()) break;
    head = head.subspan(member->end);
  }
  return type;
}

std::optional<std::string_view> plaintext_format(const Sample& sample) {
  for (const Magic& magic : kMagics) {
    if (has_magic(sample.head, magic)) return magic.type;
  }
  if (is_safetensors(sample)) return "safetensors";
  if (is_tfrecord(sample)) return "tfrecord";
  if (is_onnx(sample)) return "onnx";
  if (is_pickle(sample)) return "pickle";
  const auto zip = zip_format(sample.head);
  if (zip && (*zip == "torch-zip" || *zip == "npz")) return zip;
  return std::nullopt;
}

}  // namespace cloister::posture::content
