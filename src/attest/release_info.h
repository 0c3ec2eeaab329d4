// What a released key is sealed for, beside its recipient: so that it opens as an answer to that request and to no
// other. docs/formats/release.md.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace cloister::attest {

struct ReleaseInfo {
  std::string_view release;  // its id, as the answer names it
  std::string_view tenant;   // "acme", "acme/production"
  std::string_view dataset;
  std::string_view purpose;
};
// HPKE's info. Its aad is the object's id.
Bytes release_info(const ReleaseInfo& info);

}  // namespace cloister::attest
