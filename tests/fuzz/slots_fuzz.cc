// A slot copy of any bytes: parsed or refused, and what was parsed is written back to the same room.
#include <vector>

#include "seal/slots.h"

using namespace cloister;

namespace {

void parse(ByteView copy) {
  const auto table = seal::parse_slots(copy);
  if (!table.ok()) return;
  const auto again = seal::serialize_slots(table.value(), static_cast<std::uint32_t>(copy.size()));
  CLOISTER_CHECK(again.ok() && seal::parse_slots(again.value()).ok());
  CLOISTER_CHECK(!seal::describe_slots(table.value()).empty());
  // With nobody to ask nothing opens, whatever the shares say of one another.
  CLOISTER_CHECK(!seal::unwrap_slots({}, Bytes(seal::kPage), table.value(), {}).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parse({data, size});
  // Magic and checksum would stop nearly every input at the door: they are made right first.
  Bytes copy(data, data + size);
  copy.resize(seal::kPage);
  std::ranges::copy(as_bytes("CLSRSLT1"), copy.begin());
  store_le(copy.data() + copy.size() - 4, crc32c(ByteView(copy).first(copy.size() - 4)));
  parse(copy);
  ignore_result(seal::choose_slots(copy, {data, size}));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using enum crypto::WrapType;
  seal::SlotTable table;
  table.slots.push_back({"acme", {kSoftwareKey, "key-1", 1, {}, Bytes(72)}});
  table.slots.push_back({"acme", {kHpkeX25519, "x25519:0011223344556677", 0, Bytes(32), Bytes(48)}});
  table.slots.push_back({"acme", {kDatasetKey, "0f3a0f3a", 1, {}, Bytes(72)}, {1, 2}});
  table.slots.push_back({"acme", {kDatasetKey, "77ab77ab", 1, {}, Bytes(72)}, {2, 2}});
  table.unknown.push_back({99, Bytes(10)});
  seeds->push_back(seal::serialize_slots(table, seal::kPage).value());
}
