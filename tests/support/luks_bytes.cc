#include "support/luks_bytes.h"

#include <algorithm>

#include "crypto/hash.h"

namespace cloister::testing {
namespace {

void put(Bytes& bytes, std::size_t offset, std::string_view text) {
  std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

void put_be(Bytes& bytes, std::size_t offset, std::size_t size, std::uint64_t value) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[offset + i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
  }
}

}  // namespace

std::string luks2_json(const std::string& encryption, int key_bytes, const std::string& tokens,
                       const std::string& requirements) {
  return R"({"keyslots":{"0":{"type":"luks2","key_size":)" + std::to_string(key_bytes) +
         R"(,"kdf":{"type":"argon2id"}}},"tokens":)" + tokens +
         R"(,"segments":{"0":{"type":"crypt","offset":"16777216","size":"dynamic","iv_tweak":"0","encryption":")" +
         encryption +
         R"(","sector_size":512}},"digests":{},"config":{"json_size":"12288","keyslots_size":"16744448",)" +
         R"("requirements":{"mandatory":)" + requirements + "}}}";
}

Bytes luks2_header(const std::string& json) {
  Bytes header(16'384);
  put(header, 0, std::string_view("LUKS\xBA\xBE\x00\x02", 8));
  put_be(header, 8, 8, header.size());
  put(header, 72, "sha256");
  put(header, 168, kLuksUuid);
  put(header, 4096, json);
  const auto digest = crypto::sha256(header);
  std::ranges::copy(digest, header.begin() + 448);
  return header;
}

Bytes luks1_header(const std::string& cipher, const std::string& mode, int key_bytes) {
  Bytes header(4096);
  put(header, 0, std::string_view("LUKS\xBA\xBE\x00\x01", 8));
  put(header, 8, cipher);
  put(header, 40, mode);
  put_be(header, 108, 4, static_cast<std::uint64_t>(key_bytes));
  put(header, 168, kLuksUuid);
  put_be(header, 208, 4, 0x00AC71F3);
  return header;
}

}  // namespace cloister::testing
