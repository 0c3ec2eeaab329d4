#include "probe/grade/profile.h"

#include <algorithm>
#include <vector>

#include "probe/grade/rule_words.h"

namespace cloister::probe {
namespace {

constexpr Profile kProfiles[] = {
    {"public-inference", "an endpoint for clients anywhere", 0, {true, {}, 15}, true, true},
    {"mesh-workload", "a workload among workloads: mutual TLS 1.3 by SVIDs", 1, {false, hours(24), 15}, false, false},
    {"legacy-internal", "an internal endpoint with old clients", 2, {false, days(825), 5}, true, true},
    {"pq-hybrid-required",
     "as public-inference, and nobody may record now to read later",
     3,
     {true, {}, 15},
     true,
     true},
    {"cnsa2", "CNSA 2.0: ML-KEM-1024 and AES-256 alone", 4, {false, days(398), 15}, false, true},
};

}  // namespace

std::span<const Profile> profiles() { return kProfiles; }

const Profile* find_profile(std::string_view name) {
  const auto* found = std::ranges::find(kProfiles, name, &Profile::name);
  return found == std::end(kProfiles) ? nullptr : found;
}

std::span<const Rule> rules() {
  static const std::vector<Rule> all = [] {
    std::vector<Rule> both(connection_rules().begin(), connection_rules().end());
    both.insert(both.end(), identity_rules().begin(), identity_rules().end());
    return both;
  }();
  return all;
}

}  // namespace cloister::probe
