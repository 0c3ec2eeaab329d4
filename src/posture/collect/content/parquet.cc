#include "posture/collect/content/parquet.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
#include "posture/collect/content/thrift.h"

namespace cloister::posture::content {
namespace {

constexpr std::size_t kKeysMax = 64;
constexpr std::size_t kKeyNameMax = 512;

// PKMT1 is JSON with the master key's name in it; other key metadata is its name itself, where that is text.
void note_key(ByteView metadata, ParquetOutline& outline) {
  if (outline.keys.size() >= kKeysMax) return;
  const std::string_view text = as_text(metadata);
  const auto json = parse_json(text);
  if (json.ok() && json->find("masterKeyID") != nullptr && json->find("masterKeyID")->string() != nullptr) {
    outline.keys.push_back(*json->find("masterKeyID")->string());
  } else if (!text.empty() && text.size() <= kKeyNameMax && is_plain_utf8(text)) {
    outline.keys.emplace_back(text);
  }
}

// Calls `take` for each field of a struct; it reads the value, or says that it didn't.
template <typename Take>
Status for_fields(ThriftReader& reader, const Take& take) {
  for (std::int32_t last = 0;;) {
    CLOISTER_TRY(const ThriftField field, reader.field(last));
    if (field.type == ThriftType::kStop) return {};
    CLOISTER_TRY(const bool taken, take(field));
    if (!taken) CLOISTER_RETURN_IF_ERROR(reader.skip(field.type));
    last = field.id;
  }
}

template <typename Take>
Status for_structs(ThriftReader& reader, const Take& take) {
  CLOISTER_TRY(const ThriftReader::List list, reader.list());
  if (list.size != 0 && list.type != ThriftType::kStruct) return Error(Code::kCorrupt, "a list isn't of structs");
  for (std::uint64_t i = 0; i < list.size; ++i) CLOISTER_RETURN_IF_ERROR(for_fields(reader, take));
  return {};
}

Status read_algorithm(ThriftReader& reader, ParquetOutline& outline) {
  return for_fields(reader, [&](const ThriftField& field) -> Result<bool> {
    outline.algorithm = field.id == 1 ? "AES_GCM_V1" : field.id == 2 ? "AES_GCM_CTR_V1" : "unknown";
    return false;
  });
}

// ColumnCryptoMetaData: by the footer's key, or by one of its own.
Status read_column_crypto(ThriftReader& reader, ParquetOutline& outline) {
  return for_fields(reader, [&](const ThriftField& way) -> Result<bool> {
    if (way.type != ThriftType::kStruct) return false;
    const auto take_key = [&](const ThriftField& field) -> Result<bool> {
      if (way.id != 2 || field.id != 2 || field.type != ThriftType::kBinary) return false;
      CLOISTER_TRY(const ByteView metadata, reader.binary());
      note_key(metadata, outline);
      return true;
    };
    CLOISTER_RETURN_IF_ERROR(for_fields(reader, take_key));
    return true;
  });
}

Status read_columns(ThriftReader& reader, ParquetOutline& outline) {
  CLOISTER_TRY(const ThriftReader::List list, reader.list());
  if (list.size != 0 && list.type != ThriftType::kStruct) return Error(Code::kCorrupt, "columns aren't structs");
  const auto take = [&](const ThriftField& field) -> Result<bool> {
    if (field.id != 8 || field.type != ThriftType::kStruct) return false;
    ++outline.encrypted_columns;
    CLOISTER_RETURN_IF_ERROR(read_column_crypto(reader, outline));
    return true;
  };
  for (std::uint64_t i = 0; i < list.size; ++i) {
    ++outline.columns;
    CLOISTER_RETURN_IF_ERROR(for_fields(reader, take));
  }
  return {};
}

// Of a column chunk's metadata behind its pages, which is in the clear but for statistics; 0 where none begins here.
std::uint64_t column_chunk_size(const Sample& sample, std::uint64_t at, std::uint64_t end) {
  constexpr std::uint64_t kChunkMax = 8 << 10;
  Bytes bytes(std::min(end - at, kChunkMax));
  if (!sample.read_at(at, bytes).ok()) return 0;
  ThriftReader reader(bytes);
  bool encrypted = false;
  const Status read = for_fields(reader, [&](const ThriftField& field) -> Result<bool> {
    encrypted |= field.id == 8 && field.type == ThriftType::kStruct;
    return false;
  });
  return read.ok() && encrypted ? reader.offset() : 0;
}

// Fields that both kinds of footers have, under different numbers.
Result<bool> take_crypto(ThriftReader& reader, const ThriftField& field, std::int32_t algorithm,
                         ParquetOutline& outline) {
  if (field.id == algorithm && field.type == ThriftType::kStruct) {
    CLOISTER_RETURN_IF_ERROR(read_algorithm(reader, outline));
    return true;
  }
  if (field.id != algorithm + 1 || field.type != ThriftType::kBinary) return false;
  CLOISTER_TRY(const ByteView metadata, reader.binary());
  note_key(metadata, outline);
  return true;
}

Status read_file_metadata(ThriftReader& reader, ParquetOutline& outline) {
  bool row_groups = false;
  const auto take_columns = [&](const ThriftField& part) -> Result<bool> {
    if (part.id != 1 || part.type != ThriftType::kList) return false;
    CLOISTER_RETURN_IF_ERROR(read_columns(reader, outline));
    return true;
  };
  const auto take = [&](const ThriftField& field) -> Result<bool> {
    if (field.id != 4 || field.type != ThriftType::kList) return take_crypto(reader, field, 8, outline);
    row_groups = true;
    CLOISTER_RETURN_IF_ERROR(for_structs(reader, take_columns));
    return true;
  };
  CLOISTER_RETURN_IF_ERROR(for_fields(reader, take));
  if (!row_groups) return Error(Code::kCorrupt, "the footer has no row groups");
  return {};
}

// FileCryptoMetaData; what follows it is ciphertext.
Status read_crypto_metadata(ThriftReader& reader, ParquetOutline& outline) {
  const auto take = [&](const ThriftField& field) { return take_crypto(reader, field, 1, outline); };
  CLOISTER_RETURN_IF_ERROR(for_fields(reader, take));
  if (outline.algorithm.empty()) return Error(Code::kCorrupt, "the footer names no algorithm");
  return {};
}

}  // namespace

Result<ParquetOutline> parse_parquet_footer(ByteView footer, ParquetFooter kind) {
  ParquetOutline outline{.footer = kind};
  ThriftReader reader(footer);
  CLOISTER_RETURN_IF_ERROR(kind == ParquetFooter::kEncrypted ? read_crypto_metadata(reader, outline)
                                                             : read_file_metadata(reader, outline));
  std::ranges::sort(outline.keys);
  outline.keys.erase(std::unique(outline.keys.begin(), outline.keys.end()), outline.keys.end());
  return outline;
}

Result<ParquetOutline> read_parquet(const Sample& sample) {
  const bool encrypted = sample.starts_with("PARE");
  if (!encrypted && !sample.starts_with("PAR1")) return Error(Code::kInvalid, "not a Parquet file");
  if (sample.size < 12) return Error(Code::kCorrupt, "the file ends before its footer");
  std::array<std::uint8_t, 8> tail{};
  CLOISTER_RETURN_IF_ERROR(sample.read_at(sample.size - tail.size(), tail));
  const auto size = load_le<std::uint32_t>(tail.data());
  if (!equal(ByteView(tail).last(4), sample.head.first(4))) return Error(Code::kCorrupt, "the file has no footer");
  if (size > kParquetFooterMax || size > sample.size - 12)
    return Error(Code::kCorrupt, "the footer's size is out of bounds");
  Bytes footer(size);
  CLOISTER_RETURN_IF_ERROR(sample.read_at(sample.size - 8 - size, footer));
  CLOISTER_TRY(ParquetOutline outline,
               parse_parquet_footer(footer, encrypted ? ParquetFooter::kEncrypted : ParquetFooter::kPlain));
  outline.footer_at = sample.size - 8 - size;
  return outline;
}

ParquetModules read_parquet_modules(const Sample& sample, std::uint64_t footer_at, MutableByteView out) {
  constexpr std::uint32_t kModuleMin = 12;  // a nonce; pages of AES_GCM_CTR_V1 have no tag
  constexpr std::uint64_t kPartsMax = 1 << 20;
  constexpr std::uint8_t kFileOffset = 0x26;  // a column chunk's first field, of 64 bits
  ParquetModules modules{.end = 4};
  for (std::uint64_t part = 0; part < kPartsMax && footer_at - modules.end > 4; ++part) {
    std::array<std::uint8_t, 4> head{};
    if (!sample.read_at(modules.end, head).ok()) break;
    const std::uint64_t chunk = head[0] == kFileOffset ? column_chunk_size(sample, modules.end, footer_at) : 0;
    modules.end += chunk;
    if (chunk != 0) continue;
    const auto size = load_le<std::uint32_t>(head.data());
    if (size < kModuleMin || size > footer_at - modules.end - 4) break;
    const std::size_t take = std::min<std::size_t>(size, out.size() - modules.filled);
    if (!sample.read_at(modules.end + 4, out.subspan(modules.filled, take)).ok()) break;
    modules.filled += take;
    modules.end += 4 + std::uint64_t{size};
  }
  return modules;
}

}  // namespace cloister::posture::content
