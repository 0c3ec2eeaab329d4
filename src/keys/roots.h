// The roots of a home: keys that wrap KEKs, and what the home keeps for itself, each where it lives. They are opened
// when something first needs them: one that is out of reach stops nobody who is under another.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "crypto/key_wrapper.h"

namespace cloister::keys {

struct OpenedRoot {
  std::shared_ptr<crypto::KeyWrapper> key;
  std::string id;  // how its wraps name it
};

struct RootEntry {
  std::string name;
  std::string id;                            // empty: not known before it is opened
  std::function<Result<OpenedRoot>()> open;  // may wait, and may ask somebody; by one thread at a time
};

// Any thread may call; a call waits for a root that is being opened.
class Roots {
 public:
  // Tells the roots as they are now: asked when one is wanted that isn't among those known.
  using Learn = std::function<Result<std::vector<RootEntry>>()>;
  explicit Roots(std::vector<RootEntry> entries, Learn learn = {});
  // One that is open and outlives this: whatever a wrap names, it is for that one to open or to refuse.
  static std::shared_ptr<Roots> only(crypto::KeyWrapper& key, std::string id);

  // kDenied: the home has no such root, or what is there now is another key. Otherwise as it is opened.
  Result<OpenedRoot> with_id(std::string_view id);

  // By the root that the wrap names. As with_id(), and KeyWrapper's codes.
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context);

 private:
  struct Slot;
  using Slots = std::vector<std::shared_ptr<Slot>>;
  static Result<OpenedRoot> open(Slot& slot);
  // Nothing when none of them has it.
  static Result<std::optional<OpenedRoot>> find_id(const Slots& slots, std::string_view id);
  static std::shared_ptr<Slot> find_name(const Slots& slots, std::string_view name);
  Slots slots();
  Status learn();

  std::mutex mutex_;
  Slots slots_;
  const Learn learn_;
  bool only_ = false;
};

// Wraps with the root that is the home's own at that moment, as `current` says; unwraps by whichever a wrap names. Any
// thread may call.
class HomeRoot final : public crypto::KeyWrapper {
 public:
  using Current = std::function<Result<std::string>()>;  // its id
  HomeRoot(std::shared_ptr<Roots> roots, Current current) : roots_(std::move(roots)), current_(std::move(current)) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  const std::shared_ptr<Roots> roots_;
  const Current current_;
};

}  // namespace cloister::keys
