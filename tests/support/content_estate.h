// A folder of files of every sort with what is true of each: some anybody can read, some are protected, and some try to
// look like the other.
#pragma once

#include <map>
#include <string>

#include "base/file.h"
#include "posture/collect/content/known_keys.h"

namespace cloister::testing {

enum class Truth {
  kReadable,   // anybody who has the file can read it, or some of it
  kSealed,     // sealed under a key that is known
  kProtected,  // encrypted, by somebody or with a key that we don't know
  kNothing,    // empty
};

struct ContentEstate {
  std::map<std::string, Truth> truth;  // by name within the folder
  posture::content::KnownKeys keys;
};

// `rounds` of about 60 files each into an existing folder. The same seed gives the same truth.
ContentEstate make_content_estate(const Path& folder, int rounds, std::uint64_t seed);

// Parts of it, for tests of single formats.
Bytes json_lines(std::uint64_t seed, std::size_t size);
Bytes noise(std::uint64_t seed, std::size_t size);
enum class Numbers { kFloat32, kFloat16, kBfloat16, kInt8, kNibbles };
Bytes model_weights(std::uint64_t seed, std::size_t size, Numbers numbers);
enum class ParquetKind { kPlain, kSomeColumns, kAllColumnsPlainFooter, kEncrypted };
Bytes parquet_file(std::uint64_t seed, ParquetKind kind);
Bytes age_file(ByteView payload);
Bytes openpgp_file(ByteView payload);
Bytes luks1_file(ByteView payload);
std::string jwe_text(ByteView ciphertext);
Bytes gzip_of(ByteView bytes);
Bytes zstd_of(ByteView bytes);
Bytes xz_of(ByteView bytes);

}  // namespace cloister::testing
