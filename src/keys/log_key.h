// The log's signing key as it is kept: KH-7 in docs/formats/key-hierarchy.md. Used by hierarchy.cc and log_key.cc
// alone.
#pragma once

#include <string>

#include "crypto/key_wrapper.h"
#include "crypto/random.h"

namespace cloister::keys {

// A new one, for the setting `log_key`. The root's codes.
Result<std::string> make_log_key(const Bytes& home_id, crypto::KeyWrapper& root, crypto::Random& random);

}  // namespace cloister::keys
