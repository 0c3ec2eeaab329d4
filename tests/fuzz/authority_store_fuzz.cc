// Stored signers of any bytes: parsed or refused, and written back as they were. Stored authorities of any bytes: none
// but those that were stored are taken.
#include <vector>

#include "identity/authority.h"
#include "identity/authority_store.h"
#include "identity/software_signer.h"
#include "tests/support/certificates.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/local_key.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

struct Made {
  testing::DeterministicRandom random{1};
  testing::LocalKey root{9, random};
  identity::TrustDomain trust_domain = value_of(identity::TrustDomain::parse("example.org"));
  Bytes signers, rotation;

  Made() {
    const identity::SignerContext context{"acme", trust_domain};
    auto x509 = value_of(identity::SoftwareSigner::create(context, root, random));
    auto jwt = value_of(identity::SoftwareSigner::create(context, root, random));
    signers = identity::serialize_signers({x509.stored, jwt.stored});
    auto record = value_of(
        identity::make_authority(trust_domain, {}, {&x509.signer, &jwt.signer}, signers, testing::kNow, random));
    const auto begun = value_of(identity::Rotation::begin(trust_domain, {}, std::move(record), testing::kNow));
    rotation = value_of(identity::serialize_rotation(begun, "acme", root, random));
  }
};

Made& made() {
  static Made made;
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto signers = identity::parse_signers(input);
  if (signers.ok()) CLOISTER_CHECK(equal(identity::serialize_signers(*signers), input));
  const bool taken = identity::parse_rotation(input, made().trust_domain, "acme", {}, made().root).ok();
  CLOISTER_CHECK(taken == equal(input, made().rotation));
  // Parsed before anything is authenticated.
  ignore_result(identity::rotation_roots(input));
  const auto moved = identity::rewrap_rotation(input, made().root, made().root, made().random);
  CLOISTER_CHECK(moved.ok() == taken);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(made().signers);
  seeds->push_back(made().rotation);
}
