// Keys that the operator's own stores know, as a picture taken before a scan: what a header names resolves here, or
// proves nothing. Without keys themselves.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace cloister::posture::content {

enum class KeyUse : std::uint8_t {
  kActive,   // wraps what is sealed now
  kRetired,  // opens what it wrapped, and wraps no more
  kGone,     // disabled or destroyed: what is under it can't be read now
};

struct KnownKeys {
  struct Version {
    KeyUse use = KeyUse::kActive;
    std::string kek;  // "cloister:" and the KEK's id, as estates declare it
  };
  // By the id and version that slots name: a keyring's id in hexadecimal and its dataset key's version, a software
  // key's id and 1.
  std::map<std::pair<std::string, std::uint32_t>, Version> versions;
  // Of other formats, as containers.h names them: "openpgp:0123456789abcdef", "luks:UUID", a Parquet master key's name.
  std::set<std::string, std::less<>> names;
};

}  // namespace cloister::posture::content
