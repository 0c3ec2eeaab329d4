#include "seal/writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>

#include "base/parallel.h"
#include "crypto/plain_buffer.h"
#include "seal/footer.h"
#include "seal/layout.h"
#include "seal/meta_seal.h"
#include "seal/object_keys.h"
#include "seal/slots.h"
#include "seal/tags_digest.h"
#include "seal/turn_writer.h"
#include "seal/units.h"

namespace cloister::seal {
namespace {

constexpr std::uint64_t kGroupTagsMax = std::uint64_t{4} << 20;
constexpr std::uint8_t kStreamGroupLog2 = 8;

Error interrupted() { return Error(Code::kUnavailable, "interrupted"); }
Error payload_too_large() { return Error(Code::kInvalid, "the payload is larger than 2^50 bytes"); }

// Everything before the payload, and the keys for the rest.
struct Head {
  Preamble preamble;
  PreamblePage page{};
  crypto::Dek dek;
  Bytes bytes;  // preamble, both slot copies, META, padding
};

std::uint8_t group_log2_for(std::uint64_t plaintext_len, std::uint8_t chunk_log2) {
  if (plaintext_len == kLengthUnknown) return kStreamGroupLog2;
  const std::uint64_t chunks = std::max<std::uint64_t>(1, (plaintext_len + (1ull << chunk_log2) - 1) >> chunk_log2);
  const std::uint64_t wanted = std::bit_ceil(chunks);
  return static_cast<std::uint8_t>(std::countr_zero(std::min(wanted, kGroupTagsMax / crypto::kTagSize)));
}

// Room for the slots twice over, so that a key can be added later.
std::uint32_t slot_space_for(const SlotTable& table) {
  const std::size_t twice = 2 * slots_size(table);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(align_to_page(twice), kSlotsCapMax));
}

// What the writer skips must read as zeros.
Status check_empty(const File& target) {
  CLOISTER_TRY(const std::uint64_t size, target.size());
  if (size == 0) return {};
  return Error(Code::kInvalid, "seal into " + target.path().string() + ": it isn't empty");
}

Result<Head> make_head(const SealOptions& options, std::uint64_t plaintext_len,
                       std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random) {
  Head head{Preamble{}, {}, crypto::Dek::random(random), {}};
  Preamble& p = head.preamble;
  p.suite = options.suite;
  p.chunk_log2 = options.chunk_log2;
  p.group_log2 = group_log2_for(plaintext_len, options.chunk_log2);
  p.plaintext_len = plaintext_len;
  p.context = options.context;
  p.object_id = crypto::random_array<16>(random);
  p.salt = crypto::random_array<32>(random);  // SO-10: fresh for every attempt, as is run_id
  p.run_id = crypto::random_array<16>(random);
  head.page = serialize_preamble(p);
  p.commitment = derive_commitment(head.dek, p, head.page);

  CLOISTER_TRY(const SlotTable slots, options.share_threshold == 0
                                          ? make_slots(p, head.dek, wrappers)
                                          : make_share_slots(p, head.dek, wrappers, options.share_threshold, random));
  p.slots_cap = options.slots_cap != 0 ? options.slots_cap : slot_space_for(slots);
  CLOISTER_TRY(const Bytes copy, serialize_slots(slots, p.slots_cap));

  CLOISTER_TRY(const Bytes meta, seal_meta(options.meta, head.dek, head.page, p));
  head.page = serialize_preamble(p);
  finish_preamble(head.page, derive_header_key(head.dek, p, head.page));
  head.bytes.reserve(p.data_off());
  head.bytes.insert(head.bytes.end(), head.page.begin(), head.page.end());
  head.bytes.insert(head.bytes.end(), copy.begin(), copy.end());
  head.bytes.insert(head.bytes.end(), copy.begin(), copy.end());
  head.bytes.insert(head.bytes.end(), meta.begin(), meta.end());
  head.bytes.resize(p.data_off());
  return head;
}

Status seal_units(const PayloadSource& source, const File& target, const Head& head, const Layout& layout,
                  unsigned threads, Progress& progress) {
  const Units units(layout);
  TurnWriter writer(target);
  const auto make_worker = [&]() -> PieceWorker {
    auto buffer = std::make_shared<crypto::PlainBuffer>(units.bytes_max);
    auto cipher = std::make_shared<ChunkCipher>(head.dek, head.preamble);
    auto tags = std::make_shared<Bytes>(units.chunks_per_unit * crypto::kTagSize);
    return [&, buffer, cipher, tags](std::uint64_t unit) -> Status {
      if (progress.stop_requested()) return interrupted();
      const std::uint64_t first = units.first_chunk(unit);
      const std::uint64_t chunks = units.chunks(unit, layout);
      const MutableByteView data = buffer->first(units.bytes(unit, layout));
      CLOISTER_RETURN_IF_ERROR(source.read_at(first * layout.chunk_size(), data));
      std::size_t at = 0;
      for (std::uint64_t i = 0; i < chunks; ++i) {
        const MutableByteView chunk = data.subspan(at, layout.chunk_length(first + i));
        crypto::Tag tag;
        cipher->seal(first + i, last_flag(first + i, layout), chunk, chunk, tag);
        std::ranges::copy(tag, tags->begin() + static_cast<std::ptrdiff_t>(i * crypto::kTagSize));
        at += chunk.size();
      }
      CLOISTER_RETURN_IF_ERROR(writer.write_at(layout.chunk_offset(first), data));
      CLOISTER_RETURN_IF_ERROR(
          writer.write_at(layout.tag_offset(first), ByteView(*tags).first(chunks * crypto::kTagSize)));
      progress.add(data.size());
      return {};
    };
  };
  return parallel_pieces(bounded_threads(thread_count(threads), units.bytes_max), units.count, make_worker);
}

// Reads the source a second time, beside the workers: they go in no order.
Result<crypto::Sha256Digest> digest_payload(const PayloadSource& source, const Progress& progress,
                                            const std::atomic<bool>& stop) {
  crypto::Sha256 hash;
  crypto::PlainBuffer buffer(std::size_t{1} << 20);
  for (std::uint64_t offset = 0; offset < source.size; offset += buffer.size()) {
    if (progress.stop_requested() || stop) return interrupted();
    const MutableByteView part = buffer.first(std::min<std::uint64_t>(buffer.size(), source.size - offset));
    CLOISTER_RETURN_IF_ERROR(source.read_at(offset, part));
    hash.update(part);
  }
  return hash.finish();
}

Result<SealedSummary> write_footer(const File& target, const Head& head, const Layout& layout,
                                   const crypto::Sha256Digest& tags_digest,
                                   const std::optional<crypto::Sha256Digest>& payload_digest) {
  Footer footer{head.preamble.object_id, head.preamble.run_id, layout.plaintext_len(),
                layout.chunk_count(),    tags_digest,          std::nullopt};
  if (payload_digest) {
    const KeyAndNonce key = derive_digest_key(head.dek, head.preamble, head.page);
    auto& encrypted = footer.encrypted_digest.emplace();
    crypto::Tag tag;
    crypto::Aead(aead_algorithm(head.preamble.suite), key.key)
        .seal(key.nonce, {}, *payload_digest, MutableByteView(encrypted).first(32), tag);
    std::ranges::copy(tag, encrypted.begin() + 32);
  }
  const FooterPage page = serialize_footer(footer, derive_footer_key(head.dek, head.preamble, head.page));
  CLOISTER_RETURN_IF_ERROR(target.write_at(layout.footer_offset(), page));
  return SealedSummary{head.preamble.object_id, layout.plaintext_len(), layout.file_size(), crypto::sha256(page)};
}

Result<SealedSummary> seal_known_length(const PayloadSource& source, const File& target, const SealOptions& options,
                                        std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                        Progress& progress) {
  CLOISTER_RETURN_IF_ERROR(check_seal_options(options));
  CLOISTER_RETURN_IF_ERROR(check_empty(target));
  if (source.size > kPayloadMax) return payload_too_large();
  CLOISTER_TRY(const Head head, make_head(options, source.size, wrappers, random));
  CLOISTER_TRY(const Layout layout, Layout::create(head.preamble, source.size));
  // Gives the padding between regions its zeros.
  CLOISTER_RETURN_IF_ERROR(target.truncate(layout.file_size()));
  CLOISTER_RETURN_IF_ERROR(target.write_at(0, head.bytes));

  std::optional<Result<crypto::Sha256Digest>> payload_digest;
  std::atomic<bool> sealing_failed{false};
  std::thread digesting;
  if (options.payload_digest == PayloadDigest::kSha256) {
    CLOISTER_TRY(digesting,
                 start_thread([&] { payload_digest.emplace(digest_payload(source, progress, sealing_failed)); }));
  }
  const Status sealed = seal_units(source, target, head, layout, options.threads, progress);
  sealing_failed = !sealed.ok();
  if (digesting.joinable()) digesting.join();
  if (!sealed.ok()) return sealed.error();
  if (payload_digest && !payload_digest->ok()) return payload_digest->error();
  CLOISTER_TRY(const crypto::Sha256Digest tags_digest, read_tags_digest(target, layout));
  return write_footer(target, head, layout, tags_digest,
                      payload_digest ? std::optional(payload_digest->value()) : std::nullopt);
}

// A payload that comes as it comes: batches of chunks, one batch held back until it is known whether more follows.
class StreamSealer {
 public:
  StreamSealer(const File& source, const File& target, const Head& head, const Layout& open_ended,
               const SealOptions& options)
      : source_(source),
        target_(target),
        head_(head),
        layout_(open_ended),
        threads_(thread_count(options.threads)),
        hashing_(options.payload_digest == PayloadDigest::kSha256) {
    const std::uint64_t chunk = layout_.chunk_size();
    const std::uint64_t wanted = std::max<std::uint64_t>(chunk, std::uint64_t{2 * threads_} << 20);
    batch_chunks_ = std::clamp<std::uint64_t>(wanted / chunk, 1, std::max<std::uint64_t>(1, (8 << 20) / chunk));
  }

