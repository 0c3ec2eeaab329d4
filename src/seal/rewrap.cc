#include "seal/rewrap.h"

#include <algorithm>

#include "seal/locked_file.h"
#include "seal/log_frame.h"
#include "seal/object_keys.h"

namespace cloister::seal {
namespace {

// One preamble with its two slot copies, wherever in the file it lies.
struct Place {
  Preamble preamble;
  Bytes page;
  SlotTables slots;
  std::uint64_t start = 0;

  std::uint64_t copy_offset(SlotCopy copy) const {
    return start + preamble.slots_off() + (copy == SlotCopy::kA ? 0 : preamble.slots_cap);
  }
};

Result<Place> read_place(const File& file) {
  Place place;
  // Most objects have the smallest slot space: one read brings all of it.
  Bytes head(3 * kPage);
  CLOISTER_TRY(const std::uint64_t size, file.size());
  head.resize(std::min<std::uint64_t>(size, head.size()));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, head));
  place.page = to_bytes(ByteView(head).first(std::min<std::size_t>(head.size(), kPage)));
  CLOISTER_TRY(place.preamble, parse_preamble(place.page).with_context("read preamble"));
  const std::uint32_t cap = place.preamble.slots_cap;
  if (place.preamble.data_off() > size) return Error(Code::kCorrupt, "the file ends before its data begins");
  if (head.size() < place.preamble.meta_off()) {
    head.resize(place.preamble.meta_off());
    CLOISTER_RETURN_IF_ERROR(file.read_at(0, head));
  }
  const ByteView copies = ByteView(head).subspan(kPage, 2 * std::size_t{cap});
  CLOISTER_TRY(place.slots, choose_slots(copies.first(cap), copies.subspan(cap)).with_context("read key slots"));
  return place;
}

// Calls `work` for an object's one place, or for each run of a log as the walk meets it: a log may have very many.
Status for_places(const File& file, const std::function<Status(const Place&)>& work) {
  CLOISTER_TRY(const Place first, read_place(file));
  if (!first.preamble.append_log) return work(first);
  LogWalk walk(file);
  CLOISTER_RETURN_IF_ERROR(walk.start());
  CLOISTER_RETURN_IF_ERROR(work(Place{walk.run().preamble, walk.run().page, walk.run().slots, walk.run().start}));
  for (;;) {
    CLOISTER_TRY(const LogWalk::Step step, walk.next());
    if (step == LogWalk::Step::kEnd) return {};
    if (step != LogWalk::Step::kRun) continue;
    CLOISTER_RETURN_IF_ERROR(work(Place{walk.run().preamble, walk.run().page, walk.run().slots, walk.run().start}));
  }
}

Result<Place> read_again(const File& file, const Place& place) {
  if (place.start == 0) return read_place(file);
  CLOISTER_TRY(const std::uint64_t size, file.size());
  CLOISTER_TRY(auto header, probe_run_header(file, size, place.start));
  if (!header) return Error(Code::kCorrupt, "a run header went missing");
  return Place{header->preamble, header->page, header->slots, place.start};
}

Error changed_meanwhile() {
  return Error(Code::kUnavailable, "somebody else changed the key slots meanwhile: try again");
}

// SO-9: the stale copy, in full, in one write.
Status write_slots(const File& file, const Place& place, SlotTable table, SyncWrites sync, RewrapSummary& summary) {
  const SlotCopy stale = place.slots.newest_copy == SlotCopy::kA ? SlotCopy::kB : SlotCopy::kA;
  if (place.slots.newest.seq == kSlotSeqMax) {
    return Error(Code::kCorrupt, "the key slots' sequence number is at its end, where no rewrap brings it: re-key it");
  }
  table.seq = place.slots.newest.seq + 1;
  CLOISTER_TRY(const Bytes copy, serialize_slots(table, place.preamble.slots_cap));
  CLOISTER_TRY(const Place now, read_again(file, place));
  if (now.slots.newest.seq != place.slots.newest.seq) {
    return changed_meanwhile();
  }
  CLOISTER_RETURN_IF_ERROR(file.write_at(place.copy_offset(stale), copy));
  if (sync == SyncWrites::kYes) CLOISTER_RETURN_IF_ERROR(file.sync());
  CLOISTER_TRY(const Place written, read_again(file, place));
  if (written.slots.newest.seq != table.seq || written.slots.newest_copy != stale) return changed_meanwhile();
  ++summary.slot_tables;
  summary.bytes_written += copy.size();
  return {};
}

bool same_wrap(const crypto::WrappedKey& a, const crypto::WrappedKey& b) {
  return a.type == b.type && a.key_id == b.key_id && a.key_version == b.key_version;
}

// One key over the places of one file.
class Rewrapping {
 public:
  Rewrapping(const File& file, crypto::KeyWrapper& wrapper, SyncWrites sync)
      : file_(file), wrapper_(wrapper), sync_(sync) {}

  // A slot that refuses stops nothing but itself, unless the key is out of reach: then it is for every slot.
  Status rewrap(const Place& place) {
    SlotTable table = place.slots.newest;
    std::uint64_t changed = 0;
    bool known = false;
    for (Slot& slot : table.slots) {
      auto rewrapped = wrapper_.rewrap(slot.wrapped, slot_context(place.preamble, slot));
      if (!rewrapped.ok()) {
        if (rewrapped.error().code() != Code::kNotFound) refuse(rewrapped.error(), place);
        continue;
      }
      known = true;
      if (same_wrap(slot.wrapped, *rewrapped)) continue;
      slot.wrapped = std::move(rewrapped).value();
      ++changed;
    }
    if (!known && slots_.empty()) slots_ = describe_slots(table);
    known_ = known_ || known;
    if (known && (changed > 0 || place.slots.copy_damaged)) {
      CLOISTER_RETURN_IF_ERROR(write_slots(file_, place, std::move(table), sync_, summary_));
      summary_.slots_changed += changed;
    }
    if (refusal_ && refusal_->code() == Code::kUnavailable) return *refusal_;
    return {};
  }

