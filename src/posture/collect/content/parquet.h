// What a Parquet file's footer says of its encryption, column by column. Apache Parquet, "Modular Encryption".
#pragma once

#include <string>
#include <vector>

#include "posture/collect/content/sample.h"

namespace cloister::posture::content {

enum class ParquetFooter : std::uint8_t { kPlain, kEncrypted };  // PAR1, PARE

struct ParquetOutline {
  ParquetFooter footer = ParquetFooter::kPlain;
  std::string algorithm = {};  // "AES_GCM_V1", "AES_GCM_CTR_V1", which leaves pages unauthenticated; empty: none
  std::uint64_t columns = 0, encrypted_columns = 0;  // chunks of them; of an encrypted footer unknown, so 0
  std::vector<std::string> keys = {};                // as key metadata names master keys; sorted, each once
  std::uint64_t footer_at = 0;                       // where it begins; of read_parquet() only

  // Schema and statistics of a plaintext footer are readable, whatever its columns are.
  bool is_protected() const { return footer == ParquetFooter::kEncrypted && !algorithm.empty(); }
};

inline constexpr std::uint32_t kParquetFooterMax = 16U << 20;

// The bytes between the last page and the length. kCorrupt for what isn't one.
Result<ParquetOutline> parse_parquet_footer(ByteView footer, ParquetFooter kind);
// Of a file that begins with PAR1 or PARE. kInvalid for another, kCorrupt for a broken one or a footer over the bound.
Result<ParquetOutline> read_parquet(const Sample& sample);

// Goes from the magic over encrypted modules, each behind its length, and the metadata of encrypted columns between
// them, as far as there is nothing else; a column without a key is neither. `out` takes ciphertext of the first ones.
struct ParquetModules {
  std::uint64_t end = 0;  // the footer's begin where all before it are such
  std::size_t filled = 0;
};
ParquetModules read_parquet_modules(const Sample& sample, std::uint64_t footer_at, MutableByteView out);

}  // namespace cloister::posture::content
