// Whether a listener answers in the clear: tried as HTTP/1 and as HTTP/2, since what it speaks inside of TLS isn't
// known.
#pragma once

#include "probe/dialer.h"
#include "probe/path/evidence.h"

namespace cloister::probe::path {

// One statement, or none where it can't be told: nobody answers at all, or somebody takes the bytes and says nothing.
// Two connections. The codes of Dialer::connect().
Result<std::vector<Statement>> probe_plaintext(Dialer& dialer, Time now);

// What an answer to bytes in the clear says. `ended`: the connection was closed or reset, and not by us.
enum class PlaintextAnswer { kAccepted, kRefused, kSilent };
PlaintextAnswer read_answer(ByteView answer, bool ended);

}  // namespace cloister::probe::path