  Status run(Progress& progress) {
    const std::size_t batch_bytes = batch_chunks_ * layout_.chunk_size();
    crypto::PlainBuffer one(batch_bytes), two(batch_bytes);
    crypto::PlainBuffer* current = &one;
    crypto::PlainBuffer* next = &two;
    CLOISTER_TRY(std::size_t count, source_.read_some(current->bytes()));
    for (;;) {
      if (progress.stop_requested()) return interrupted();
      std::size_t next_count = 0;
      if (count == batch_bytes) {
        CLOISTER_TRY(next_count, source_.read_some(next->bytes()));
      }
      const bool last = next_count == 0;
      CLOISTER_RETURN_IF_ERROR(seal_batch(current->first(count), last));
      progress.add(count);
      if (last) return {};
      std::swap(current, next);
      count = next_count;
    }
  }

  std::uint64_t plaintext_len() const { return plaintext_len_; }
  crypto::Sha256Digest tags_digest() { return tags_hash_.finish(); }
  std::optional<crypto::Sha256Digest> payload_digest() {
    if (!hashing_) return std::nullopt;
    return payload_hash_.finish();
  }

 private:
  Status seal_batch(MutableByteView data, bool last_batch) {
    if (data.size() > kPayloadMax - plaintext_len_) return payload_too_large();
    if (hashing_) payload_hash_.update(data);
    const std::uint64_t chunk_size = layout_.chunk_size();
    const std::uint64_t first = next_chunk_;
    const std::uint64_t chunks = std::max<std::uint64_t>(1, (data.size() + chunk_size - 1) / chunk_size);
    Bytes tags(chunks * crypto::kTagSize);
    const auto make_worker = [&]() -> PieceWorker {
      auto cipher = std::make_shared<ChunkCipher>(head_.dek, head_.preamble);
      return [&, cipher](std::uint64_t i) -> Status {
        const std::size_t at = i * chunk_size;
        const MutableByteView chunk = data.subspan(at, std::min<std::size_t>(chunk_size, data.size() - at));
        const Last last = last_batch && i + 1 == chunks ? Last::kYes : Last::kNo;
        crypto::Tag tag;
        cipher->seal(first + i, last, chunk, chunk, tag);
        std::ranges::copy(tag, tags.begin() + static_cast<std::ptrdiff_t>(i * crypto::kTagSize));
        return writer_.write_at(layout_.chunk_offset(first + i), chunk);
      };
    };
    CLOISTER_RETURN_IF_ERROR(parallel_pieces(threads_, chunks, make_worker));
    tags_hash_.update(tags);
    next_chunk_ += chunks;
    plaintext_len_ += data.size();
    return keep_tags(tags, last_batch);
  }

