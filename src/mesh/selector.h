// What is known of a workload on this machine, as words that registration entries name: "unix:uid:1000".
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cloister::mesh {

inline constexpr std::size_t kSelectorMax = 1024;

// Type and value as SPIRE has them: type "unix", value "uid:1000"; type "k8s", value "ns:prod".
struct Selector {
  std::string type;
  std::string value;

  std::string to_string() const { return type + ":" + value; }
  friend auto operator<=>(const Selector&, const Selector&) = default;
};

// "type:value". kInvalid for an empty half, a type that isn't lower-case letters, digits, '_' and '-', control
// characters, or more than kSelectorMax bytes.
Result<Selector> parse_selector(std::string_view text);

}  // namespace cloister::mesh
