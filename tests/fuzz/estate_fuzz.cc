// Estates of any bytes, in both spellings: refused with a message, or read into names that are printable.
#include <string_view>
#include <vector>

#include "base/reader.h"
#include "posture/estate.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::string_view name : {"fuzz.toml", "fuzz.yaml"}) {
    const auto estate = posture::parse_estate(as_text({data, size}), name);
    if (!estate.ok()) {
      CLOISTER_CHECK(!estate.error().message().empty());
      continue;
    }
    for (const posture::Location& location : estate->locations) {
      CLOISTER_CHECK(!location.name.empty() && is_plain_utf8(location.address));
    }
    for (const posture::DeclaredKey& key : estate->keys) CLOISTER_CHECK(is_plain_utf8(key.name));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {
           "version = 1\nid = \"a\"\nown_account = [\"1\"]\n[[location]]\nname = \"w\"\naddress = \"file:/w\"\n"
           "kind = \"model\"\n[[workload]]\nname = \"s\"\nuse = \"inference\"\nreads = \"w\"\naccelerator = true\n"
           "[[endpoint]]\nname = \"e\"\naddress = \"h:1\"\n[[key]]\nname = \"k\"\nclass = \"kek\"\n"
           "[[component]]\nname = \"c\"\naddress = \"10.0.0.0/8\"\n[[edge]]\nfrom = \"c\"\nto = \"c\"\nport = 1\n",
           "version: 1\nid: a\nown_account: [\"1\"]\nlocation:\n- {name: w, address: 'file:/w', kind: model}\n"
           "workload:\n- {name: s, use: inference, reads: [w], several_parties: true}\nkey:\n"
           "- {name: k, class: root, cryptoperiod_days: 9}\n",
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
