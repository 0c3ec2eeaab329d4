// The body of a request for data keys: parsed where it lies, bounded, unknown and repeated names refused.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace cloister::service {

enum class KeyVerb { kGenerate, kWrap, kUnwrap, kRewrap };

inline constexpr std::size_t kKeysPerRequestMax = 10'000;  // whatever the policy's quota says
inline constexpr std::size_t kObjectIdSizeMax = 128;

// One key of the batch, its texts still base64: views into the body. Empty where it isn't there.
struct KeyItem {
  std::string_view object;
  std::string_view commitment;
  std::string_view key;      // of a wrap
  std::string_view wrapped;  // of an unwrap and a rewrap
  std::uint32_t version = 0;
};

struct KeyBatch {
  std::vector<KeyItem> items;
  bool counted = false;  // a generate by number alone: the items are empty, their objects are named here
};

// Changes `body` (escapes are resolved in it), which must outlive the batch. kInvalid, naming the key and the field.
Result<KeyBatch> parse_key_batch(MutableByteView body, KeyVerb verb);

}  // namespace cloister::service
