// Compressors: known by their magic, and looked into one level deep, since what is packed is readable unless what was
// packed wasn't. docs/decisions/compressors.md.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace cloister::posture::content {

struct Unpacked {
  std::string_view type;       // "gzip", "zstd", "xz", "bzip2", "lz4"
  bool looked_inside = false;  // false: a format that isn't unpacked here, or one that asks for too much memory
  Bytes inside = {};           // the first bytes of it, at most `inside_max`
};

// By the first bytes of a file. Nothing for what isn't one, or breaks before it gave a byte.
std::optional<Unpacked> unpack_head(ByteView head, std::size_t inside_max);

}  // namespace cloister::posture::content
