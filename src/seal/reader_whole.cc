// Reading whole objects: in order, unordered, to a file, and for verification.
#include <algorithm>
#include <condition_variable>
#include <thread>

#include "base/parallel.h"
#include "seal/reader.h"
#include "seal/reader_state.h"
#include "seal/tags_digest.h"
#include "seal/turn_writer.h"

namespace cloister::seal {

Status ObjectReader::State::open_unit(const Units& units, std::uint64_t unit, ChunkCipher& cipher,
                                      MutableByteView buffer, Bytes& tags) const {
  const std::uint64_t first = units.first_chunk(unit);
  const std::uint64_t chunks = units.chunks(unit, layout);
  const MutableByteView data = buffer.first(units.bytes(unit, layout));
  const MutableByteView unit_tags = MutableByteView(tags).first(chunks * crypto::kTagSize);
  CLOISTER_RETURN_IF_ERROR(file.read_at(layout.chunk_offset(first), data));
  CLOISTER_RETURN_IF_ERROR(file.read_at(layout.tag_offset(first), unit_tags));
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < chunks; ++i) {
    const MutableByteView chunk = data.subspan(at, layout.chunk_length(first + i));
    const ByteView tag = unit_tags.subspan(i * crypto::kTagSize, crypto::kTagSize);
    if (!cipher.open(first + i, last_flag(first + i, layout), chunk, tag, chunk).ok()) {
      crypto::wipe(data);  // SO-13: neither this chunk nor its neighbours leave
      return chunk_error(first + i).with_context("read " + file.path().string());
    }
    at += chunk.size();
  }
  return {};
}

Status ObjectReader::State::check_padding() const {
  const auto zeros = [this](std::uint64_t from, std::uint64_t to, const char* where) -> Status {
    if (from == to) return {};
    Bytes gap(to - from);
    CLOISTER_RETURN_IF_ERROR(file.read_at(from, gap));
    if (all_zero(gap)) return {};
    return Error(Code::kCorrupt, "read " + file.path().string() + ": bytes after " + where + " at offset " +
                                     std::to_string(from) + " aren't zero");
  };
  CLOISTER_RETURN_IF_ERROR(zeros(preamble.meta_off() + preamble.meta_len, preamble.data_off(), "META"));
  for (std::uint64_t group = 0; group < layout.group_count(); ++group) {
    const std::uint64_t data_end = layout.group_data_end(group);
    CLOISTER_RETURN_IF_ERROR(zeros(data_end, align_to_page(data_end), "the last chunk of a group"));
    const std::uint64_t tags_end =
        layout.tag_offset(group * layout.group_chunks()) + layout.chunks_in_group(group) * crypto::kTagSize;
    CLOISTER_RETURN_IF_ERROR(zeros(tags_end, align_to_page(tags_end), "the tags of a group"));
  }
  return {};
}

Status ObjectReader::read_all_unordered(unsigned threads, const Sink& sink, Progress& progress) const {
  const State& state = *state_;
  const Units units(state.layout);
  CLOISTER_RETURN_IF_ERROR(state.check_padding());
  const auto make_worker = [&]() -> PieceWorker {
    auto cipher = std::make_shared<ChunkCipher>(state.dek, state.preamble);
    auto buffer = std::make_shared<crypto::PlainBuffer>(units.bytes_max);
    auto tags = std::make_shared<Bytes>(units.chunks_per_unit * crypto::kTagSize);
    return [&, cipher, buffer, tags](std::uint64_t unit) -> Status {
      if (progress.stop_requested()) return reading_interrupted();
      CLOISTER_RETURN_IF_ERROR(state.open_unit(units, unit, *cipher, buffer->bytes(), *tags));
      const MutableByteView piece = buffer->first(units.bytes(unit, state.layout));
      CLOISTER_RETURN_IF_ERROR(sink(units.first_chunk(unit) * state.layout.chunk_size(), piece));
      progress.add(piece.size());
      return {};
    };
  };
  return parallel_pieces(bounded_threads(thread_count(threads), units.bytes_max), units.count, make_worker);
}

Status ObjectReader::read_into(MutableByteView out, unsigned threads, const Sink& arrived, Progress& progress) const {
  const State& state = *state_;
  const Units units(state.layout);
  CLOISTER_CHECK(out.size() == size());
  const auto make_worker = [&]() -> PieceWorker {
    auto cipher = std::make_shared<ChunkCipher>(state.dek, state.preamble);
    auto tags = std::make_shared<Bytes>(units.chunks_per_unit * crypto::kTagSize);
    return [&, cipher, tags](std::uint64_t unit) -> Status {
      if (progress.stop_requested()) return reading_interrupted();
      const std::uint64_t offset = units.first_chunk(unit) * state.layout.chunk_size();
      const MutableByteView piece = out.subspan(offset, units.bytes(unit, state.layout));
      CLOISTER_RETURN_IF_ERROR(state.open_unit(units, unit, *cipher, piece, *tags));
      CLOISTER_RETURN_IF_ERROR(arrived(offset, piece));
      progress.add(piece.size());
      return {};
    };
  };
  Status status = state.check_padding();
  if (status.ok()) status = parallel_pieces(thread_count(threads), units.count, make_worker);
  if (!status.ok()) crypto::wipe(out);  // SO-13
  return status;
}

Status ObjectReader::copy_to(const File& target, unsigned threads, Progress& progress) const {
  CLOISTER_RETURN_IF_ERROR(target.truncate(size()));
  TurnWriter writer(target);
  return read_all_unordered(
      threads, [&writer](std::uint64_t offset, ByteView piece) { return writer.write_at(offset, piece); }, progress);
}

