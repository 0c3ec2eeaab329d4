// A PKCS#11 URI from a configuration file: parsed or refused, and what is parsed is spelled and read again as itself.
#include <string_view>
#include <vector>

#include "kms/pkcs11/pkcs11_uri.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto uri = kms::parse_pkcs11_uri(as_text({data, size}));
  if (!uri.ok()) return 0;
  const std::string spelled = kms::to_string(uri.value());
  // Encoding may make it longer than what is read.
  if (spelled.size() > kms::kPkcs11UriMax) return 0;
  const auto again = kms::parse_pkcs11_uri(spelled);
  CLOISTER_CHECK(again.ok() && again.value() == uri.value());
  CLOISTER_CHECK(kms::to_string(again.value()) == spelled);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text :
       {"pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil;object=my-certificate;type="
        "private;"
        "id=%69%95%3E%5C?module-path=/usr/lib/m.so&pin-source=file:/etc/token_pin",
        "pkcs11:", "pkcs11:object=root;type=secret-key", "pkcs11:id=%00%ff", "pkcs11:?pin-source=/x"}) {
    seeds->emplace_back(text.begin(), text.end());
  }
}
