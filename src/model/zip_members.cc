#include "model/zip_members.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/reader.h"
#include "model/name.h"

namespace cloister::model {
namespace {

constexpr std::size_t kEndSize = 22, kCommentMax = 65'535, kLocatorSize = 20, kEnd64Size = 56, kLocalSize = 30;
constexpr std::size_t kSignatureSize = 4, kWideSize = kEnd64Size + kLocatorSize;
constexpr std::uint64_t kDirectoryMax = std::uint64_t{64} << 20;
constexpr std::uint32_t kEnd = 0x06054b50, kEntry = 0x02014b50, kLocal = 0x04034b50, kLocator = 0x07064b50,
                        kEnd64 = 0x06064b50;
constexpr std::uint16_t kEncrypted = 1;
constexpr std::uint32_t kElsewhere = 0xFFFFFFFF;  // the number is in the 64-bit extension
constexpr std::uint64_t kCountElsewhere = 0xFFFF;

Error corrupt(std::string message) { return Error(Code::kCorrupt, "the archive " + std::move(message)); }

struct Directory {
  std::uint64_t offset = 0, size = 0, count = 0;
};

// Some readers go by the offset, some take what stands right before the end: both must find the same.
Result<Directory> ending_at(const Directory& directory, std::uint64_t end) {
  if (directory.size <= end && directory.offset == end - directory.size) return directory;
  return corrupt("has its directory elsewhere than before its end");
}

Result<bool> has_locator(const File& file, std::uint64_t end_offset) {
  if (end_offset < kLocatorSize) return false;
  std::uint8_t signature[kSignatureSize];
  CLOISTER_RETURN_IF_ERROR(file.read_at(end_offset - kLocatorSize, signature));
  return load_le<std::uint32_t>(signature) == kLocator;
}

// Right before its locator, without anything of a later version between them.
Result<Directory> read_end64(const File& file, std::uint64_t end_offset) {
  if (end_offset < kWideSize) return corrupt("has no place for its 64-bit end");
  Bytes bytes(kWideSize);
  CLOISTER_RETURN_IF_ERROR(file.read_at(end_offset - kWideSize, bytes));
  const std::uint8_t* const at = bytes.data();
  if (load_le<std::uint32_t>(at) != kEnd64 || load_le<std::uint64_t>(at + 4) != kEnd64Size - 12 ||
      load_le<std::uint64_t>(at + kEnd64Size + 8) != end_offset - kWideSize) {
    return corrupt("has no 64-bit end where it says");
  }
  return ending_at({load_le<std::uint64_t>(at + 48), load_le<std::uint64_t>(at + 40), load_le<std::uint64_t>(at + 32)},
                   end_offset - kWideSize);
}

// Some readers take the 64-bit end whenever it is there, some only where a number doesn't fit.
Result<Directory> agreed(const Directory& narrow, const File& file, std::uint64_t end_offset) {
  CLOISTER_TRY(const bool has_wide, has_locator(file, end_offset));
  if (!has_wide) {
    const bool asks = narrow.offset == kElsewhere || narrow.size == kElsewhere || narrow.count == kCountElsewhere;
    return asks ? corrupt("has no 64-bit end") : ending_at(narrow, end_offset);
  }
  CLOISTER_TRY(const Directory wide, read_end64(file, end_offset));
  if ((narrow.offset != kElsewhere && narrow.offset != wide.offset) ||
      (narrow.size != kElsewhere && narrow.size != wide.size) ||
      (narrow.count != kCountElsewhere && narrow.count != wide.count)) {
    return corrupt("tells two stories about its directory");
  }
  return wide;
}

Result<Directory> find_directory(const File& file, std::uint64_t size) {
  if (size < kEndSize) return corrupt("is too short");
  Bytes tail(static_cast<std::size_t>(std::min<std::uint64_t>(size, kEndSize + kCommentMax)));
  CLOISTER_RETURN_IF_ERROR(file.read_at(size - tail.size(), tail));
  // The last signature of all: readers take it, whatever length its comment claims.
  std::size_t at = tail.size() - kSignatureSize;
  while (at > 0 && load_le<std::uint32_t>(tail.data() + at) != kEnd) --at;
  const std::uint8_t* const end = tail.data() + at;
  if (load_le<std::uint32_t>(end) != kEnd) return corrupt("has no end");
  if (at + kEndSize > tail.size() || at + kEndSize + load_le<std::uint16_t>(end + 20) != tail.size()) {
    return corrupt("goes on behind its end");
  }
  if (load_le<std::uint16_t>(end + 4) != load_le<std::uint16_t>(end + 6)) {
    return Error(Code::kUnsupported, "the archive is in several parts");
  }
  const Directory narrow{load_le<std::uint32_t>(end + 16), load_le<std::uint32_t>(end + 12),
                         load_le<std::uint16_t>(end + 10)};
  return agreed(narrow, file, size - tail.size() + at);
}

// Where a number doesn't fit 32 bits, in this order.
Status read_extra(ByteView extra, ZipMember& member) {
  Reader reader(extra);
  while (reader.remaining() >= 4) {
    CLOISTER_TRY(const std::uint16_t id, reader.u16("an extension"));
    CLOISTER_TRY(const std::uint16_t size, reader.u16("an extension"));
    CLOISTER_TRY(const ByteView content, reader.bytes(size, "an extension"));
    if (id != 1) continue;
    Reader numbers(content);
    for (std::uint64_t* const number : {&member.size, &member.packed, &member.offset}) {
      if (*number != kElsewhere) continue;
      CLOISTER_TRY(*number, numbers.u64("a number of 64 bits"));
    }
  }
  return {};
}

Result<ZipMember> read_entry(Reader& reader) {
  CLOISTER_TRY(const ByteView head, reader.bytes(46, "an entry"));
  const std::uint8_t* const at = head.data();
  if (load_le<std::uint32_t>(at) != kEntry) return corrupt("has something else in its directory");
  if ((load_le<std::uint16_t>(at + 8) & kEncrypted) != 0) {
    return Error(Code::kUnsupported, "the archive is encrypted");
  }
  ZipMember member;
  member.stored = load_le<std::uint16_t>(at + 10) == 0;
  member.packed = load_le<std::uint32_t>(at + 20);
  member.size = load_le<std::uint32_t>(at + 24);
  member.offset = load_le<std::uint32_t>(at + 42);
  CLOISTER_TRY(const ByteView name, reader.bytes(load_le<std::uint16_t>(at + 28), "a name"));
  CLOISTER_TRY(const ByteView extra, reader.bytes(load_le<std::uint16_t>(at + 30), "an extension"));
  CLOISTER_TRY([[maybe_unused]] const ByteView comment, reader.bytes(load_le<std::uint16_t>(at + 32), "a comment"));
  CLOISTER_RETURN_IF_ERROR(read_extra(extra, member));
  member.name = as_text(name);
  std::string_view plain = member.name;
  if (plain.ends_with('/')) plain.remove_suffix(1);
  if (!is_safe_name(plain)) return corrupt("has a name that leads out of it");
  return member;
}

Status check_members(const std::vector<ZipMember>& members, std::uint64_t directory) {
  std::set<std::string_view> names;
  std::vector<const ZipMember*> sorted;
  for (const ZipMember& member : members) {
    if (!names.insert(member.name).second) return corrupt("has a name twice");
    if (member.stored ? member.packed != member.size : member.size / kZipRatioMax > member.packed) {
      return corrupt("has a member that grows beyond measure: " + member.name);
    }
    if (member.packed > directory || member.offset > directory - member.packed) return corrupt("lies about a member");
    sorted.push_back(&member);
  }
  std::ranges::sort(sorted, {}, &ZipMember::offset);
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->offset - sorted[i - 1]->offset < sorted[i - 1]->packed + kLocalSize) {
      return corrupt("has members that lie over each other");
    }
  }
  return {};
}

}  // namespace

