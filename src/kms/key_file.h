// The bytes of a software key's file. docs/formats/key-file.md. Used by software_key.cc alone.
#pragma once

#include <array>
#include <optional>

#include "crypto/key_wrapper.h"

namespace cloister::kms {

inline constexpr std::size_t kKeyFileSizeMax = 1024;

using KeyCommitment = std::array<std::uint8_t, 32>;

// Either the key itself or the key wrapped by a passphrase, never both.
struct KeyFile {
  KeyCommitment commitment{};
  std::optional<crypto::KeyMaterial> plain;
  std::optional<crypto::WrappedKey> wrapped;
};

// kInvalid: not a key file. kUnsupported: newer or unknown. kCorrupt: damaged. The plain key's commitment was compared.
Result<KeyFile> parse_key_file(ByteView bytes);
crypto::Secret serialize_key_file(const KeyFile& file);

// Of the key a file holds, whichever way it is kept.
KeyCommitment key_file_commitment(const crypto::KeyMaterial& key);
// What a passphrase's wrap is bound to.
crypto::WrapContext key_file_context(const KeyCommitment& commitment);

}  // namespace cloister::kms
