// Key slots: who can open the object. Two copies, the only part of an object that is ever rewritten.
// docs/formats/sealed-object.md, "Key slots".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "crypto/random.h"
#include "seal/preamble.h"

namespace cloister::seal {

// That a slot wraps a share of the DEK (SO-20) instead of the DEK: which one, and how many make the DEK.
struct ShareOf {
  std::uint8_t index = 0;  // 0: the whole DEK
  std::uint8_t threshold = 0;
};

struct Slot {
  std::string tenant;
  crypto::WrappedKey wrapped;
  ShareOf share{};
  bool is_share() const { return share.index != 0; }
};

struct UnknownSlot {  // a type of a later version, or a share that isn't one of SO-20's: kept as it is by a rewrap
  std::uint16_t type = 0;
  Bytes body;
};

struct SlotTable {
  std::uint64_t seq = 1;
  std::vector<Slot> slots;
  std::vector<UnknownSlot> unknown;
};

enum class SlotCopy { kA, kB };

struct SlotTables {
  SlotTable newest;
  SlotCopy newest_copy = SlotCopy::kA;
  bool copy_damaged = false;  // the other copy fails its crc or is malformed; a rewrap repairs it
};

inline constexpr std::size_t kSlotsMax = 64;
inline constexpr std::uint64_t kSlotSeqMax = (std::uint64_t{1} << 63) - 1;
// KiB of memory times passes, over all passphrase slots tried for one opening (SO-8): one slot at the bounds of both.
inline constexpr std::uint64_t kArgon2WorkMax = std::uint64_t{16} << 20;

// One copy of exactly `slots_cap` bytes. kInvalid when the slots don't fit, or the sequence number is out of bounds.
Result<Bytes> serialize_slots(const SlotTable& table, std::uint32_t slots_cap);
// The bytes of a copy with nothing to spare.
std::size_t slots_size(const SlotTable& table);
Result<SlotTable> parse_slots(ByteView copy);
// True when the copy's crc is right: it was written whole.
bool slots_crc_fits(ByteView copy);
// SO-4: both copies, as they lie in the file.
Result<SlotTables> choose_slots(ByteView copy_a, ByteView copy_b);

// The context a DEK wrap is bound to.
crypto::WrapContext dek_context(const Preamble& preamble, std::string_view slot_tenant);
// The context that the slot's own wrap is bound to: of a share, which one of how many needed.
crypto::WrapContext slot_context(const Preamble& preamble, const Slot& slot);

// Wraps the DEK with each wrapper, for the preamble's tenant.
Result<SlotTable> make_slots(const Preamble& preamble, const crypto::Dek& dek,
                             std::span<crypto::KeyWrapper* const> wrappers);
// Gives each wrapper one share of the DEK, `threshold` of which open the object. kInvalid unless
// 2 <= threshold <= wrappers <= 64, and when one key would be given two shares.
Result<SlotTable> make_share_slots(const Preamble& preamble, const crypto::Dek& dek,
                                   std::span<crypto::KeyWrapper* const> wrappers, unsigned threshold,
                                   crypto::Random& random);
// How many shares open an object with these slots; 0 without shares.
unsigned shares_needed(const std::vector<Slot>& slots);
// That these slots are enough to open an object: a whole wrap, or as many shares as are needed.
bool are_enough(const std::vector<Slot>& slots);

// Tries the slots each wrapper knows: those of the whole DEK, then shares, until enough right ones were given. kDenied
// with the list of slot types and key ids when none opens, or too few shares were given, with every reason;
// kUnavailable when enough, or another in place of a wrong one, may be given later. kCorrupt: the shares don't fit one
// another, or no set of those given (they are named, and who gave them) makes the key. The DEK's commitment is compared
// before it is returned (SO-7).
Result<crypto::Dek> unwrap_slots(const Preamble& preamble, ByteView preamble_page, const SlotTable& table,
                                 std::span<crypto::KeyWrapper* const> wrappers);

// "dataset-key 0f3a…/2", "share 1 by dataset-key 0f3a…/2".
std::string describe_slot(const Slot& slot);
// "dataset-key 0f3a…/2, hpke-x25519 x25519:77ab…": for messages and `inspect`.
std::string describe_slots(const SlotTable& table);
std::string_view slot_type_name(crypto::WrapType type);

}  // namespace cloister::seal
