// The text of a witness's private key, as the signed notes of the Go world keep theirs:
// PRIVATE+KEY+NAME+ID+BASE64(type || seed).
#pragma once

#include <string>

#include "audit/signed_note.h"

namespace cloister::cli {

struct WitnessKey {
  std::string name;
  crypto::SigningKey key;
};

crypto::Secret witness_key_text(const std::string& name, const crypto::SigningKey& key);
// kInvalid for anything but a key of type 4 (cosignature/v1) whose id fits.
Result<WitnessKey> parse_witness_key(ByteView text);

}  // namespace cloister::cli
