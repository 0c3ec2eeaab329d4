// Secrets that lie in files only their owner can read: passphrases, PINs, connection strings.
#pragma once

#include "base/file.h"
#include "crypto/secret.h"

namespace cloister::home {

inline constexpr std::size_t kSecretFileMax = 4096;

// The file's bytes without one trailing line end, at most kSecretFileMax. kDenied when others than its owner can read
// it, or it is another user's.
// "-", /dev/stdin and /dev/fd/N (a shell's <(...)) are read from the descriptor itself.
Result<crypto::Secret> read_secret_file(const Path& path);
// Such a name means something else, or nothing, to the next run.
bool names_descriptor(const Path& path);

}  // namespace cloister::home
