// Bounded in what comes out, and in the memory that a stream may ask for.
#include "posture/collect/content/compressed.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace cloister::posture::content {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t kMemoryMax = std::uint64_t{32} << 20;
constexpr int kZstdWindowLogMax = 24;

bool starts_with(ByteView head, std::string_view magic) {
  return head.size() >= magic.size() && equal(head.first(magic.size()), as_bytes(magic));
}

Bytes unpack_gzip(ByteView head, std::size_t inside_max) {
  z_stream stream{};
  if (::inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  Bytes out(inside_max);
  stream.next_in = const_cast<Bytef*>(head.data());  // zlib doesn't write to it
  stream.avail_in = static_cast<uInt>(head.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  ignore_result(::inflate(&stream, Z_SYNC_FLUSH));
  out.resize(out.size() - stream.avail_out);
  ::inflateEnd(&stream);
  return out;
}

Bytes unpack_zstd(ByteView head, std::size_t inside_max) {
  ZSTD_DStream* stream = ::ZSTD_createDStream();
  if (stream == nullptr) return {};
  ignore_result(::ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, kZstdWindowLogMax));
  Bytes out(inside_max);
  ZSTD_inBuffer input{head.data(), head.size(), 0};
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  while (input.pos < input.size && output.pos < output.size) {
    const std::size_t before = input.pos + output.pos;
    const std::size_t code = ::ZSTD_decompressStream(stream, &output, &input);
    if (::ZSTD_isError(code) != 0 || code == 0 || input.pos + output.pos == before) break;
  }
  out.resize(output.pos);
  ::ZSTD_freeDStream(stream);
  return out;
}

Bytes unpack_xz(ByteView head, std::size_t inside_max) {
  lzma_stream stream = LZMA_STREAM_INIT;
  if (::lzma_stream_decoder(&stream, kMemoryMax, 0) != LZMA_OK) return {};
  Bytes out(inside_max);
  stream.next_in = head.data();
  stream.avail_in = head.size();
  stream.next_out = out.data();
  stream.avail_out = out.size();
  ignore_result(::lzma_code(&stream, LZMA_RUN));
  out.resize(out.size() - stream.avail_out);
  ::lzma_end(&stream);
  return out;
}

bool is_lz4_frame(ByteView head) {
  return starts_with(head, "\x04\x22\x4D\x18"sv) && head.size() > 6 && head[4] >> 6 == 1 && (head[4] & 2) == 0;
}

bool is_bzip2(ByteView head) {
  return starts_with(head, "BZh"sv) && head.size() > 10 && head[3] >= '1' && head[3] <= '9' &&
         starts_with(head.subspan(4), "1AY&SY"sv);
}

}  // namespace

std::optional<Unpacked> unpack_head(ByteView head, std::size_t inside_max) {
  if (is_bzip2(head)) return Unpacked{.type = "bzip2"};
  if (is_lz4_frame(head)) return Unpacked{.type = "lz4"};
  struct Format {
    std::string_view type, magic;
    Bytes (*unpack)(ByteView, std::size_t);
    bool telling;  // its magic alone is long enough to be believed
  };
  static constexpr Format kFormats[] = {{"gzip", "\x1F\x8B\x08"sv, unpack_gzip, false},
                                        {"zstd", "\x28\xB5\x2F\xFD"sv, unpack_zstd, true},
                                        {"xz", "\xFD\x37zXZ\0"sv, unpack_xz, true}};
  for (const Format& format : kFormats) {
    if (!starts_with(head, format.magic)) continue;
    Unpacked out{.type = format.type, .inside = format.unpack(head, inside_max)};
    out.looked_inside = !out.inside.empty();
    if (out.looked_inside || format.telling) return out;
  }
  return std::nullopt;
}

}  // namespace cloister::posture::content
