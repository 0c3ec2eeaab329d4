// A whole object with edits: the input is a list of them, three bytes of offset and one to xor, after one byte that
// says what is made right again afterwards. Without repairs every edit is refused or changes nothing. With them it is
// the work of somebody who holds the DEK: it may open, but nothing may break.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "seal/object_keys.h"
#include "seal/reader.h"
#include "seal/writer.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"

using namespace cloister;

namespace {

constexpr std::uint8_t kRepairPreamble = 1;
constexpr std::uint8_t kRepairSlots = 2;
constexpr std::uint8_t kRepairMetaHash = 4;
constexpr std::uint8_t kRepairFooter = 8;

class Object {
 public:
  Object() : key_(9, random_), file_(File::from_descriptor(::memfd_create("object", 0), "object", File::Owned::kYes)) {
    seal::SealOptions options;
    options.chunk_log2 = 14;
    options.threads = 1;
    options.context.tenant = "acme";
    options.meta.name = "x";
    payload_.assign(20'000, 0x5A);
    CLOISTER_CHECK(seal::seal_bytes(payload_, file_, options, wrappers_, random_).ok());
    sealed_.resize(file_.size().value());
    CLOISTER_CHECK(file_.read_at(0, sealed_).ok());
    testing::DeterministicRandom again(1);
    dek_.emplace(crypto::Dek::random(again));
    preamble_ = seal::parse_preamble(ByteView(sealed_).first(seal::kPage)).value();
  }

  void run(std::uint8_t repairs, ByteView edits) {
    Bytes bytes = sealed_;
    for (; edits.size() >= 4; edits = edits.subspan(4)) {
      const std::size_t offset = edits[0] | edits[1] << 8 | edits[2] << 16;
      bytes[offset % bytes.size()] ^= edits[3];
    }
    repair(repairs, bytes);
    CLOISTER_CHECK(file_.truncate(bytes.size()).ok() && file_.write_at(0, bytes).ok());
    auto reader =
        seal::ObjectReader::open(File::from_descriptor(file_.descriptor(), "object", File::Owned::kNo), wrappers_);
    if (!reader.ok()) return;
    Progress progress;
    Bytes out;
    const auto sink = [&out](std::uint64_t, ByteView piece) {
      out.insert(out.end(), piece.begin(), piece.end());
      return ok_status();
    };
    const bool read = reader.value().read_all(1, sink, progress).ok();
    const bool verified = reader.value().verify(1, progress).ok();
    if ((repairs & 15) != 0) return;
    CLOISTER_CHECK(!read || out == payload_);
    CLOISTER_CHECK(!verified || bytes == sealed_);
  }

 private:
  void repair(std::uint8_t repairs, Bytes& bytes) {
    const MutableByteView all(bytes);
    if ((repairs & kRepairSlots) != 0) {
      for (const std::size_t start : {seal::kPage, 2 * seal::kPage}) {
        const MutableByteView copy = all.subspan(start, seal::kPage);
        store_le(copy.data() + seal::kPage - 4, crc32c(copy.first(seal::kPage - 4)));
      }
    }
    if ((repairs & kRepairMetaHash) != 0) {
      std::ranges::copy(crypto::sha256(all.subspan(preamble_.meta_off(), preamble_.meta_len)), bytes.begin() + 144);
    }
    if ((repairs & kRepairPreamble) != 0) {
      seal::PreamblePage page;
      std::ranges::copy(all.first(seal::kPage), page.begin());
      store_le(page.data() + 196, std::uint32_t{0});
      seal::finish_preamble(page, seal::derive_header_key(*dek_, preamble_, page));
      std::ranges::copy(page, bytes.begin());
    }
    if ((repairs & kRepairFooter) != 0) {
      const crypto::Secret key = seal::derive_footer_key(*dek_, preamble_, all.first(seal::kPage));
      const MutableByteView footer = all.last(seal::kPage);
      std::ranges::copy(crypto::hmac_sha256(key, footer.first(4064)), footer.begin() + 4064);
    }
  }

  testing::DeterministicRandom random_{1};
  testing::LocalKey key_;
  crypto::KeyWrapper* wrappers_[1] = {&key_};
  File file_;
  Bytes payload_;
  Bytes sealed_;
  std::optional<crypto::Dek> dek_;
  seal::Preamble preamble_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Object object;
  if (size > 0) object.run(data[0], ByteView(data, size).subspan(1));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (std::uint8_t repairs = 0; repairs < 16; ++repairs) {
    for (const std::size_t offset : {12, 13, 104, 120, 136, 4096 + 16, 8192 + 24, 12288, 16384, 40960, 45056 + 40}) {
      seeds->push_back({repairs, static_cast<std::uint8_t>(offset), static_cast<std::uint8_t>(offset >> 8), 0, 1});
    }
  }
}
