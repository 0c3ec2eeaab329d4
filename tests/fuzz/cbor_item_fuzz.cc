// CBOR of any bytes is read within bounds or refused: what was read lies within the bytes, and reads the same again.
// And a COSE_Sign1 verifies only with the payload that was signed.
#include <vector>

#include "crypto/cose_sign1.h"
#include "tests/support/certificates.h"
#include "tests/support/cose_maker.h"
#include "tests/support/hex.h"

using namespace cloister;

namespace {

const crypto::PrivateKey& key() {
  static const crypto::PrivateKey key = testing::key_of_seed(9);
  return key;
}

const Bytes& message() {
  static const Bytes message = testing::make_cose_sign1(key(), as_bytes("payload"));
  return message;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  for (const CborLengths lengths : {CborLengths::kDefinite, CborLengths::kAlsoIndefiniteMaps}) {
    CborItemLimits limits;
    limits.lengths = lengths;
    const auto item = parse_cbor_prefix(input, limits);
    if (!item.ok()) continue;
    CLOISTER_CHECK(item->encoded().data() == data && item->encoded().size() <= size);
    CLOISTER_CHECK(parse_cbor(item->encoded(), limits).ok());
  }
  const auto cose = crypto::CoseSign1::parse(input);
  if (cose.ok()) {
    const auto payload = cose->verified_payload(key().public_key());
    CLOISTER_CHECK(!payload.ok() || as_text(*payload) == "payload");
  }
  ignore_result(crypto::parse_cose_key(input));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(message());
  seeds->push_back(testing::make_cose_key(key().public_key()));
  seeds->push_back(testing::unhex("bf0102616181f5a0f6ff"));
}
