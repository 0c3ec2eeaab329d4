// PEM, RFC 7468: blocks of base64 between BEGIN and END lines. Keys are read into and written from Secret only.
#pragma once

#include <string>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace cloister::crypto {

// The blocks of `text`, which all carry this label. Text outside of blocks is passed over. kInvalid when there is no
// block, more than `blocks_max`, one of another label (a private key among certificates), or one that isn't base64.
Result<std::vector<Bytes>> parse_pem(std::string_view text, std::string_view label, std::size_t blocks_max);
std::string to_pem(ByteView der, std::string_view label);

// The one block of a key file.
Result<Secret> parse_secret_pem(const Secret& text, std::string_view label);
Secret to_secret_pem(const Secret& der, std::string_view label);

}  // namespace cloister::crypto
