// Configuration of proxies that isn't YAML: HAProxy's lines under sections, nginx's blocks, stunnel's names and values.
// Bounded; what no such proxy would read is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::mesh {

inline constexpr std::size_t kProxyConfigSizeMax = std::size_t{4} << 20;
inline constexpr std::size_t kDirectivesMax = 200'000;

struct Directive {
  std::uint32_t line = 0;
  std::vector<std::string> words;  // never empty
  std::vector<Directive> block;    // nginx: { … }; HAProxy and stunnel: what stands below a section's line

  std::string_view name() const { return words.front(); }
  bool has(std::string_view word) const;
  // The word after that one; empty when there is none.
  std::string_view after(std::string_view word) const;
};

// Sections ("frontend web", "global") with their lines. Quotes, backslashes and comments as HAProxy has them; a line
// before the first section is refused.
Result<std::vector<Directive>> parse_haproxy(std::string_view text);
// Directives with blocks, 32 deep at most. kInvalid for braces that don't match and a directive without its semicolon.
Result<std::vector<Directive>> parse_nginx(std::string_view text);
// Sections ("[https]") with "name = value"; what stands before the first section is in one without a name ("").
Result<std::vector<Directive>> parse_stunnel(std::string_view text);

}  // namespace cloister::mesh
