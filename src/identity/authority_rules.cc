#include "identity/authority_rules.h"

namespace cloister::identity {
namespace {

bool within(Duration value, Duration max) { return value > Duration{0} && value <= max; }

}  // namespace

Status check_rules(const AuthorityRules& rules) {
  if (!within(rules.authority_lifetime, days(366)) || !within(rules.x509_svid_lifetime, days(1)) ||
      !within(rules.jwt_svid_lifetime, hours(1)) || !within(rules.backdating, minutes(10))) {
    return Error(Code::kInvalid,
                 "a lifetime is out of its bounds: authority 366 days, X.509-SVID 1 day, JWT-SVID 1 hour, "
                 "backdating 10 minutes");
  }
  if (!within(rules.refresh_hint, days(1)) || rules.propagation.ms < 2 * rules.refresh_hint.ms) {
    return Error(Code::kInvalid, "an authority must be in the bundle for two refreshes before it signs");
  }
  if (rules.propagation.ms + rules.x509_svid_lifetime.ms > rules.authority_lifetime.ms / 2) {
    return Error(Code::kInvalid,
                 "an authority's second half is too short to publish the next one and let SVIDs run out");
  }
  return {};
}

}  // namespace cloister::identity
