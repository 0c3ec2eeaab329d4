// The numbers an authority works by. docs/decisions/identity-lifetimes.md says why these.
#pragma once

#include "base/clock.h"
#include "base/result.h"

namespace cloister::identity {

// Whether an authority's certificate limits it to its trust domain. kNone is for peers whose TLS library refuses URI
// name constraints altogether.
enum class NameConstraints { kTrustDomain, kNone };

struct AuthorityRules {
  Duration authority_lifetime = days(7);
  Duration x509_svid_lifetime = hours(1);
  Duration jwt_svid_lifetime = minutes(5);
  Duration backdating = minutes(1);    // how far a certificate's beginning lies before it was made: for slow clocks
  Duration refresh_hint = minutes(5);  // how often consumers of the bundle look
  Duration propagation = hours(24);    // how long an authority is in the bundle before it signs
  NameConstraints name_constraints = NameConstraints::kTrustDomain;
};

// kInvalid for numbers that are zero or less, that are over their bound (authority 366 days, X.509-SVID 1 day, JWT-SVID
// 1 hour, backdating 10 minutes), and for a rotation that can't work: propagation below twice the refresh hint, or not
// over, with an SVID's lifetime behind it, in the second half of the authority's life.
Status check_rules(const AuthorityRules& rules);

}  // namespace cloister::identity
