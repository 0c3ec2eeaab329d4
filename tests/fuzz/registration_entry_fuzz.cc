// Registration entries of any bytes, as they are stored and as people write them: what is read comes back the same.
#include <string_view>
#include <vector>

#include "mesh/registration/entry.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto entry = mesh::parse_entry(text); entry.ok()) {
    const auto again = mesh::parse_entry(mesh::format_entry(*entry));
    CLOISTER_CHECK(again.ok() && *again == *entry);
  }
  if (const auto entries = mesh::parse_entry_file(text); entries.ok()) {
    for (const mesh::RegistrationEntry& entry : *entries) {
      const auto again = mesh::parse_entry(mesh::format_entry(entry));
      CLOISTER_CHECK(again.ok() && *again == entry);
    }
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text :
       {R"({"spiffe_id":"spiffe://a.example/b","selectors":["unix:uid:1"],"x509_ttl_seconds":60,"jwt_ttl_seconds":10,)"
        R"("hint":"h","federates_with":["c.example"],"expires_ms":5,"created_ms":1})",
        "[[entry]]\nspiffe_id = \"spiffe://a.example/b\"\nselectors = [\"unix:uid:1\", \"k8s:ns:ml\"]\nhint = \"h\"\n"
        "x509_ttl_seconds = 600\nfederates_with = \"c.example\"\nexpires = 2030-01-01T00:00:00Z\n"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
