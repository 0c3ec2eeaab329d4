// A SPIFFE ID of any bytes: parsed or refused, and what was parsed has one spelling that parses to the same.
#include <algorithm>
#include <string_view>
#include <vector>

#include "identity/spiffe_id.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto id = identity::SpiffeId::parse(text);
  if (!id.ok()) return 0;
  const std::string uri = id->uri();
  const auto again = identity::SpiffeId::parse(uri);
  CLOISTER_CHECK(again.ok() && *again == *id && uri.size() == text.size() && uri.size() <= identity::kSpiffeIdMax);
  CLOISTER_CHECK(text.ends_with(id->path()));
  for (const std::string_view never : {"%", "?", "#", "@", "//", "/./", "/../", " "}) {
    CLOISTER_CHECK(uri.find(never, 9) == std::string::npos);
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text :
       {"spiffe://example.org/ns/prod/sa/trainer", "SPIFFE://Example.ORG", "spiffe://a/.../b-c_d.e"}) {
    seeds->emplace_back(text.begin(), text.end());
  }
}
