// What an open object keeps; shared by the files that read it. Not for use outside reader*.cc.
#pragma once

#include <mutex>
#include <vector>

#include "crypto/plain_buffer.h"
#include "seal/object_keys.h"
#include "seal/reader.h"
#include "seal/units.h"

namespace cloister::seal {

struct ObjectReader::State {
  File file;
  Preamble preamble;
  Bytes page;  // the preamble as stored
  SlotTables slots;
  crypto::Dek dek;
  Meta meta;
  Footer footer;
  crypto::Sha256Digest object_digest{};
  Layout layout;

  // Ciphers for read_at, handed from caller to caller: setting one up costs more than a small read.
  struct RangeReader {
    ChunkCipher cipher;
    std::optional<crypto::PlainBuffer> scratch;
  };
  std::mutex pool_mutex;
  std::vector<std::unique_ptr<RangeReader>> pool;

  State(File f, Preamble p, Bytes stored_page, SlotTables s, crypto::Dek d, Layout l)
      : file(std::move(f)),
        preamble(std::move(p)),
        page(std::move(stored_page)),
        slots(std::move(s)),
        dek(std::move(d)),
        layout(l) {}

  std::unique_ptr<RangeReader> take_range_reader();
  void give_back(std::unique_ptr<RangeReader> reader);

  // Reads a unit's ciphertext and tags and opens it in place in `buffer`.
  Status open_unit(const Units& units, std::uint64_t unit, ChunkCipher& cipher, MutableByteView buffer,
                   Bytes& tags) const;
  Error chunk_error(std::uint64_t chunk) const;
  Status check_padding() const;  // SO-14
};

inline Error reading_interrupted() { return Error(Code::kUnavailable, "interrupted"); }

}  // namespace cloister::seal