  // Tags of a whole group go out together; those of a last, partial one after wherever its data ended.
  Status keep_tags(ByteView tags, bool last_batch) {
    group_tags_.insert(group_tags_.end(), tags.begin(), tags.end());
    const std::size_t group_size = layout_.group_chunks() * crypto::kTagSize;
    while (group_tags_.size() >= group_size || (last_batch && !group_tags_.empty())) {
      const std::size_t count = std::min(group_size, group_tags_.size());
      const std::uint64_t first_chunk = group_ * layout_.group_chunks();
      CLOISTER_TRY(const Layout so_far, Layout::create(head_.preamble, plaintext_len_));
      CLOISTER_RETURN_IF_ERROR(writer_.write_at(so_far.tag_offset(first_chunk), ByteView(group_tags_).first(count)));
      group_tags_.erase(group_tags_.begin(), group_tags_.begin() + static_cast<std::ptrdiff_t>(count));
      ++group_;
    }
    return {};
  }

  const File& source_;
  const File& target_;
  TurnWriter writer_{target_};
  const Head& head_;
  const Layout& layout_;
  unsigned threads_;
  bool hashing_;
  std::uint64_t batch_chunks_ = 1;
  std::uint64_t next_chunk_ = 0;
  std::uint64_t plaintext_len_ = 0;
  std::uint64_t group_ = 0;
  Bytes group_tags_;
  crypto::Sha256 tags_hash_;
  crypto::Sha256 payload_hash_;
};

Result<SealedSummary> seal_stream(const File& source, const File& target, const SealOptions& options,
                                  std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                  Progress& progress) {
  CLOISTER_RETURN_IF_ERROR(check_seal_options(options));
  CLOISTER_RETURN_IF_ERROR(check_empty(target));
  CLOISTER_TRY(const Head head, make_head(options, kLengthUnknown, wrappers, random));
  CLOISTER_TRY(const Layout open_ended, Layout::create(head.preamble, kPayloadMax));
  CLOISTER_RETURN_IF_ERROR(target.write_at(0, head.bytes));
  StreamSealer sealer(source, target, head, open_ended, options);
  CLOISTER_RETURN_IF_ERROR(sealer.run(progress));
  CLOISTER_TRY(const Layout layout, Layout::create(head.preamble, sealer.plaintext_len()));
  return write_footer(target, head, layout, sealer.tags_digest(), sealer.payload_digest());
}

struct SourceStamp {
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const SourceStamp&) const = default;
};

