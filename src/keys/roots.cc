#include "keys/roots.h"

#include <algorithm>

namespace cloister::keys {

struct Roots::Slot {
  explicit Slot(RootEntry said) : entry(std::move(said)) {}
  const RootEntry entry;
  std::mutex opening;
  std::mutex mutex;  // of what follows; never held while anything waits
  OpenedRoot opened;

  OpenedRoot now() {
    const std::lock_guard lock(mutex);
    return opened;
  }
  std::string id() {
    const OpenedRoot open = now();
    return open.key ? open.id : entry.id;
  }
};

Roots::Roots(std::vector<RootEntry> entries, Learn learn) : learn_(std::move(learn)) {
  for (RootEntry& entry : entries) slots_.push_back(std::make_shared<Slot>(std::move(entry)));
}

std::shared_ptr<Roots> Roots::only(crypto::KeyWrapper& key, std::string id) {
  auto roots = std::make_shared<Roots>(std::vector<RootEntry>{{"only", id, {}}});
  roots->slots_.front()->opened = {std::shared_ptr<crypto::KeyWrapper>(&key, [](crypto::KeyWrapper*) {}),
                                   std::move(id)};
  roots->only_ = true;
  return roots;
}

Result<OpenedRoot> Roots::open(Slot& slot) {
  const std::lock_guard lock(slot.opening);
  if (OpenedRoot open = slot.now(); open.key) return open;
  const std::string doing = "open root " + slot.entry.name;
  CLOISTER_TRY(OpenedRoot opened, slot.entry.open().with_context(doing));
  if (!slot.entry.id.empty() && opened.id != slot.entry.id) {
    return Error(Code::kDenied, doing + ": it was " + slot.entry.id + ", and what is there now is " + opened.id);
  }
  const std::lock_guard own(slot.mutex);
  slot.opened = std::move(opened);
  return slot.opened;
}

// Those that say who they are come first: the others have to be opened to be asked.
Result<std::optional<OpenedRoot>> Roots::find_id(const Slots& slots, std::string_view id) {
  for (const auto& slot : slots) {
    if (slot->id() != id) continue;
    CLOISTER_TRY(OpenedRoot opened, open(*slot));
    return std::optional(std::move(opened));
  }
  // One that can't be opened doesn't keep the others from being looked at.
  std::optional<Error> failure;
  for (const auto& slot : slots) {
    if (!slot->id().empty()) continue;
    auto opened = open(*slot);
    if (opened.ok() && opened->id == id) return std::optional(std::move(*opened));
    if (!opened.ok() && !failure) failure = opened.error();
  }
  if (failure) return *failure;
  return std::optional<OpenedRoot>();
}

std::shared_ptr<Roots::Slot> Roots::find_name(const Slots& slots, std::string_view name) {
  const auto found = std::ranges::find_if(slots, [&](const auto& slot) { return slot->entry.name == name; });
  return found == slots.end() ? nullptr : *found;
}

Roots::Slots Roots::slots() {
  const std::lock_guard lock(mutex_);
  return slots_;
}

// What was opened stays open: nobody is asked for a PIN twice.
Status Roots::learn() {
  if (!learn_) return {};
  CLOISTER_TRY(std::vector<RootEntry> entries, learn_());
  const Slots before = slots();
  Slots after;
  for (RootEntry& entry : entries) {
    const auto old = find_name(before, entry.name);
    const bool same = old && old->now().key && (entry.id.empty() || old->id() == entry.id);
    after.push_back(same ? old : std::make_shared<Slot>(std::move(entry)));
  }
  const std::lock_guard lock(mutex_);
  slots_ = std::move(after);
  return {};
}

Result<OpenedRoot> Roots::with_id(std::string_view id) {
  const Slots known = slots();
  if (only_) return known.front()->now();
  CLOISTER_TRY(auto found, find_id(known, id));
  if (found) return std::move(*found);
  CLOISTER_RETURN_IF_ERROR(learn());
  CLOISTER_TRY(found, find_id(slots(), id));
  if (found) return std::move(*found);
  return Error(Code::kDenied,
               "this home's configuration has no root " + std::string(id) + ": `cloister root add` makes it known");
}

Result<crypto::KeyMaterial> Roots::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  CLOISTER_TRY(const OpenedRoot root, with_id(wrapped.key_id));
  return root.key->unwrap(wrapped, context);
}

Result<crypto::WrappedKey> HomeRoot::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  CLOISTER_TRY(const std::string id, current_());
  CLOISTER_TRY(const OpenedRoot root, roots_->with_id(id));
  return root.key->wrap(key, context);
}

Result<crypto::KeyMaterial> HomeRoot::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  return roots_->unwrap(wrapped, context);
}

}  // namespace cloister::keys
