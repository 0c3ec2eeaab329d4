// A manifest of any bytes under a right signature: parsed or refused, and what was parsed is written back as it was.
#include <vector>

#include "base/reader.h"
#include "crypto/hash.h"
#include "seal/manifest.h"
#include "tests/support/hex.h"

namespace {

using namespace cloister;

const crypto::SigningKey& signing_key() {
  static const crypto::SigningKey key = crypto::SigningKey::from_seed(testing::key_of_byte(1));
  return key;
}

Bytes signed_body(ByteView body) {
  Writer message;
  message.text16("CLSR1 manifest").bytes(crypto::sha256(body));
  Writer whole;
  whole.bytes(body).bytes(signing_key().public_key()).bytes(signing_key().sign(message.view()));
  return whole.take();
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seal::Manifest manifest;
  manifest.entries = {{"a.sealed", "a", 1, 0644, {}, {}}, {"b/c.sealed", "b/c", 2, 0600, {}, {}}};
  Bytes bytes = seal::serialize_manifest(manifest, signing_key());
  bytes.resize(bytes.size() - 96);
  seeds->push_back(std::move(bytes));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  CLOISTER_CHECK(!seal::parse_manifest(input, signing_key().public_key()).ok() || size >= 96);
  const Bytes bytes = signed_body(input);
  const auto manifest = seal::parse_manifest(bytes, signing_key().public_key());
  if (!manifest.ok()) return 0;
  for (const seal::ManifestEntry& entry : manifest.value().entries) {
    CLOISTER_CHECK(seal::is_safe_relative_name(entry.stored_name) && seal::is_safe_relative_name(entry.original_name));
  }
  CLOISTER_CHECK(seal::serialize_manifest(manifest.value(), signing_key()) == bytes);
  return 0;
}
