// Not one byte of an object can change unnoticed.
#include <gtest/gtest.h>

#include "tests/unit/seal/sealed_object.h"

namespace cloister::seal {
namespace {

#ifdef CLOISTER_SANITIZED
constexpr std::size_t kStride = 17;
#else
constexpr std::size_t kStride = 1;
#endif

Result<Bytes> read_whole(const ObjectReader& reader) {
  Bytes out(reader.size());
  Progress progress;
  const ObjectReader::Sink sink = [&out](std::uint64_t offset, ByteView piece) {
    std::ranges::copy(piece, out.begin() + static_cast<std::ptrdiff_t>(offset));
    return ok_status();
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_all_unordered(1, sink, progress));
  return out;
}

// Opens the object, damaged at one byte, without writing it anew each time.
void try_each_byte(SealedObject& object, ByteView payload) {
  object.store();
  const File editing = SealedObject::value_of(File::open(object.path(), File::Access::kReadWrite));
  const std::size_t slots_end = kPage + 2 * object.preamble().slots_cap;
  for (std::size_t offset = 0; offset < object.bytes.size(); offset += kStride) {
    const std::uint8_t was = object.bytes[offset];
    const std::uint8_t is[] = {static_cast<std::uint8_t>(was ^ 1u << offset % 8)};
    ASSERT_TRUE(editing.write_at(offset, is).ok());
    auto opened = ObjectReader::open(SealedObject::value_of(File::open(object.path())), object.keys());
    const bool in_slots = offset >= kPage && offset < slots_end;
    ASSERT_TRUE(opened.ok() || !in_slots) << "one damaged slot copy, byte " << offset;
    if (opened.ok()) {
      Progress progress;
      ASSERT_FALSE(opened.value().verify(1, progress).ok()) << "byte " << offset;
      const auto read = read_whole(opened.value());
      ASSERT_EQ(read.ok(), in_slots) << "byte " << offset;
      ASSERT_TRUE(!read.ok() || equal(read.value(), payload)) << "byte " << offset;
    }
    const std::uint8_t back[] = {was};
    ASSERT_TRUE(editing.write_at(offset, back).ok());
  }
  EXPECT_TRUE(object.verify().ok());
}

TEST(Mutation, AnyByteOfAnObject) {
  const Bytes payload = payload_of(20'000);
  SealOptions options = options_of();
  options.payload_digest = PayloadDigest::kSha256;
  options.threads = 1;
  SealedObject object(payload, options);
  try_each_byte(object, payload);
}

TEST(Mutation, AnyByteOfAnEmptyStreamedObject) {
  SealOptions options = options_of();
  options.suite = Suite::kChaCha20Poly1305;
  SealedObject object(SealedObject::Streamed::kYes, {}, options);
  try_each_byte(object, {});
}

}  // namespace
}  // namespace cloister::seal
