// Registration entries: which callers become which identity. As SPIRE has them, for the workloads of one machine.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "identity/spiffe_id.h"
#include "mesh/selector.h"

namespace cloister::mesh {

inline constexpr std::size_t kEntriesMax = 10'000;
inline constexpr std::size_t kEntrySelectorsMax = 32;
inline constexpr std::size_t kEntryFederatedMax = 32;
inline constexpr std::size_t kHintMax = 256;

struct RegistrationEntry {
  std::string id;  // 32 hexadecimal digits, a hash of the next two: check_entry() sets it
  identity::SpiffeId spiffe_id;
  std::vector<Selector> selectors;                    // all of them must be the caller's; ascending, each once
  std::optional<Duration> x509_ttl, jwt_ttl;          // shorter than the authority's; whole seconds
  std::string hint;                                   // for workloads with several identities: which this one is
  std::vector<identity::TrustDomain> federates_with;  // ascending, each once
  std::optional<Time> expires;
  Time created;

  bool is_valid(Time now) const { return !expires || now < *expires; }
  bool matches(const std::set<Selector>& caller) const;
  friend bool operator==(const RegistrationEntry&, const RegistrationEntry&) = default;
};

// Sorts what has an order and sets the id. kInvalid, with the reason: no selectors or too many, an id that names a
// trust domain or is the service's own (/cloister/…), a lifetime under a minute or over a day (10 seconds and an hour
// for tokens), a hint that isn't plain text, its own trust domain among those that it federates with.
Status check_entry(RegistrationEntry& entry);

// As it is stored, and as it is shown; without the id. docs/formats/service-settings.md, SS-9.
std::string format_entry(const RegistrationEntry& entry);
// kInvalid for what check_entry() refuses and what isn't of that form.
Result<RegistrationEntry> parse_entry(std::string_view text);

// The entries of a TOML file, [[entry]] each, without ids and `created`. kInvalid, "line 7: …".
Result<std::vector<RegistrationEntry>> parse_entry_file(std::string_view text);

}  // namespace cloister::mesh
