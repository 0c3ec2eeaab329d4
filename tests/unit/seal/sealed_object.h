// Sealed objects for tests: made from a seed, so that a test knows the DEK and can write what an attacker who holds it,
// or a faulty writer, would.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>

#include "crypto/hash.h"
#include "seal/object_keys.h"
#include "seal/reader.h"
#include "seal/writer.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"
#include "tests/support/temp_dir.h"

namespace cloister::seal {

inline Bytes payload_of(std::size_t size, std::uint64_t seed = 77) {
  testing::DeterministicRandom random(seed);
  Bytes bytes(size);
  random.fill(bytes);
  return bytes;
}

inline SealOptions options_of(std::uint8_t chunk_log2 = 14) {
  SealOptions options;
  options.chunk_log2 = chunk_log2;
  options.context.tenant = "acme";
  options.context.dataset = "faces";
  options.meta.name = "corpus-7.tar";
  options.threads = 2;
  return options;
}

// The code, and a word the message must have.
template <typename ResultOrStatus>
void expect_refused(const ResultOrStatus& result, Code code, std::string_view word) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(code_name(result.error().code()), code_name(code)) << result.error().message();
  EXPECT_NE(result.error().message().find(word), std::string::npos) << result.error().message();
}

// One object in a folder of its own.
class SealedObject {
 public:
  explicit SealedObject(ByteView payload, const SealOptions& options = options_of(), std::uint64_t seed = 1)
      : SealedObject(seed) {
    File target = value_of(File::create_new(path()));
    summary = value_of(seal_bytes(payload, target, options, keys(), random));
    bytes = value_of(read_file(path(), std::uint64_t{1} << 30));
  }

  // As an object of unknown length, from a pipe.
  enum class Streamed { kYes };
  SealedObject(Streamed, ByteView payload, const SealOptions& options = options_of(), std::uint64_t seed = 1)
      : SealedObject(seed) {
    int ends[2];
    CLOISTER_CHECK(::pipe(ends) == 0);
    const File source = File::from_descriptor(ends[0], "a pipe", File::Owned::kYes);
    std::thread feeding([&] {
      const File end = File::from_descriptor(ends[1], "a pipe", File::Owned::kYes);
      CLOISTER_CHECK(end.write_all(payload).ok());
    });
    File target = value_of(File::create_new(path()));
    Progress progress;
    summary = value_of(seal_payload(source, target, options, keys(), random, progress));
    feeding.join();
    bytes = value_of(read_file(path(), std::uint64_t{1} << 30));
  }

  std::span<crypto::KeyWrapper* const> keys() { return wrappers_; }
  Path path() const { return folder_ / "corpus-7.sealed"; }

  // Writes `bytes` as they are now and opens them.
  Result<ObjectReader> open() {
    store();
    CLOISTER_TRY(File file, File::open(path()));
    return ObjectReader::open(std::move(file), keys());
  }
  Status verify() {
    CLOISTER_TRY(const ObjectReader reader, open());
    Progress progress;
    return reader.verify(2, progress);
  }
  void store() {
    const Status status = write_file(path(), bytes, Overwrite::kReplace);
    CLOISTER_CHECK(status.ok());
  }

  crypto::Dek dek() const {
    testing::DeterministicRandom again(seed_);
    return crypto::Dek::random(again);
  }
  ByteView page() const { return ByteView(bytes).first(kPage); }
  Preamble preamble() const { return value_of(parse_preamble(page())); }
  Layout layout() const { return value_of(Layout::create(preamble(), summary.plaintext_bytes)); }

  // Puts crc and mac right after a change to the preamble's bytes. The keys are those of the preamble as it was sealed.
  void finish_page(const Preamble& sealed) {
    PreamblePage changed;
    std::ranges::copy(page(), changed.begin());
    store_le(changed.data() + 196, std::uint32_t{0});
    finish_preamble(changed, derive_header_key(dek(), sealed, changed));
    std::ranges::copy(changed, bytes.begin());
  }
  // Puts the footer's mac right.
  void finish_footer() {
    const MutableByteView footer = MutableByteView(bytes).last(kPage);
    const auto mac = crypto::hmac_sha256(derive_footer_key(dek(), preamble(), page()), footer.first(4064));
    std::ranges::copy(mac, footer.begin() + 4064);
  }
  // Puts the crc of both slot copies right.
  void finish_slots() {
    const std::uint32_t cap = preamble().slots_cap;
    for (const std::size_t start : {kPage, kPage + cap}) {
      const MutableByteView copy = MutableByteView(bytes).subspan(start, cap);
      store_le(copy.data() + cap - 4, crc32c(copy.first(cap - 4)));
    }
  }

  template <typename T>
  static T value_of(Result<T> result) {
    if (!result.ok()) ADD_FAILURE() << result.error().message();
    CLOISTER_CHECK(result.ok());
    return std::move(result).value();
  }

  SealedSummary summary;
  Bytes bytes;
  testing::DeterministicRandom random;

 private:
  explicit SealedObject(std::uint64_t seed) : random(seed), seed_(seed), key_(9, random), wrappers_{&key_} {}

  std::uint64_t seed_;
  testing::TempDir folder_;
  testing::LocalKey key_;
  std::array<crypto::KeyWrapper*, 1> wrappers_;
};

}  // namespace cloister::seal
