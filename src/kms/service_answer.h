// What a key service answers, read. Everything in it is checked: a service that was taken over must not crash its
// clients.
#pragma once

#include "kms/key_service.h"

namespace cloister::kms {

// kInvalid, naming the member, for an answer that isn't what the description says.
Result<ServiceKeyring> parse_keyring_answer(ByteView body);
// The one key of an answer to a request for one.
Result<LeasedKey> parse_unwrap_answer(ByteView body);
Result<ServiceSlot> parse_wrap_answer(ByteView body);
// The error that a problem (RFC 9457) stands for. `body` may be anything.
Error parse_problem(unsigned status, ByteView body);

}  // namespace cloister::kms
