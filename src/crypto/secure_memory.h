// Memory for key bytes: its own pages, locked, left out of core dumps and of forked children (where using one
// of the parent's secrets stops the process; new ones can be made), guarded on both sides.
// Used by Secret alone. Not OpenSSL's secure heap: once that is set up, OpenSSL's Argon2id takes its hundreds of
// mebibytes from it too, and fails.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cloister::crypto {

// Zeroed. Stops the process when none is left (4 MiB: about a hundred thousand keys). Any thread may call.
std::uint8_t* allocate_secure(std::size_t size);
// Wipes and gives back what allocate_secure(size) handed out.
void release_secure(std::uint8_t* data, std::size_t size);

// For tests: whether `data` lies in it, and how many bytes are handed out.
bool is_secure(const std::uint8_t* data);
std::size_t secure_bytes_used();

}  // namespace cloister::crypto
