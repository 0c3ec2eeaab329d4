#include "attest/amd/certificate_table.h"

#include <algorithm>
#include <array>

#include "base/reader.h"

namespace cloister::attest {
namespace {

using Guid = std::array<std::uint8_t, 16>;
constexpr std::size_t kEntrySize = 24;

constexpr Guid kVcek{0x63, 0xDA, 0x75, 0x8D, 0xE6, 0x64, 0x45, 0x64, 0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD};
constexpr Guid kVlek{0xA8, 0x07, 0x4B, 0xC2, 0xA2, 0x5A, 0x48, 0x3E, 0xAA, 0xE6, 0x39, 0xC0, 0x45, 0xA0, 0xB8, 0xA1};
constexpr Guid kAsk{0x4A, 0xB7, 0xB3, 0x79, 0xBB, 0xAC, 0x4F, 0xE4, 0xA0, 0x2F, 0x05, 0xAE, 0xF3, 0x27, 0xC7, 0x82};
constexpr Guid kArk{0xC0, 0xB4, 0x06, 0xA4, 0xA8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3F, 0xB6, 0x01, 0x4C, 0xD0, 0xAE};

// Tools differ in the byte order of a GUID's first three fields.
bool names(ByteView entry, const Guid& guid) {
  if (equal(entry, guid)) return true;
  Guid mixed = guid;
  std::reverse(mixed.begin(), mixed.begin() + 4);
  std::swap(mixed[4], mixed[5]);
  std::swap(mixed[6], mixed[7]);
  return equal(entry, mixed);
}

Error malformed(const char* what) { return Error(Code::kInvalid, std::string("a table of certificates ") + what); }

}  // namespace

Result<SnpCertificateTable> parse_snp_certificate_table(ByteView bytes) {
  struct Entry {
    ByteView guid;
    std::uint32_t offset, length;
  };
  SnpCertificateTable table;
  if (bytes.empty()) return table;
  Reader reader(bytes);
  std::vector<Entry> entries;
  while (true) {
    if (reader.remaining() < kEntrySize) return malformed("has no end");
    CLOISTER_TRY(const ByteView guid, reader.bytes(16, "a GUID"));
    CLOISTER_TRY(const std::uint32_t offset, reader.u32("an offset"));
    CLOISTER_TRY(const std::uint32_t length, reader.u32("a length"));
    if (all_zero(guid)) {
      if (offset != 0 || length != 0) return malformed("ends with an entry that isn't zero");
      break;
    }
    if (entries.size() == kSnpTableEntriesMax) return malformed("has too many entries");
    entries.push_back({guid, offset, length});
  }
  const std::size_t first = reader.offset();
  for (const Entry& entry : entries) {
    if (entry.offset < first || entry.offset > bytes.size() || entry.length > bytes.size() - entry.offset) {
      return malformed("points beyond itself, or at its entries");
    }
    const std::pair<const Guid*, ByteView*> places[] = {
        {&kVcek, &table.vcek}, {&kVlek, &table.vlek}, {&kAsk, &table.ask}, {&kArk, &table.ark}};
    for (const auto& [guid, place] : places) {
      if (!names(entry.guid, *guid)) continue;
      if (!place->empty() || entry.length == 0) return malformed("has a certificate twice, or an empty one");
      *place = bytes.subspan(entry.offset, entry.length);
    }
  }
  return table;
}

}  // namespace cloister::attest
