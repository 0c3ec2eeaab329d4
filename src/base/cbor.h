// The small part of CBOR that Cloister writes: deterministic encoding, RFC 8949 4.2.1. Unsigned and negative integers,
// byte and text strings, arrays and maps of definite length. Everything else is refused.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister {

class CborWriter {
 public:
  CborWriter& unsigned_integer(std::uint64_t value) { return head(0, value); }
  CborWriter& integer(std::int64_t value);
  CborWriter& bytes(ByteView value);
  CborWriter& text(std::string_view value);
  CborWriter& array(std::uint64_t items) { return head(4, items); }
  CborWriter& map(std::uint64_t pairs) { return head(5, pairs); }  // the caller writes keys in ascending order
  Bytes take() { return std::move(bytes_); }

 private:
  CborWriter& head(unsigned major, std::uint64_t value);
  Bytes bytes_;
};

struct CborLimits {
  unsigned depth = 4;
  std::uint64_t items = 1024;
  std::uint64_t string = 65536;
};

// Reads one value after the other; every failure is kCorrupt. A view: the bytes must outlive it.
class CborReader {
 public:
  CborReader(ByteView bytes, CborLimits limits) : bytes_(bytes), limits_(limits) {}

  Result<std::uint64_t> unsigned_integer();
  Result<std::string> text();
  Result<std::uint64_t> map();  // the number of pairs, at most what the limits leave
  // Any one value inside the outermost map, checked in full.
  Status skip() { return skip_value(2); }
  Status expect_end() const;

 private:
  struct Head {
    unsigned major;
    std::uint64_t value;
  };
  Result<Head> head();
  Result<ByteView> string(const Head& head);
  Status skip_value(unsigned depth);
  Status skip_pairs(std::uint64_t pairs, unsigned depth);

  ByteView bytes_;
  CborLimits limits_;
  std::size_t offset_ = 0;
  std::uint64_t items_ = 0;
};

}  // namespace cloister
