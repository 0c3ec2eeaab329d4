// A ClientHello as it was seen on the wire: what the client offered. Hostile bytes.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::probe::path {

struct SeenClientHello {
  std::uint16_t version = 0;  // legacy_version
  std::vector<std::uint16_t> suites;
  std::vector<std::uint16_t> versions;  // of supported_versions
  std::vector<std::uint16_t> groups;
  std::string server_name;        // printable
  std::vector<std::string> alpn;  // printable
};

// From a message's body. kCorrupt for anything that isn't one.
Result<SeenClientHello> parse_client_hello(ByteView body);

}  // namespace cloister::probe::path
