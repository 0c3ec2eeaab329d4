// How secrets get in: from a file that only its owner can read, or from the terminal without echo. Never from an
// argument or the environment.
#pragma once

#include <string>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/hpke.h"
#include "crypto/secret.h"
#include "home/secret_file.h"

namespace cloister::cli {

using home::kSecretFileMax;
using home::names_descriptor;
using home::read_secret_file;

// kInvalid without a terminal; kUnavailable when interrupted.
Result<crypto::Secret> ask_secret(const std::string& prompt, const Progress& progress);
// Asks twice; kInvalid when the answers differ.
Result<crypto::Secret> ask_new_secret(const std::string& prompt, const Progress& progress);

// A private key to open with: identity_text.h.
Status write_identity_file(const Path& path, const crypto::HpkePrivateKey& key);
Result<crypto::HpkePrivateKey> read_identity_file(const Path& path);

// A recipient's text itself, or the path of a file that holds it.
Result<crypto::HpkePublicKey> parse_recipient(const std::string& text_or_path);

}  // namespace cloister::cli
