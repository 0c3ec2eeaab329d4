// What keys and tokens look like in text where none may be.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloister::redteam {

struct SecretFound {
  std::size_t offset = 0;
  std::string kind;  // "a private key in PEM": never the bytes themselves
};

// Every canary, as it is, in hexadecimal and in base64; private keys in PEM and as JWK; tokens that say what they are
// by their prefix; and values of names like *_KEY, *SECRET*, *TOKEN*, *PASSW* that are as long and as mixed as a key
// is. At most a hundred, by their place.
std::vector<SecretFound> find_secrets(std::string_view text, std::span<const std::string> canaries);

}  // namespace cloister::redteam
