// An attestation policy of any bytes: refused, or one that keeps its promises. What is below the floor is never
// released, and what is released is released by one of its rules.
#include <vector>

#include "base/bytes.h"
#include "policy/attestation.h"

namespace {

using namespace cloister;

constexpr const char* kSmall = "version=1\nid='a'\nnot_after='never'\n";

constexpr const char* kWhole = R"(version = 1
id = "attested-1"
not_before = 2026-01-01T00:00:00Z
not_after = 2028-01-01T00:00:00Z
expect_at = 2027-01-01T00:00:00Z
insecure_software_keys = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
[[release]]
name = "r"
tenant = "acme"
environment = ["none", "prod*"]
dataset = "models-*"
purpose = ["infer", "train"]
role = "infer"
manifest = "any"
assurance = ["hardware", "insecure_software"]
platform = ["tdx", "snp"]
product = "any"
chip = ["00aa", "00ab"]
measurement = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
tcb_status = "UpToDate"
advisory = "any"
svn_min = 3
lease_seconds = 60
[[device]]
rule = "r"
platform = "nvidia-gpu"
assurance = "hardware"
product = "any"
chip = "any"
count_min = 0
[[claim]]
rule = "r"
platform = "snp"
name = "snp.vmpl"
min = 0
max = 1
[[deny]]
name = "d"
platform = "any"
chip = "00ab"
[[expect]]
tenant = "acme"
dataset = "models-1"
purpose = "infer"
role = "infer"
manifest = "x"
platform = "tdx"
assurance = "hardware"
claims = ["measurement=aa", "svn=4"]
decision = "deny"
)";

policy::ReleaseRequest request_of(std::string_view platform) {
  policy::AttestedPart machine{std::string(platform),
                               policy::Assurance::kHardware,
                               {{"measurement", std::string(64, 'a')},
                                {"tcb_status", "UpToDate"},
                                {"chip_id", "00aa"},
                                {"svn", "4"},
                                {"snp.vmpl", "0"}},
                               {},
                               {"report-data"},
                               {}};
  return {"acme",
          "",
          "models-1",
          policy::Purpose::kInfer,
          "infer",
          std::string(64, 'c'),
          {std::move(machine)},
          Time{1'798'761'600'000}};
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {kSmall, kWhole}) seeds->push_back(to_bytes(as_bytes(text)));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = policy::load_attestation_policy(as_text(ByteView(data, size)));
  if (!loaded.ok()) return 0;
  for (const std::string_view platform : {"tdx", "snp"}) {
    policy::ReleaseRequest request = request_of(platform);
    const policy::ReleaseDecision decision = policy::decide(*loaded, request);
    CLOISTER_CHECK(!decision.reason.empty());
    if (decision.allowed) {
      CLOISTER_CHECK(loaded->guards("acme", "", "models-1") && decision.lease.ms > 0);
      bool found = false;
      for (const policy::ReleaseRule& rule : loaded->rules()) found |= rule.name == decision.rule;
      CLOISTER_CHECK(found);
    }
    request.parts[0].unmet = {"revocation"};
    CLOISTER_CHECK(!policy::decide(*loaded, request).allowed);
    request.parts[0].unmet.clear();
    request.parts[0].passed.clear();
    CLOISTER_CHECK(!policy::decide(*loaded, request).allowed);
  }
  return 0;
}
