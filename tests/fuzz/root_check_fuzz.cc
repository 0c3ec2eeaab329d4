// A root check of any bytes: parsed or refused, and what was parsed is written back as it was.
#include <algorithm>
#include <string>
#include <vector>

#include "keys/root_check.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  keys::RootCheck check;
  check.wrapped = {crypto::WrapType::kSoftwareKey, "file:0011223344556677", 1, {}, Bytes(72, 7)};
  seeds->push_back(from_hex(keys::serialize_root_check(check)).value());
  check.wrapped = {crypto::WrapType::kPkcs11, "pkcs11:0123:root", 1, Bytes(12, 1), Bytes(48, 2)};
  seeds->push_back(from_hex(keys::serialize_root_check(check)).value());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  // As the text it is kept as, and behind the door that only hexadecimal passes.
  CLOISTER_CHECK(!keys::parse_root_check(as_text(input)).ok() || size % 2 == 0);
  const auto check = keys::parse_root_check(to_hex(input));
  if (check.ok()) CLOISTER_CHECK(keys::serialize_root_check(*check) == to_hex(input));
  return 0;
}
