// Opens a sealed object: ranges, everything in order, verification. docs/formats/sealed-object.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/key_wrapper.h"
#include "seal/footer.h"
#include "seal/layout.h"
#include "seal/meta.h"
#include "seal/preamble.h"
#include "seal/slots.h"

namespace cloister::seal {

// What anyone can see without a key. Nothing in it is authenticated.
struct ObjectOutline {
  Preamble preamble;
  SlotTables slots;
  std::uint64_t file_size = 0;
};
// Works on append logs too (their run 0).
Result<ObjectOutline> read_outline(const File& file);

// An object whose preamble, META and footer were verified. Any number of threads may read at once; several objects may
// be open at once. Not one byte of a chunk is handed out before its tag was verified (SO-13).
class ObjectReader {
 public:
  // In the order of SO-19. kDenied when none of `wrappers` opens a slot. Append logs are kInvalid here: use LogReader.
  static Result<ObjectReader> open(File file, std::span<crypto::KeyWrapper* const> wrappers);

  ObjectReader(ObjectReader&&) noexcept;
  ObjectReader& operator=(ObjectReader&&) noexcept;
  ~ObjectReader();

  const Preamble& preamble() const;
  const SlotTables& slots() const;
  const Meta& meta() const;
  const Footer& footer() const;
  std::uint64_t size() const;  // of the payload
  crypto::Sha256Digest object_digest() const;
  const Path& path() const;

  // out.size() payload bytes from `offset`. kInvalid past the end. On failure `out` is zeroed.
  Status read_at(std::uint64_t offset, MutableByteView out) const;

  // The whole payload in order to `sink`, a piece at a time (at most 4 MiB), decrypted by `threads` workers (0: one per
  // processor). Checks padding too (SO-14). The sink's error stops it and is returned. kUnavailable on request_stop().
  using Sink = std::function<Status(std::uint64_t offset, ByteView piece)>;
  Status read_all(unsigned threads, const Sink& sink, Progress& progress) const;

  // The same with pieces in any order and from several threads at once: the sink must allow that. The fastest way out.
  Status read_all_unordered(unsigned threads, const Sink& sink, Progress& progress) const;

  // The whole payload into `out`, which has its size, decrypted where it stays; `arrived` is told of each piece, in any
  // order and from several threads at once. Checks padding too. On failure `out` is zeroed.
  Status read_into(MutableByteView out, unsigned threads, const Sink& arrived, Progress& progress) const;

  // The whole payload into `target` by position; what `cloister open` does.
  Status copy_to(const File& target, unsigned threads, Progress& progress) const;

  // SHA-256 of the whole payload, where the object was sealed with one. Its tags bind the payload for everyone without
  // the DEK; this binds it against those who have it, as far as something signed binds the footer.
  Result<std::optional<crypto::Sha256Digest>> payload_digest() const;

  // Everything: both slot copies, padding, every tag, tags_digest, the payload digest where there is one. SO-17.
  Status verify(unsigned threads, Progress& progress) const;

 private:
  struct State;
  explicit ObjectReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::seal
