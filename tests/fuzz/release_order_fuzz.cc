// The body of a request for attested release, of any bytes: refused, or within its bounds.
#include <vector>

#include "attest/workload_manifest.h"
#include "base/base64.h"
#include "base/json.h"
#include "service/attestation/release_order.h"

namespace {

using namespace cloister;

std::string base64_of(ByteView bytes) { return to_base64(bytes); }

JsonValue key() {
  return JsonValue::Object{{"object", base64_of(as_bytes("object-1"))},
                           {"commitment", base64_of(Bytes(32, 1))},
                           {"version", std::uint64_t{1}},
                           {"wrapped", base64_of(Bytes(72, 2))}};
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  attest::WorkloadManifest manifest;
  manifest.name = "a";
  manifest.role = "infer";
  const attest::EvidenceSet evidence{{attest::Kind::kInsecureSoftware, {{"statement", Bytes(40, 1)}}}, {}};
  const JsonValue attestation =
      JsonValue::Object{{"challenge", to_base64(Bytes(32, 3), Base64::kUrl)},
                        {"role", "infer"},
                        {"recipient", "cloister-recipient-x25519:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk"},
                        {"manifest", base64_of(as_bytes(attest::write_workload_manifest(manifest)))},
                        {"evidence", base64_of(attest::encode(evidence))}};
  for (const JsonValue& body :
       {JsonValue(JsonValue::Object{{"keys", JsonValue::Array{key()}}, {"attestation", attestation}}),
        JsonValue(JsonValue::Object{{"keys", JsonValue::Array{key(), key()}}, {"lease", "x"}})}) {
    seeds->push_back(to_bytes(as_bytes(body.serialize())));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto order = service::parse_release_order(as_text(ByteView(data, size)));
  if (!order.ok()) return 0;
  CLOISTER_CHECK(!order->keys.empty() && order->attestation.has_value() != order->lease.has_value());
  for (const service::WantedKey& wanted : order->keys) CLOISTER_CHECK(!wanted.object.empty());
  if (order->attestation) CLOISTER_CHECK(service::is_role(order->attestation->role));
  return 0;
}
