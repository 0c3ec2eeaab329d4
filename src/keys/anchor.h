// What is known of a store in a place of its own: how far its log went, and which keys were destroyed. An older copy of
// the store, put back in its place, contradicts that. docs/formats/store-anchor.md.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/file.h"
#include "keys/audit_rows.h"

namespace cloister::keys {

class Store;

// A key version that was destroyed for ever.
struct DestroyedKey {
  std::string owner;  // "acme/production" of a KEK, "acme/production/mnist" of a dataset's key
  std::string id;     // of the KEK or the keyring, in hexadecimal
  std::uint32_t version = 0;
  bool kek = false;
  friend auto operator<=>(const DestroyedKey&, const DestroyedKey&) = default;
};

struct AnchorPoint {
  std::string home_id;
  AuditHead head;
  std::set<DestroyedKey> destroyed;
};
std::string format_anchor(const AnchorPoint& point);
// kInvalid for what format_anchor() wouldn't have written.
Result<AnchorPoint> parse_anchor(std::string_view text);

// Points the same way for ever: forward. Any number of processes may use one file.
class Anchor {
 public:
  explicit Anchor(Path file) : file_(std::move(file)) {}
  const Path& file() const { return file_; }

  // Writes down how the store stands. Where there is one already, of a home that `store` goes on with, it is moved
  // forward; kDenied for any other.
  Status make(Store& store) const;
  // kDenied: the store is older than what is written there, or has another past, or has a key that was destroyed.
  // kNotFound: the file is gone, which is for a person to explain.
  Status check(Store& store) const;
  // After a change: to where the store's log goes now, with what was destroyed since. kDenied, and it stays where it
  // is, for a store that doesn't go on from there.
  Status advance(Store& store) const;

 private:
  Result<AnchorPoint> read() const;
  Path file_;
};

}  // namespace cloister::keys
