// What happened to keys, who asked and what came of it. docs/formats/audit-log.md, "The record".
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace cloister::audit {

enum class Outcome : std::uint8_t { kAllowed = 1, kRefused = 2, kFailed = 3 };
std::string_view outcome_name(Outcome outcome);
Result<Outcome> parse_outcome(std::string_view name);  // kCorrupt for any other word

// What a row can hold, in bytes.
inline constexpr std::size_t kActorMax = 256;
inline constexpr std::size_t kActionMax = 64;
inline constexpr std::size_t kTenantMax = 257;
inline constexpr std::size_t kSubjectMax = 512;
inline constexpr std::size_t kDetailMax = 2048;

// Names and numbers only: never key bytes, plaintext or ciphertext.
struct Event {
  Time time;
  std::string actor;    // "uid:1000 alice" for the command line
  std::string action;   // "kek.rotate", "dataset.create", "object.open", …
  std::string tenant;   // "acme" or "acme/production"; empty for the whole home
  std::string subject;  // what it was done to: a KEK's id and version, a dataset, an object's id
  Outcome outcome = Outcome::kAllowed;
  std::string detail;  // one line: cost, or the reason of a refusal
  friend bool operator==(const Event&, const Event&) = default;
};

// `text` as a row can hold it: '?' in place of every byte outside printable ASCII when it isn't plain UTF-8, then cut
// between characters to at most `size_max` bytes.
std::string recordable_text(std::string text, std::size_t size_max);

// The event with every text as a row can hold it, so that nothing said of a refusal can prevent its being recorded.
Event recordable(Event event);

// kCorrupt, naming the field, unless every text is plain UTF-8 and within its bound.
Status check_recordable(const Event& event);

}  // namespace cloister::audit
