// Attributes of a key as GetAttributes tells them, in the encoding of 1.x (a name and a value) and of 2.x (a tag).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kms/kmip/message.h"

namespace cloister::kms::kmip {

// What a server left out is nothing.
struct KeyAttributes {
  std::optional<std::uint32_t> object_type, state, algorithm, usage_mask, storage_mask;
  std::optional<std::int64_t> length;  // bits
  std::optional<Time> initial, activation, deactivation;
  std::optional<bool> extractable;
  std::string replaced;     // the identifier of the key that this one took the place of
  std::string replacement;  // and of the one that took its place
  std::optional<bool> rotate_automatic;
  std::optional<Duration> rotate_interval;
  std::optional<Time> rotate_date;
  std::optional<std::int64_t> rotate_generation;
};

// kCorrupt when it is about another object, or when an attribute that is used here has another type than the standard
// gives it, or comes twice. What isn't used is passed over.
Result<KeyAttributes> parse_attributes(const Answer& answer, const std::string& identifier);

}  // namespace cloister::kms::kmip
