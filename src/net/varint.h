// Integers of variable length as QUIC writes them: RFC 9000 16. Binary HTTP and chunked Oblivious HTTP use them.
#pragma once

#include "base/reader.h"
#include "net/buffer.h"

namespace cloister::net {

inline constexpr std::uint64_t kVarintMax = (std::uint64_t{1} << 62) - 1;

// The shortest form. More than kVarintMax is a mistake of ours and stops the process.
void append_varint(Buffer& out, std::uint64_t value);
std::size_t varint_size(std::uint64_t value);

// Any of the four forms, as the standard has it. kCorrupt at the end of the bytes.
Result<std::uint64_t> read_varint(Reader& reader, std::string_view field);

}  // namespace cloister::net
