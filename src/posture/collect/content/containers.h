// Files that other programs encrypted: their headers parsed, the names of their keys, and where ciphertext begins. That
// a header parses proves no protection; that its key is known, and what follows looks like ciphertext, does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "posture/collect/content/sample.h"
#include "posture/collect/content/statistics.h"

namespace cloister::posture::content {

struct Container {
  std::string_view type = {};          // "age", "openpgp", "jwe", "luks2", "openssl-salted", "ecryptfs", …
  std::vector<std::string> keys = {};  // "openpgp:0123456789abcdef", "jwe:kid", "luks:UUID"; empty: it names none
  std::optional<Region> payload = {};  // of the ciphertext in the file; none: it is text, and `decoded` has it
  Bytes decoded = {};                  // the first of it
};

// Nothing for what isn't one; kCorrupt for what begins like one and is broken.
Result<std::optional<Container>> parse_container(const Sample& sample);

// The parts of it, for tests and fuzzing.
Result<Container> parse_age(ByteView head, std::uint64_t size);
Result<Container> parse_openpgp(ByteView head, std::uint64_t size);
Result<Container> parse_jwe(std::string_view text);
Result<Container> parse_luks(ByteView head, std::uint64_t size);

}  // namespace cloister::posture::content
