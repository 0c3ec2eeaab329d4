// JSON in the one spelling that signatures and digests can be made over, RFC 8785.
#pragma once

#include <string>

#include "base/json.h"

namespace cloister {

// Members by their names' UTF-16 code units, no white space, the escapes of ECMAScript. kUnsupported for numbers that
// aren't integers of at most 2^53 - 1 on either side of zero: their spelling is where implementations differ.
Result<std::string> canonical_json(const JsonValue& value);

}  // namespace cloister