Result<SourceStamp> stamp(const File& file) {
  struct stat info{};
  if (::fstat(file.descriptor(), &info) != 0) return error_from_errno(errno, "look at " + file.path().string());
  return SourceStamp{static_cast<std::uint64_t>(info.st_size),
                     static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec};
}

}  // namespace

Status check_seal_options(const SealOptions& options) {
  if (options.chunk_log2 < 14 || options.chunk_log2 > 22) {
    return Error(Code::kInvalid, "chunk size must be a power of two from 16 KiB to 4 MiB");
  }
  if (options.slots_cap % kPage != 0 || options.slots_cap > kSlotsCapMax) {
    return Error(Code::kInvalid, "slot space must be a multiple of 4096, at most 1 MiB");
  }
  return check_public_context(options.context);
}

Result<SealedSummary> seal_payload(const File& source, const File& target, const SealOptions& options,
                                   std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                   Progress& progress) {
  CLOISTER_TRY(const bool regular, source.is_regular());
  if (!regular) return seal_stream(source, target, options, wrappers, random, progress);
  CLOISTER_TRY(const SourceStamp before, stamp(source));
  const PayloadSource payload{before.size, [&source](std::uint64_t offset, MutableByteView out) -> Status {
                                const Status status = source.read_at(offset, out);
                                if (status.ok() || status.error().code() != Code::kCorrupt) return status;
                                return Error(Code::kInvalid,
                                             source.path().string() + " got shorter while it was being sealed");
                              }};
  auto sealed = seal_known_length(payload, target, options, wrappers, random, progress);
  if (!sealed.ok()) return sealed;
  CLOISTER_TRY(const SourceStamp after, stamp(source));
  if (!(before == after)) {
    return Error(Code::kInvalid, source.path().string() + " changed while it was being sealed: seal it again");
  }
  return sealed;
}

Result<SealedSummary> seal_bytes(ByteView payload, const File& target, const SealOptions& options,
                                 std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random) {
  Progress progress;
  const PayloadSource source{payload.size(), [payload](std::uint64_t offset, MutableByteView out) -> Status {
                               std::ranges::copy(payload.subspan(offset, out.size()), out.begin());
                               return {};
                             }};
  return seal_known_length(source, target, options, wrappers, random, progress);
}

Result<SealedSummary> seal_source(const PayloadSource& source, const File& target, const SealOptions& options,
                                  std::span<crypto::KeyWrapper* const> wrappers, crypto::Random& random,
                                  Progress& progress) {
  return seal_known_length(source, target, options, wrappers, random, progress);
}

}  // namespace cloister::seal
