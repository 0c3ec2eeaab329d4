// From key slots to the DEK: by one whole wrap, or by shares. docs/formats/sealed-object.md, "Key slots".
#include <algorithm>
#include <set>

#include "crypto/hash.h"
#include "crypto/hkdf.h"
#include "crypto/secret_sharing.h"
#include "seal/object_keys.h"
#include "seal/slots.h"

namespace cloister::seal {
namespace {

constexpr unsigned kSetsMax = 256;  // of shares, combined for one opening: what one wrong among 64 takes, and more

std::uint64_t argon2_work(const Slot& slot) {
  if (slot.wrapped.type != crypto::WrapType::kPassphrase) return 0;
  const std::uint8_t* cost = slot.wrapped.parameters.data() + 16;  // its size was checked by the parser
  return std::uint64_t{load_le<std::uint32_t>(cost)} * load_le<std::uint32_t>(cost + 4);
}

// What is worth telling: what may work later, then who refused, then what else there was.
int weight(Code code) { return code == Code::kUnavailable ? 2 : code == Code::kDenied ? 1 : 0; }

// A slot may be under one's key, and another one answer for it.
std::string describe_share(const Slot& slot, const crypto::KeyWrapper& giver) {
  const std::string holder = giver.holder();
  return describe_slot(slot) + (holder.empty() ? "" : " from " + holder);
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

// SO-20: of one splitting.
Status check_shares(const std::vector<Slot>& slots) {
  std::set<std::uint8_t> seen;
  for (const Slot& slot : slots) {
    if (!slot.is_share()) continue;
    if (slot.share.threshold != shares_needed(slots)) {
      return Error(Code::kCorrupt, "its shares disagree on how many are needed");
    }
    if (!seen.insert(slot.share.index).second) {
      return Error(Code::kCorrupt, "share " + std::to_string(slot.share.index) + " of its key is there twice");
    }
  }
  return {};
}

class Opening {
 public:
  Opening(const Preamble& preamble, ByteView page, const SlotTable& table,
          std::span<crypto::KeyWrapper* const> wrappers)
      : preamble_(preamble), page_(page), table_(table), wrappers_(wrappers) {
    for (const Slot& slot : table.slots) cheapest_first_.push_back(&slot);
    std::ranges::sort(cheapest_first_, {}, [](const Slot* slot) { return std::pair(argon2_work(*slot), slot); });
  }

  Result<crypto::Dek> open() {
    for (crypto::KeyWrapper* wrapper : wrappers_) {
      for (const Slot* slot : cheapest_first_) {
        if (slot->is_share()) continue;
        auto key = try_slot(*wrapper, *slot);
        if (!key) continue;
        crypto::Dek dek(std::move(*key));
        if (fits(dek)) return dek;
        return Error(Code::kCorrupt, "slot " + describe_slot(*slot) + " opens to the key of another object");
      }
    }
    return shares_needed(table_.slots) != 0 ? open_by_shares() : Result<crypto::Dek>(refused());
  }

 private:
  // SO-8: kNotFound for a key of another id or version, kUnsupported for a cost out of bounds; another slot may do.
  std::optional<crypto::KeyMaterial> try_slot(crypto::KeyWrapper& wrapper, const Slot& slot) {
    const std::uint64_t work = argon2_work(slot);
    if (work > work_left_) {
      note(wrapper, slot, Error(Code::kUnsupported, "the passphrase slots together cost too much"));
      return std::nullopt;
    }
    auto key = wrapper.unwrap(slot.wrapped, slot_context(preamble_, slot));
    if (key.ok()) return std::move(key).value();
    if (key.error().code() == Code::kNotFound) return std::nullopt;
    if (key.error().code() != Code::kUnsupported) work_left_ -= work;
    note(wrapper, slot, key.error());
    return std::nullopt;
  }

  // SO-7.
  bool fits(const crypto::Dek& dek) const {
    return crypto::equal_constant_time(derive_commitment(dek, preamble_, page_), preamble_.commitment);
  }

  // Each share is asked for once, until enough were given. Where these don't make the key the others are, and then
  // those that were given already, of whoever else has an answer: the first may be another's, made up.
  Result<crypto::Dek> open_by_shares() {
    CLOISTER_RETURN_IF_ERROR(check_shares(table_.slots));
    const unsigned needed = shares_needed(table_.slots);
    for (const bool again : {false, true}) {
      if (again && shares_.size() < needed) break;
      for (crypto::KeyWrapper* wrapper : wrappers_) {
        for (const Slot* slot : cheapest_first_) {
          if (!slot->is_share() || (!again && given_.contains(slot)) || sets_left_ == 0) continue;
          if (!ask_for_share(*wrapper, *slot)) continue;
          if (auto dek = combine_with_newest(needed)) return std::move(*dek);
        }
      }
    }
    return shares_.size() < needed ? too_few(needed) : one_is_wrong();
  }

  // True: there is one more.
  bool ask_for_share(crypto::KeyWrapper& wrapper, const Slot& slot) {
    if (!asked_.emplace(&wrapper, &slot).second) return false;
    auto value = try_slot(wrapper, slot);
    if (!value) return false;
    shares_.push_back(crypto::KeyShare{slot.share.index, std::move(*value)});
    givers_.push_back(describe_share(slot, wrapper));
    given_.insert(&slot);
    return true;
  }

  // Sets of as many as are needed; those without the newest were tried when it wasn't there yet.
  std::optional<crypto::Dek> combine_with_newest(unsigned needed) {
    if (shares_.size() < needed) return std::nullopt;
    std::vector<std::uint8_t> chosen(shares_.size() - 1);
    std::fill_n(chosen.begin(), needed - 1, std::uint8_t{1});
    do {
      std::vector<crypto::KeyShare> set;
      for (std::size_t i = 0; i < shares_.size(); ++i) {
        if (i < chosen.size() && chosen[i] == 0) continue;
        set.push_back(crypto::KeyShare{shares_[i].index, shares_[i].value.duplicate()});
      }
      auto key = crypto::combine_shares(set);
      if (!key.ok()) continue;  // two answered for the same share
      crypto::Dek dek(std::move(*key));
      if (fits(dek)) return dek;
    } while (--sets_left_ > 0 && std::ranges::prev_permutation(chosen).found);
    return std::nullopt;
  }

  // Why the slots that gave nothing gave nothing.
  struct Missing {
    std::vector<std::string> reasons;
    std::set<const crypto::KeyWrapper*> away;  // each of them may give one share later
  };
  Missing missing() const {
    Missing all;
    for (const Refusal& refusal : refusals_) {
      if (given_.contains(refusal.slot)) continue;
      if (refusal.error.code() == Code::kUnavailable) all.away.insert(refusal.wrapper);
      const std::string reason = describe_slot(*refusal.slot) + ": " + refusal.error.message();
      if (std::ranges::find(all.reasons, reason) == all.reasons.end()) all.reasons.push_back(reason);
    }
    return all;
  }

  Error one_is_wrong() const {
    const auto [reasons, away] = missing();
    std::string text = "the shares given don't make this object's key, one of them is wrong: " + joined(givers_, ", ");
    for (const std::string& reason : reasons) text += "; " + reason;
    return Error(away.empty() ? Code::kCorrupt : Code::kUnavailable, text);
  }

  Error too_few(unsigned needed) const {
    if (givers_.empty() && refusals_.empty()) return refused();
    const auto [reasons, away] = missing();
    std::string text = std::to_string(needed) + " shares of its key are needed and " + std::to_string(givers_.size()) +
                       (givers_.size() == 1 ? " was given" : " were given");
    if (!givers_.empty()) text += " (" + joined(givers_, ", ") + ")";
    for (const std::string& reason : reasons) text += "; " + reason;
    if (reasons.empty()) text += "; its slots are: " + describe_slots(table_);
    return Error(given_.size() + away.size() >= needed ? Code::kUnavailable : Code::kDenied, text);
  }

  void note(const crypto::KeyWrapper& wrapper, const Slot& slot, const Error& error) {
    refusals_.push_back({&wrapper, &slot, error});
  }

  // The heaviest, and of equals the first.
  Error refused() const {
    const Refusal* worst = nullptr;
    for (const Refusal& one : refusals_) {
      if (worst == nullptr || weight(one.error.code()) > weight(worst->error.code())) worst = &one;
    }
    if (worst != nullptr) return worst->error.with_context("unwrap slot " + describe_slot(*worst->slot));
    return Error(Code::kDenied, "no key here opens it; its slots are: " + describe_slots(table_));
  }

  struct Refusal {
    const crypto::KeyWrapper* wrapper;
    const Slot* slot;
    Error error;
  };

  const Preamble& preamble_;
  const ByteView page_;
  const SlotTable& table_;
  const std::span<crypto::KeyWrapper* const> wrappers_;
  std::vector<const Slot*> cheapest_first_;
  std::vector<Refusal> refusals_;
  std::set<std::pair<const crypto::KeyWrapper*, const Slot*>> asked_;  // for shares
  std::vector<crypto::KeyShare> shares_;
  std::vector<std::string> givers_;  // of `shares_`
  std::set<const Slot*> given_;
  std::uint64_t work_left_ = kArgon2WorkMax;
  unsigned sets_left_ = kSetsMax;
};

}  // namespace

crypto::WrapContext dek_context(const Preamble& preamble, std::string_view slot_tenant) {
  return crypto::WrapContext{std::string(slot_tenant), preamble.context.dataset,
                             Bytes(preamble.object_id.begin(), preamble.object_id.end()), "dek", preamble.commitment};
}

// In place of the commitment: a key service binds the fields of a context that it is told, and its own purpose.
crypto::WrapContext slot_context(const Preamble& preamble, const Slot& slot) {
  crypto::WrapContext context = dek_context(preamble, slot.tenant);
  if (!slot.is_share()) return context;
  crypto::Info share("CLSR1 share");
  share.field(preamble.commitment).field_u16(slot.share.index).field_u16(slot.share.threshold);
  context.commitment = crypto::sha256(share.view());
  return context;
}

unsigned shares_needed(const std::vector<Slot>& slots) {
  const auto first = std::ranges::find_if(slots, &Slot::is_share);
  return first == slots.end() ? 0 : first->share.threshold;
}

bool are_enough(const std::vector<Slot>& slots) {
  const auto shares = static_cast<std::size_t>(std::ranges::count_if(slots, &Slot::is_share));
  return shares < slots.size() || (shares != 0 && shares >= shares_needed(slots));
}

Result<crypto::Dek> unwrap_slots(const Preamble& preamble, ByteView preamble_page, const SlotTable& table,
                                 std::span<crypto::KeyWrapper* const> wrappers) {
  return Opening(preamble, preamble_page, table, wrappers).open();
}

}  // namespace cloister::seal
