// The control catalogue: what is asked of a platform, from which level on, and which clauses of which frameworks it
// answers. catalogue.toml beside this file is the one that is built in; docs/controls.md is made of it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cloister::posture {

enum class Level : std::uint8_t { kFoundational, kApplied, kAdvanced, kStrategic };
inline constexpr std::size_t kLevelCount = 4;
std::string_view name_of(Level level);  // "Foundational", …

enum class Domain : std::uint8_t { kAtRest, kInTransit, kInUse, kKeysAndTenancy, kGovernanceAndEvidence };
inline constexpr std::size_t kDomainCount = 5;
std::string_view name_of(Domain domain);   // "at_rest", …
std::string_view title_of(Domain domain);  // "At rest", …

enum class Automation : std::uint8_t { kFull, kPartial, kManual };

enum class Relation : std::uint8_t { kDirect, kSupports };  // the clause asks for this; it is relevant to it

struct Mapping {
  Relation relation = Relation::kDirect;
  std::string framework;  // "nist_800_53r5"
  std::vector<std::string> clauses;
};

struct Control {
  std::string id;  // "REST-01"
  std::string title;
  Domain domain = Domain::kAtRest;
  Level gates = Level::kFoundational;
  bool critical = false;
  Automation automation = Automation::kFull;
  std::string statement;
  std::vector<std::string> procedure;
  std::vector<std::string> evidence;
  std::string criterion;
  std::string remediation;
  std::uint32_t effort = 1;  // 1 hours, 2 days, 3 weeks, 4 months: orders what to do next
  std::vector<Mapping> mappings;
  std::vector<std::string> atlas_mitigations, atlas_techniques;
  std::vector<std::string> weaknesses;  // "CWE-311"
};

struct Framework {
  std::string id;     // "nist_800_53r5"
  std::string title;  // "NIST SP 800-53 Rev. 5"
  std::string note;   // its state and date, and what it doesn't say; empty: nothing
};

struct Catalogue {
  std::string id, version, digest;  // digest: SHA-256 of the file, in hexadecimal
  std::vector<Framework> frameworks;
  std::vector<Control> controls;  // ids are unique

  const Control* find(std::string_view id) const;
  const Framework* framework(std::string_view id) const;
};

std::string_view built_in_catalogue_text();
const Catalogue& built_in_catalogue();
// kInvalid "line 12: …" for what isn't one.
Result<Catalogue> parse_catalogue(std::string_view toml);

}  // namespace cloister::posture
