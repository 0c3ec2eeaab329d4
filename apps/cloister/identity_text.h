// A private key to open with, as text: one line, "cloister-identity-xwing:" or "cloister-identity-x25519:" and the seed
// in hexadecimal; lines that start with # are comments.
#pragma once

#include <string_view>

#include "crypto/hpke.h"

namespace cloister::cli {

crypto::Secret identity_text(const crypto::HpkePrivateKey& key);
// kInvalid for anything else.
Result<crypto::HpkePrivateKey> parse_identity(ByteView text);

// The first line that is no comment and not empty; of recipient files, too.
std::string_view only_line(std::string_view text);

}  // namespace cloister::cli
