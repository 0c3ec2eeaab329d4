// Public keys of logs and signers, as people hand them over.
#pragma once

#include <string>

#include "audit/signed_note.h"

namespace cloister::cli {

// The key's text (NAME+ID+BASE64), or the path of a file that holds it. A path rarely has two '+'.
Result<audit::VerifierKey> read_verifier_key(const std::string& text_or_path);

}  // namespace cloister::cli
