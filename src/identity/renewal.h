// When to ask for the next SVID: early enough to fail for a while, and not all workloads at once.
#pragma once

#include "base/clock.h"
#include "crypto/random.h"

namespace cloister::identity {

// A moment between 40 and 50 percent of the way from when it was received to when it ends, drawn at random. Now, when
// there is no such way left.
Time renewal_time(Time received, Time not_after, crypto::Random& random);

// How long to wait after the attempt of that number failed (0 is the first): up to a second more with each, at most 30
// seconds, with up to a fifth of it taken off at random. Never past a tenth of what is left until `not_after`, as long
// as there is something left, and never under a tenth of a second.
Duration retry_delay(unsigned attempt, Time now, Time not_after, crypto::Random& random);

}  // namespace cloister::identity
