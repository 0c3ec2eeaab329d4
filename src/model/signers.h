// The file that says whose signatures on models count. docs/model-signing.md.
#pragma once

#include <functional>

#include "model/verify.h"

namespace cloister::model {

inline constexpr std::size_t kSignersFileMax = std::size_t{1} << 20;

// A key file's text, or a file of roots'; by the name that the file of signers gives.
using ReadNamed = std::function<Result<Bytes>(const std::string& name)>;

// kInvalid with the line for what isn't such a file; parse_public_key's and `read`'s codes.
Result<std::vector<TrustedSigner>> parse_signers(std::string_view toml, const ReadNamed& read);

// The one public key of a PEM text, whatever stands around it. kInvalid; kUnsupported for keys that don't sign models.
Result<crypto::PublicKey> parse_public_key(std::string_view pem);

}  // namespace cloister::model
