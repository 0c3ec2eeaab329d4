// Bytes of protobuf messages, as much as a few plain messages need: protobuf.dev/programming-guides/encoding.
#pragma once

#include <optional>
#include <string_view>

#include "net/buffer.h"

namespace cloister::net {

// One field as it lies in the message: a view into it.
struct ProtobufField {
  enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
  std::uint32_t number = 0;
  Wire wire = Wire::kVarint;
  std::uint64_t value = 0;  // of kVarint, kFixed64 and kFixed32
  ByteView bytes;           // of kBytes

  // The bytes, or kInvalid when it is of another kind. `name` is what the message calls it.
  Result<ByteView> as_message(std::string_view name) const;
  // The same as text in UTF-8; kInvalid also when it isn't, or has more than `size_max` bytes.
  Result<std::string_view> as_string(std::string_view name, std::size_t size_max) const;
};

// Reads fields in their order. Which of them are known, and which of several of one number counts, is the caller's to
// say. The bytes must outlive every field.
class ProtobufReader {
 public:
  static constexpr std::size_t kFieldsMax = 1024;
  explicit ProtobufReader(ByteView bytes) : rest_(bytes) {}

  // Nothing at the end. kInvalid for what isn't protobuf: a field that goes beyond the end, a number that can't be, a
  // group, a varint of more than ten bytes; and for more than kFieldsMax fields.
  Result<std::optional<ProtobufField>> next();

 private:
  Result<std::uint64_t> varint();
  Result<std::uint64_t> fixed(std::size_t size);

  ByteView rest_;
  std::size_t fields_ = 0;
};

// One entry of a map<string, bytes>, or of a map<string, message>.
struct ProtobufEntry {
  std::string_view key;
  ByteView value;
};
// kInvalid when it isn't one, or its key has more than `key_max` bytes. What is absent is empty.
Result<ProtobufEntry> read_entry(ByteView entry, std::size_t key_max);

// Writes into a buffer that is wiped when freed. bytes() and text() leave out what is empty, as proto3 does; the others
// write everything: for elements of repeated fields, members of a oneof and messages that are there.
class ProtobufWriter {
 public:
  explicit ProtobufWriter(Buffer& out) : out_(&out) {}

  ProtobufWriter& bytes(std::uint32_t number, ByteView value);
  ProtobufWriter& text(std::uint32_t number, std::string_view value) { return bytes(number, as_bytes(value)); }
  ProtobufWriter& present(std::uint32_t number, ByteView value);
  ProtobufWriter& number(std::uint32_t number, std::uint64_t value);   // of any integer, enum or bool
  ProtobufWriter& fixed64(std::uint32_t number, std::uint64_t value);  // of a double its bits
  // One entry of a map<string, bytes>.
  ProtobufWriter& entry(std::uint32_t number, std::string_view key, ByteView value);

 private:
  void varint(std::uint64_t value);

  Buffer* out_;
};

}  // namespace cloister::net