Result<std::vector<ZipMember>> read_zip_members(const File& file) {
  CLOISTER_TRY(const std::uint64_t size, file.size());
  CLOISTER_TRY(const Directory directory, find_directory(file, size));
  if (directory.count > kZipMembersMax || directory.size > kDirectoryMax) return corrupt("has too many members");
  Bytes bytes(static_cast<std::size_t>(directory.size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(directory.offset, bytes));
  Reader reader(bytes);
  std::vector<ZipMember> members;
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    CLOISTER_TRY(ZipMember member, read_entry(reader));
    members.push_back(std::move(member));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the archive's directory"));
  CLOISTER_RETURN_IF_ERROR(check_members(members, directory.offset));
  return members;
}

Result<Bytes> read_stored(const File& file, const ZipMember& member, std::uint64_t size_max) {
  if (member.size > size_max) return Error(Code::kUnsupported, member.name + " is too long to be looked through");
  return read_stored_start(file, member, member.size);
}

Result<Bytes> read_stored_start(const File& file, const ZipMember& member, std::uint64_t size_max) {
  if (!member.stored) return Error(Code::kUnsupported, member.name + " can't be read as it is");
  std::uint8_t head[kLocalSize];
  CLOISTER_RETURN_IF_ERROR(file.read_at(member.offset, head));
  if (load_le<std::uint32_t>(head) != kLocal || load_le<std::uint16_t>(head + 8) != 0) {
    return corrupt("tells two stories about " + member.name);
  }
  const std::uint16_t name_size = load_le<std::uint16_t>(head + 26);
  std::string name(name_size, '\0');
  CLOISTER_RETURN_IF_ERROR(
      file.read_at(member.offset + kLocalSize, {reinterpret_cast<std::uint8_t*>(name.data()), name.size()}));
  if (name != member.name) return corrupt("tells two stories about " + member.name);
  Bytes out(static_cast<std::size_t>(std::min(member.size, size_max)));
  CLOISTER_RETURN_IF_ERROR(
      file.read_at(member.offset + kLocalSize + name_size + load_le<std::uint16_t>(head + 28), out));
  return out;
}

}  // namespace cloister::model
