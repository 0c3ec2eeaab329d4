// Base64 and base64url, RFC 4648 4 and 5: strict, and without a branch or a table that depends on the bytes, since keys
// come as text too.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace cloister {

enum class Base64 {
  kStandard,  // + and /, padded with =
  kUrl,       // - and _, no padding: as JOSE writes it
};

// The number of characters for that many bytes.
std::size_t base64_encoded_size(std::size_t size, Base64 alphabet = Base64::kStandard);
// Fills `text`, which has that size.
void encode_base64(ByteView bytes, Base64 alphabet, MutableByteView text);
std::string to_base64(ByteView bytes, Base64 alphabet = Base64::kStandard);

// The number of bytes `text` stands for, if it is well-formed; kInvalid for a length no text has.
Result<std::size_t> base64_decoded_size(std::string_view text, Base64 alphabet = Base64::kStandard);

// Fills `out`, which has that size. kInvalid for a character outside the alphabet (white space too), for padding that
// is missing or out of place, and for bits that are set behind the last byte: every byte string has one spelling. Then
// `out` holds nothing of use and may hold some of the bytes.
Status decode_base64(std::string_view text, Base64 alphabet, MutableByteView out);
Result<Bytes> from_base64(std::string_view text, Base64 alphabet = Base64::kStandard);

}  // namespace cloister
