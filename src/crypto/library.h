// What the one OpenSSL of this process is.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace cloister::crypto {

struct LibraryInfo {
  std::string version;              // "3.5.7"
  std::string cpu_settings;         // OpenSSL's own words
  bool vaes_avx512 = false;         // the wide AES-GCM path is in use
  bool too_old = false;             // older than 3.5
  std::vector<std::string> mapped;  // every libcrypto in this process; must be one
};
LibraryInfo library_info();

// First call of a program's main: turns core dumps off, makes the process undumpable and sets up secure memory.
// kUnsupported when the OpenSSL found is older than 3.5.
Status start_process();

}  // namespace cloister::crypto
