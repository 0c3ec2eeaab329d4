// The exercises of the red team: what is tried, when it counts as defended, and which controls it speaks for.
// playbook.toml beside this file is the one that is built in; docs/redteam.md says how each runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::redteam {

struct Exercise {
  std::string id;  // "RT-K01"
  std::string name;
  std::string procedure;
  std::string defended;  // what must come of it
  std::vector<std::string> atlas, capec, cwe;
  std::string automation;           // "auto", "tabletop+policy"
  std::string needs;                // hardware; "none"
  std::vector<std::string> proves;  // controls
  std::string not_here;             // why `cloister redteam run` doesn't run it; empty: it does
};

struct Playbook {
  std::string id, version;
  std::vector<Exercise> exercises;  // ids are unique

  const Exercise* find(std::string_view id) const;
};

std::string_view built_in_playbook_text();
const Playbook& built_in_playbook();
// kInvalid "line 12: …" for what isn't one.
Result<Playbook> parse_playbook(std::string_view toml);

}  // namespace cloister::redteam
