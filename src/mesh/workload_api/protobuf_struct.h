// JSON as google.protobuf.Struct: what a validated token's claims travel in.
#pragma once

#include "base/json.h"
#include "net/buffer.h"

namespace cloister::mesh {

// `object` is a JSON object, nested no deeper than parse_json() allows. Integers become doubles, as that message has
// it: those above 2^53 lose their last digits.
void write_struct(net::Buffer& out, const JsonValue& object);

}  // namespace cloister::mesh
