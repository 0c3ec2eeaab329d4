// Which roots a store knows, and what in it is under which of them. docs/formats/key-hierarchy.md, KH-9 and on.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "keys/roots.h"
#include "keys/store.h"

namespace cloister::keys {

inline constexpr std::string_view kFirstRoot = "first";  // what the root is called that a home was made with

struct KnownRoot {
  std::string name;
  std::string id;
  bool home = false;  // the home's own: what it keeps for itself is under it, and new tenants' KEKs
};
// By name.
Result<std::vector<KnownRoot>> known_roots(Store& store);
// kNotFound, naming it.
Result<KnownRoot> known_root(Store& store, std::string_view name);

// 1 to 63 of a-z 0-9 . _ -, starting with a letter or digit. kInvalid.
Status check_root_name(std::string_view name);

// A setting of the store that holds wraps of roots: KH-11.
class RootedSetting {
 public:
  virtual ~RootedSetting() = default;
  virtual std::string_view name() const = 0;
  // Ids of the roots that its wraps name.
  virtual Result<std::vector<std::string>> roots(std::string_view value) const = 0;
  // The same value under `target`, opened by `sources`: every new wrap was opened again.
  virtual Result<std::string> rewrap(std::string_view value, const Bytes& home_id, crypto::KeyWrapper& sources,
                                     crypto::KeyWrapper& target) const = 0;
};
using RootedSettings = std::vector<const RootedSetting*>;
// Those of this module: the root check, the log's key, and the key service's.
RootedSettings own_rooted_settings();

struct RootUse {
  std::uint64_t kek_versions = 0;
  std::vector<std::string> tenants;   // whose they are
  std::vector<std::string> settings;  // names
  // Settings that name the root, and that aren't among those that can be moved.
  std::vector<std::string> strangers;
  bool empty() const { return kek_versions == 0 && settings.empty() && strangers.empty(); }
};
// Looks at every row that a root can have wrapped; `settings` are all that are known to. Needs no root.
Result<RootUse> root_use(Store& store, std::string_view id, std::span<const RootedSetting* const> settings);

}  // namespace cloister::keys
