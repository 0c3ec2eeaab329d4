#include "seal/meta.h"

#include "base/cbor.h"

namespace cloister::seal {
namespace {

constexpr std::uint64_t kContentType = 1;
constexpr std::uint64_t kName = 2;
constexpr std::uint64_t kSealedAt = 3;
constexpr std::uint64_t kModifiedAt = 4;
constexpr std::uint64_t kMode = 5;
constexpr std::uint64_t kSkippable = 64;

std::uint64_t milliseconds(Time time) { return time.unix_ms < 0 ? 0 : static_cast<std::uint64_t>(time.unix_ms); }

Result<Time> parse_time(CborReader& reader) {
  CLOISTER_TRY(const std::uint64_t value, reader.unsigned_integer());
  if (value > (std::uint64_t{1} << 62)) return Error(Code::kCorrupt, "META: a time is out of range");
  return Time{static_cast<std::int64_t>(value)};
}

Status parse_value(std::uint64_t key, CborReader& reader, Meta& meta) {
  switch (key) {
    case kContentType: {
      CLOISTER_TRY(meta.content_type, reader.text());
      return {};
    }
    case kName: {
      CLOISTER_TRY(meta.name, reader.text());
      return {};
    }
    case kSealedAt: {
      CLOISTER_TRY(meta.sealed_at, parse_time(reader));
      return {};
    }
    case kModifiedAt: {
      CLOISTER_TRY(meta.modified_at, parse_time(reader));
      return {};
    }
    case kMode: {
      CLOISTER_TRY(const std::uint64_t mode, reader.unsigned_integer());
      if (mode > 07777) return Error(Code::kCorrupt, "META: permission bits are out of range");
      meta.mode = static_cast<std::uint32_t>(mode);
      return {};
    }
    default:
      if (key >= kSkippable) return reader.skip();
      return Error(Code::kUnsupported, "META has an unknown entry " + std::to_string(key));
  }
}

}  // namespace

Bytes serialize_meta(const Meta& meta) {
  const std::uint64_t pairs = static_cast<std::uint64_t>(meta.content_type.has_value()) + meta.name.has_value() +
                              meta.sealed_at.has_value() + meta.modified_at.has_value() + meta.mode.has_value();
  CborWriter writer;
  writer.map(pairs);
  if (meta.content_type) writer.unsigned_integer(kContentType).text(*meta.content_type);
  if (meta.name) writer.unsigned_integer(kName).text(*meta.name);
  if (meta.sealed_at) writer.unsigned_integer(kSealedAt).unsigned_integer(milliseconds(*meta.sealed_at));
  if (meta.modified_at) writer.unsigned_integer(kModifiedAt).unsigned_integer(milliseconds(*meta.modified_at));
  if (meta.mode) writer.unsigned_integer(kMode).unsigned_integer(*meta.mode & 07777);
  return writer.take();
}

Result<Meta> parse_meta(ByteView cbor) {
  CborReader reader(cbor, CborLimits{});
  Meta meta;
  CLOISTER_TRY(const std::uint64_t pairs, reader.map());
  std::uint64_t previous = 0;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    CLOISTER_TRY(const std::uint64_t key, reader.unsigned_integer());
    if (i > 0 && key <= previous) return Error(Code::kCorrupt, "META: keys aren't in ascending order");
    previous = key;
    CLOISTER_RETURN_IF_ERROR(parse_value(key, reader, meta));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end());
  return meta;
}

}  // namespace cloister::seal