namespace {

// Units opened ahead by workers, handed out in order.
class Window {
 public:
  Window(std::size_t places, std::size_t bytes) {
    for (std::size_t i = 0; i < places; ++i) places_.emplace_back(bytes);
    ready_.resize(places, false);
  }

  crypto::PlainBuffer& buffer(std::uint64_t unit) { return places_[unit % places_.size()]; }

  // Waits until the unit's place is free; false when the work was stopped.
  bool wait_free(std::uint64_t unit) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || unit < consumed_ + places_.size(); });
    return !stopped_;
  }
  void set_ready(std::uint64_t unit) {
    const std::lock_guard lock(mutex_);
    ready_[unit % places_.size()] = true;
    changed_.notify_all();
  }
  bool wait_ready(std::uint64_t unit) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || ready_[unit % places_.size()]; });
    return ready_[unit % places_.size()];
  }
  void set_consumed(std::uint64_t unit) {
    const std::lock_guard lock(mutex_);
    ready_[unit % places_.size()] = false;
    consumed_ = unit + 1;
    changed_.notify_all();
  }
  // Wakes everybody; the first error is the one that counts.
  void stop(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    stopped_ = true;
    changed_.notify_all();
  }
  Status status() {
    const std::lock_guard lock(mutex_);
    return error_ ? Status(*error_) : Status();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<crypto::PlainBuffer> places_;
  std::vector<bool> ready_;
  std::uint64_t consumed_ = 0;
  bool stopped_ = false;
  std::optional<Error> error_;
};

}  // namespace

Status ObjectReader::read_all(unsigned threads, const Sink& sink, Progress& progress) const {
  const State& state = *state_;
  const Units units(state.layout);
  CLOISTER_RETURN_IF_ERROR(state.check_padding());
  const unsigned workers = bounded_threads(thread_count(threads), 2 * units.bytes_max);
  const std::size_t places = std::min<std::uint64_t>(2 * workers, units.count);
  Window window(places, units.bytes_max);

  CLOISTER_TRY(std::thread opening, start_thread([&] {
                 const auto make_worker = [&]() -> PieceWorker {
                   auto cipher = std::make_shared<ChunkCipher>(state.dek, state.preamble);
                   auto tags = std::make_shared<Bytes>(units.chunks_per_unit * crypto::kTagSize);
                   return [&, cipher, tags](std::uint64_t unit) -> Status {
                     if (!window.wait_free(unit)) return reading_interrupted();
                     Status opened = progress.stop_requested()
                                         ? reading_interrupted()
                                         : state.open_unit(units, unit, *cipher, window.buffer(unit).bytes(), *tags);
                     // At once, not when all workers have ended: another may be waiting for a place that would never be
                     // free.
                     opened.ok() ? window.set_ready(unit) : window.stop(opened.error());
                     return opened;
                   };
                 };
                 ignore_result(parallel_pieces(workers, units.count, make_worker));  // the window has the error
               }));

  for (std::uint64_t unit = 0; unit < units.count && window.wait_ready(unit); ++unit) {
    const MutableByteView piece = window.buffer(unit).first(units.bytes(unit, state.layout));
    if (const Status taken = sink(units.first_chunk(unit) * state.layout.chunk_size(), piece); !taken.ok()) {
      window.stop(taken.error());
      break;
    }
    progress.add(piece.size());
    window.set_consumed(unit);
  }
  opening.join();
  return window.status();
}

Result<std::optional<crypto::Sha256Digest>> ObjectReader::payload_digest() const {
  const State& state = *state_;
  if (!state.footer.encrypted_digest) return std::optional<crypto::Sha256Digest>();
  crypto::Sha256Digest digest;
  const KeyAndNonce key = derive_digest_key(state.dek, state.preamble, state.page);
  const ByteView sealed(*state.footer.encrypted_digest);
  CLOISTER_RETURN_IF_ERROR(crypto::Aead(aead_algorithm(state.preamble.suite), key.key)
                               .open(key.nonce, {}, sealed.first(32), sealed.subspan(32), digest)
                               .with_context("payload digest"));
  return std::optional(digest);
}

Status ObjectReader::verify(unsigned threads, Progress& progress) const {
  const State& state = *state_;
  const std::string doing = "verify " + state.file.path().string();
  if (state.slots.copy_damaged) {
    return Error(Code::kCorrupt, doing + ": one of the two slot copies is damaged; rewrap repairs it");
  }
  CLOISTER_TRY(const crypto::Sha256Digest tags, read_tags_digest(state.file, state.layout));
  if (!equal(tags, state.footer.tags_digest)) return Error(Code::kCorrupt, doing + ": the digest of all tags differs");
  CLOISTER_TRY(const auto expected, payload_digest().with_context(doing));
  const auto nowhere = [](std::uint64_t, ByteView) { return ok_status(); };
  if (!expected) return read_all_unordered(threads, nowhere, progress);

  crypto::Sha256 hash;
  const auto hashing = [&hash](std::uint64_t, ByteView piece) {
    hash.update(piece);
    return ok_status();
  };
  CLOISTER_RETURN_IF_ERROR(read_all(threads, hashing, progress));
  if (!equal(hash.finish(), *expected)) return Error(Code::kCorrupt, doing + ": the payload's digest differs");
  return {};
}

}  // namespace cloister::seal
