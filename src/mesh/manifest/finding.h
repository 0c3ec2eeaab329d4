// What is wrong in a configuration, by which rule, where, and what to do about it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::mesh {

enum class Severity : std::uint8_t {
  kNote,    // worth knowing; nothing to mend
  kLow,     // not known, or weaker than it could be
  kMedium,  // a peer isn't verified, or a wall has a door
  kHigh,    // plaintext is accepted or sent
};
std::string_view name_of(Severity severity);  // "note", "low", "medium", "high"

// docs/mesh-configuration.md lists them all; an id never changes its meaning.
struct Rule {
  std::string_view id;     // "I5"
  Severity severity;       // unless the finding says otherwise
  std::string_view about;  // what it finds, in a few words
  std::string_view why;
  std::string_view fix;
};

// Ordered as `cloister mesh rules` prints them.
std::span<const Rule> rules();
// The rule of that id, which must exist.
const Rule& rule(std::string_view id);

struct Finding {
  const Rule* rule = nullptr;
  Severity severity = Severity::kNote;
  std::string file;
  std::uint32_t line = 0;  // 0: of the file as a whole
  std::string subject;     // "PeerAuthentication prod/default"
  std::string what;        // one line; names of the manifests, never values that may be secret
};

}  // namespace cloister::mesh
