// How secrets get in: from a file that only its owner can read, or from the terminal without echo. Never from an
// argument or the environment.
#pragma once

#include <string>

#include "base/file.h"
#include "base/progress.h"
#include "crypto/hpke.h"
#include "crypto/secret.h"

namespace cloister::cli {

// The file's bytes without one trailing line end, at most 4096. kDenied when others than its owner can read it, or it
// is another user's.
// "-", /dev/stdin and /dev/fd/N (a shell's <(...)) are read from the descriptor itself.
Result<crypto::Secret> read_secret_file(const Path& path);
// Such a name means something else, or nothing, to the next run.
bool names_descriptor(const Path& path);

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
