// Base64, RFC 4648 section 4: the standard alphabet, padded.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister {

std::string to_base64(ByteView bytes);

// kInvalid unless `text` is what to_base64 gives for some bytes: no other alphabet, no line breaks, padding complete,
// unused bits zero. So every text has one meaning and every value one text.
Result<Bytes> from_base64(std::string_view text);

}  // namespace cloister
