// Thrift's compact protocol, as far as finding fields in a footer needs it: bounded in depth and in how much is read.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace cloister::posture::content {

enum class ThriftType : std::uint8_t {
  kStop = 0,
  kTrue = 1,
  kFalse = 2,
  kByte = 3,
  kI16 = 4,
  kI32 = 5,
  kI64 = 6,
  kDouble = 7,
  kBinary = 8,
  kList = 9,
  kSet = 10,
  kMap = 11,
  kStruct = 12,
};

struct ThriftField {
  ThriftType type = ThriftType::kStop;
  std::int32_t id = 0;
};

// A view: the bytes must outlive it. Everything fails as kCorrupt.
class ThriftReader {
 public:
  explicit ThriftReader(ByteView bytes) : bytes_(bytes) {}

  // The next field of a struct, whose field before has the id `last`; kStop at its end.
  Result<ThriftField> field(std::int32_t last);
  Result<ByteView> binary();
  struct List {
    ThriftType type = ThriftType::kStop;
    std::uint64_t size = 0;
  };
  Result<List> list();
  // A value of that type, with everything in it.
  Status skip(ThriftType type, unsigned depth = 0);

  std::size_t offset() const { return offset_; }

 private:
  Result<std::uint8_t> byte();
  Result<std::uint64_t> varint();
  Status advance(std::uint64_t size);
  Status skip_list(unsigned depth);
  Status skip_map(unsigned depth);
  Status skip_struct(unsigned depth);

  ByteView bytes_;
  std::size_t offset_ = 0;
};

}  // namespace cloister::posture::content
