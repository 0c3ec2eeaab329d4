// The first page of a sealed object or log run. docs/formats/sealed-object.md, "Preamble".
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "crypto/aead.h"
#include "crypto/hash.h"

namespace cloister::seal {

inline constexpr std::size_t kPage = 4096;
inline constexpr std::uint64_t kLengthUnknown = ~std::uint64_t{0};
inline constexpr std::uint64_t kPayloadMax = std::uint64_t{1} << 50;
inline constexpr std::uint32_t kMetaMax = 1 << 20;
inline constexpr std::uint32_t kSlotsCapMax = 1 << 20;

constexpr std::uint64_t align_to_page(std::uint64_t x) { return (x + (kPage - 1)) & ~std::uint64_t{kPage - 1}; }

enum class Suite : std::uint16_t { kAes256Gcm = 1, kChaCha20Poly1305 = 2 };
crypto::AeadAlgorithm aead_algorithm(Suite suite);

using Id = std::array<std::uint8_t, 16>;

struct PreviousRun {
  Id run_id{};
  std::uint64_t frames = 0;
};

// What anyone may read: bound into every key of the object and covered by the preamble's mac.
struct PublicContext {
  std::string tenant;
  std::string dataset;  // empty: none
  std::optional<Id> keyring_id;
  std::optional<PreviousRun> previous_run;
};

// A parsed preamble is well formed: every bound of the format holds, no offset overflows. Its mac is a separate step,
// since that needs the DEK.
struct Preamble {
  Suite suite = Suite::kAes256Gcm;
  std::uint8_t chunk_log2 = 20;
  std::uint8_t group_log2 = 8;
  bool append_log = false;
  Id object_id{};
  std::array<std::uint8_t, 32> salt{};
  std::array<std::uint8_t, 32> commitment{};
  std::uint32_t slots_cap = kPage;
  std::uint64_t meta_len = 0;
  std::uint64_t plaintext_len = kLengthUnknown;
  crypto::Sha256Digest meta_hash{};
  Id run_id{};
  std::uint32_t run_number = 0;
  PublicContext context;

  std::uint32_t chunk_size() const { return std::uint32_t{1} << chunk_log2; }
  std::uint64_t slots_off() const { return kPage; }
  std::uint64_t meta_off() const { return kPage + 2 * std::uint64_t{slots_cap}; }
  std::uint64_t data_off() const { return align_to_page(meta_off() + meta_len); }
};

// kInvalid unless a reader would take it: a tenant of 1 to 128 bytes, a dataset of at most 128, both plain text.
Status check_public_context(const PublicContext& context);

using PreamblePage = std::array<std::uint8_t, kPage>;

// kInvalid: not a sealed object. kUnsupported: newer or unknown. kCorrupt: damaged. SO-1, SO-2, SO-3.
Result<Preamble> parse_preamble(ByteView page);
// True when the page has the magic and the right crc: it was written whole.
bool preamble_crc_fits(ByteView page);
// The page without its mac and crc (both zero): what commitment and mac are computed over.
PreamblePage serialize_preamble(const Preamble& preamble);
// Puts mac and crc into a page.
void finish_preamble(PreamblePage& page, const crypto::Secret& header_key);
// SO-19: kCorrupt unless the page's mac is right.
Status verify_preamble_mac(ByteView page, const crypto::Secret& header_key);
// SHA-256 of the public part, the context of every derivation.
crypto::Sha256Digest context_hash(ByteView page);

}  // namespace cloister::seal
