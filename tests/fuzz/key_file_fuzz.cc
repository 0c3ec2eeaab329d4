// A key file of any bytes: parsed or refused, and what was parsed is written back as it was.
#include <vector>

#include "base/bytes.h"
#include "kms/key_file.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace cloister;
  kms::KeyFile plain;
  plain.plain = crypto::KeyMaterial::from_secret(crypto::Secret(crypto::kKeySize)).value();
  plain.commitment = kms::key_file_commitment(*plain.plain);
  kms::KeyFile wrapped;
  wrapped.wrapped = crypto::WrappedKey{crypto::WrapType::kPassphrase, "passphrase", 0, Bytes(28, 1), Bytes(72, 2)};
  for (const kms::KeyFile* file : {&plain, &wrapped})
    seeds->push_back(to_bytes(kms::serialize_key_file(*file).expose()));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  // The checksum would stop nearly every input at the door: it is made right first.
  Bytes bytes(data, data + size);
  if (bytes.size() >= 4) store_le(bytes.data() + bytes.size() - 4, crc32c(ByteView(bytes).first(bytes.size() - 4)));
  for (const ByteView input : {ByteView(data, size), ByteView(bytes)}) {
    const auto file = kms::parse_key_file(input);
    if (file.ok()) CLOISTER_CHECK(equal(kms::serialize_key_file(*file).expose(), input));
  }
  return 0;
}
