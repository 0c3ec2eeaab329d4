// Bodies of the KBS protocol of any bytes: read or refused. What was read has evidence or none, and its digests.
#include <vector>

#include "service/kbs/messages.h"
#include "service/kbs/secrets.h"
#include "tests/support/coco_snp_json.h"

using namespace cloister;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  const auto auth = service::parse_kbs_auth(text);
  CLOISTER_CHECK(!auth.ok() || service::kbs_tee_served(auth->tee));
  const auto target = service::kbs_target(text, text);
  CLOISTER_CHECK(!target.ok() || target->dataset.find('/') == std::string::npos);
  const auto attestation = service::parse_kbs_attestation(text);
  if (!attestation.ok()) return 0;
  ignore_result(service::kbs_report_data(service::KbsHash::kSha384, *attestation));
  ignore_result(service::kbs_device_nonce(service::KbsHash::kSha256, *attestation));
  for (const char* tee : {"snp", "tdx", "sgx", "cca", "sample"}) {
    const auto evidence = service::kbs_evidence(tee, *attestation);
    if (evidence.ok()) ignore_result(attest::needs(evidence->primary));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const auto add = [seeds](const std::string& text) { seeds->emplace_back(text.begin(), text.end()); };
  add(R"({"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":["sha384"]}})");
  testing::SimulatedAmd amd;
  const auto body = [&add](const JsonValue& primary, const std::string& additional) {
    add(JsonValue(
            JsonValue::Object{
                {"runtime-data", JsonValue::Object{{"nonce", "n"}, {"tee-pubkey", JsonValue::Object{{"kty", "EC"}}}}},
                {"tee-evidence",
                 JsonValue::Object{{"primary_evidence", primary}, {"additional_evidence", additional}}}})
            .serialize());
  };
  body(testing::coco_snp_json(amd.snp()), "");
  body(JsonValue::Object{{"quote", "AAAA"}, {"cc_eventlog", "AAAA"}},
       R"({"nvidia":{"device_evidence_list":[{"arch":"HOPPER","uuid":"u","evidence":"AQI=","certificate":"Aw=="}]}})");
  body(JsonValue::Object{{"token", JsonValue::Array{std::uint64_t{1}}}}, "{}");
}