  Result<RewrapSummary> finish() const {
    if (refusal_) return *refusal_;
    if (!known_) return Error(Code::kDenied, "no slot is under this key; its slots are: " + slots_);
    return summary_;
  }

 private:
  void refuse(const Error& error, const Place& place) {
    const bool worse = !refusal_ || (error.code() == Code::kUnavailable && refusal_->code() != Code::kUnavailable);
    if (!worse) return;
    refusal_ =
        place.preamble.append_log ? error.with_context("run " + std::to_string(place.preamble.run_number)) : error;
  }

  const File& file_;
  crypto::KeyWrapper& wrapper_;
  SyncWrites sync_;
  RewrapSummary summary_;
  std::optional<Error> refusal_;
  std::string slots_;  // of the first place without one of the key's
  bool known_ = false;
};

}  // namespace

Result<RewrapSummary> rewrap_slots(const File& file, crypto::KeyWrapper& wrapper, SyncWrites sync) {
  const auto run = [&]() -> Result<RewrapSummary> {
    CLOISTER_RETURN_IF_ERROR(lock_in_place(file));
    Rewrapping rewrapping(file, wrapper, sync);
    CLOISTER_RETURN_IF_ERROR(for_places(file, [&](const Place& place) { return rewrapping.rewrap(place); }));
    return rewrapping.finish();
  };
  return run().with_context("rewrap " + file.path().string());
}

Result<RewrapSummary> add_slot(const File& file, std::span<crypto::KeyWrapper* const> openers,
                               crypto::KeyWrapper& addition) {
  RewrapSummary summary;
  const auto run = [&]() -> Status {
    CLOISTER_RETURN_IF_ERROR(lock_in_place(file));
    return for_places(file, [&](const Place& place) -> Status {
      CLOISTER_TRY(const crypto::Dek dek, unwrap_slots(place.preamble, place.page, place.slots.newest, openers));
      CLOISTER_RETURN_IF_ERROR(verify_preamble_mac(place.page, derive_header_key(dek, place.preamble, place.page)));
      const std::string& tenant = place.preamble.context.tenant;
      CLOISTER_TRY(auto wrapped, addition.wrap(dek.material(), dek_context(place.preamble, tenant)));
      SlotTable table = place.slots.newest;
      // Passphrases all have the same name: adding one doesn't take another away.
      if (wrapped.type != crypto::WrapType::kPassphrase) {
        std::erase_if(table.slots,
                      [&](const Slot& slot) { return !slot.is_share() && same_wrap(slot.wrapped, wrapped); });
      }
      table.slots.push_back(Slot{tenant, std::move(wrapped), {}});
      CLOISTER_RETURN_IF_ERROR(write_slots(file, place, std::move(table), SyncWrites::kYes, summary));
      ++summary.slots_changed;
      return {};
    });
  };
  CLOISTER_RETURN_IF_ERROR(run().with_context("add a key slot to " + file.path().string()));
  return summary;
}

namespace {

// What is removed must not lie on in the copy that isn't in use, also not after a removal that was interrupted.
Result<bool> other_copy_holds(const File& file, const Place& place, const std::function<bool(const Slot&)>& remove) {
  if (place.slots.copy_damaged) return true;
  const SlotCopy other = place.slots.newest_copy == SlotCopy::kA ? SlotCopy::kB : SlotCopy::kA;
  Bytes copy(place.preamble.slots_cap);
  CLOISTER_RETURN_IF_ERROR(file.read_at(place.copy_offset(other), copy));
  CLOISTER_TRY(const SlotTable table, parse_slots(copy));
  return std::ranges::any_of(table.slots, remove);
}

Status remove_from_place(const File& file, const Place& place, const std::function<bool(const Slot&)>& remove,
                         RewrapSummary& summary) {
  SlotTable table = place.slots.newest;
  const std::size_t removed = std::erase_if(table.slots, remove);
  if (removed > 0) {
    CLOISTER_RETURN_IF_ERROR(write_slots(file, place, table, SyncWrites::kYes, summary));
    summary.slots_changed += removed;
  }
  CLOISTER_TRY(const Place now, read_again(file, place));
  CLOISTER_TRY(const bool other_holds, other_copy_holds(file, now, remove));
  if (!other_holds) return {};
  return write_slots(file, now, std::move(table), SyncWrites::kYes, summary);
}

}  // namespace

Result<RewrapSummary> remove_slots(const File& file, const std::function<bool(const Slot&)>& remove) {
  RewrapSummary summary;
  const auto run = [&]() -> Status {
    CLOISTER_RETURN_IF_ERROR(lock_in_place(file));
    CLOISTER_RETURN_IF_ERROR(for_places(file, [&](const Place& place) -> Status {
      std::vector<Slot> left = place.slots.newest.slots;
      std::erase_if(left, remove);
      if (are_enough(left)) return {};
      return Error(Code::kInvalid, left.empty() ? "that would remove the last key slot: nobody could open it any more"
                                                : "that would leave too few shares: nobody could open it any more");
    }));
    return for_places(file, [&](const Place& place) { return remove_from_place(file, place, remove, summary); });
  };
  CLOISTER_RETURN_IF_ERROR(run().with_context("remove key slots from " + file.path().string()));
  return summary;
}

}  // namespace cloister::seal
