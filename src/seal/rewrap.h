// Replaces who can open an object without touching its data. docs/formats/sealed-object.md, SO-9.
#pragma once

#include <functional>
#include <span>

#include "base/file.h"
#include "crypto/key_wrapper.h"
#include "seal/slots.h"

namespace cloister::seal {

struct RewrapSummary {
  std::uint64_t slot_tables = 0;  // 1 for an object, one per run for a log
  std::uint64_t slots_changed = 0;
  std::uint64_t bytes_written = 0;
};

// Brings every slot that `wrapper` can open under the newest version of its key; the DEK stays inside the wrapper where
// that allows it. Slots that are there already, and those of other keys, stay as they are. In place, one synced write
// per slot table; killed at any moment the object opens by the old slots or the new. A damaged copy is repaired.
// kUnavailable: somebody else is rewrapping. kDenied: no slot of this wrapper. `file` is open for reading and writing.
// Of a log, runs without a slot of this wrapper are passed over; the first refusal is returned after the other runs are
// done, one for a key out of reach at once. kCorrupt: the slots' sequence number is used up, for this and what follows.
// kNo: the caller syncs the file system once for many objects, before any of them is rewrapped a second time.
enum class SyncWrites { kYes, kNo };
Result<RewrapSummary> rewrap_slots(const File& file, crypto::KeyWrapper& wrapper, SyncWrites sync = SyncWrites::kYes);

// Adds a slot for `addition`, opening the DEK with `openers`. It takes the place of one under the same key; passphrase
// slots stand side by side.
Result<RewrapSummary> add_slot(const File& file, std::span<crypto::KeyWrapper* const> openers,
                               crypto::KeyWrapper& addition);
// Removes slots for which `remove` says so from both copies. kInvalid, and nothing is written, when none would be left,
// or only shares, and fewer than are needed.
Result<RewrapSummary> remove_slots(const File& file, const std::function<bool(const Slot&)>& remove);

}  // namespace cloister::seal
