// A Nitro document of any bytes: read or refused; what isn't what the simulated enclave wrote is never sound.
#include <algorithm>
#include <vector>

#include "attest/nitro/nitro_document.h"
#include "attest/verifier.h"
#include "tests/support/simulated_nitro.h"

using namespace cloister;

namespace {

struct Enclave {
  testing::SimulatedNitro nitro;
  attest::Anchors anchors = nitro.anchors();
  Bytes document = nitro.document().parts["document"];
  Bytes definite = nitro.document({.indefinite = false}).parts["document"];

  bool wrote(ByteView bytes) const {
    return std::ranges::any_of(std::initializer_list<ByteView>{document, definite}, [bytes](ByteView own) {
      return bytes.size() >= own.size() && equal(bytes.first(own.size()), own);
    });
  }
};

Enclave& enclave() {
  static Enclave enclave;
  return enclave;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = attest::NitroDocument::parse({data, size});
  CLOISTER_CHECK(!document.ok() || document->size <= size);
  const attest::Question question{testing::kNow, Bytes(64, 0x5A), nullptr, &enclave().anchors, nullptr};
  const attest::Evidence evidence{attest::Kind::kNitro, {{"document", Bytes(data, data + size)}}};
  const attest::Verdict verdict = attest::verify(evidence, question);
  CLOISTER_CHECK(!verdict.sound() || enclave().wrote({data, size}));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(enclave().document);
  seeds->push_back(enclave().definite);
  Bytes framed{0, 2, 0xB9, 0x46};
  framed.insert(framed.end(), enclave().document.begin(), enclave().document.end());
  seeds->push_back(framed);
}
