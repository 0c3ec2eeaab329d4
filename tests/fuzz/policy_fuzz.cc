// A policy of any bytes: refused, or one that keeps its promises. Without an allow rule nothing is allowed, a policy
// doesn't differ from itself, and what is allowed is allowed by one of its rules.
#include <vector>

#include "base/bytes.h"
#include "policy/diff.h"

namespace {

using namespace cloister;

constexpr const char* kSmall =
    "version=1\nid='a'\nnot_after='never'\n[[quota]]\ntenant='any'\nrequests_per_second=1\nburst=1\nkeys_per_batch=1\n";

constexpr const char* kWhole = R"(version = 1
id = "acme-1"  # comment
not_before = 2026-01-01T00:00:00+01:00
not_after = 2028-01-01T00:00:00Z
expect_at = 2027-01-01T00:00:00.5Z
[[allow]]
name = "trainers"
caller = ["spiffe://acme.example/train/*", "spiffe://acme.example/x/**"]
operation = [ "generate",
  "unwrap", # both
]
tenant = "acme"
environment = ["none", "prod*"]
dataset = "any"
purpose = ["train", "infer"]
not_after = 2027-06-01T00:00:00Z
[[allow]]
name = 'all'
caller = "any"
operation = "any"
tenant = "any"
environment = "any"
dataset = "any"
purpose = "any"
[[deny]]
name = "no \u00e9xport"
caller = "any"
operation = "any"
tenant = "acme"
environment = "any"
dataset = "*-secret"
purpose = "export"
[[quota]]
tenant = "any"
requests_per_second = 1_000
burst = 0x20
keys_per_batch = 10
[[expect]]
caller = "spiffe://acme.example/train/job-7"
operation = "unwrap"
tenant = "acme"
dataset = "a-secret"
purpose = "export"
keys = 2
at = 2027-01-01T00:00:00Z
decision = "deny"
rule = "no \u00e9xport"
)";

const policy::Request kRequests[] = {
    {"spiffe://acme.example/train/job-7", policy::Operation::kUnwrap, "acme", "", "images", policy::Purpose::kTrain, 1,
     Time{1'798'761'600'000}},
    {"spiffe://acme.example/x/y/z", policy::Operation::kGenerate, "acme", "prod", "a-secret", policy::Purpose::kExport,
     7, Time{1'798'761'600'000}},
    {"spiffe://b", policy::Operation::kKekRotate, "globex", "", "", policy::Purpose::kOperate, 1, Time{0}},
    {"spiffe://b", policy::Operation::kRandom, "", "", "", policy::Purpose::kInfer, 1, Time{1'830'000'000'000}},
    {"", policy::Operation::kRandom, "", "", "", policy::Purpose::kInfer, 1, Time{1'798'761'600'000}},
    {"spiffe://b", policy::Operation::kUnwrap, "any", "none", "*", policy::Purpose::kInfer, 1, Time{1'798'761'600'000}},
};

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  for (const std::string_view text : {kSmall, kWhole}) seeds->push_back(to_bytes(as_bytes(text)));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = policy::load_policy(as_text(ByteView(data, size)));
  if (!loaded.ok()) return 0;
  CLOISTER_CHECK(policy::diff(*loaded, *loaded).empty());
  for (const policy::Request& request : kRequests) {
    const policy::Decision decision = policy::decide(*loaded, request);
    CLOISTER_CHECK(!decision.reason.empty());
    if (!decision.allowed) continue;
    CLOISTER_CHECK(!request.caller.empty() && request.tenant != "any");
    bool found = false;
    for (const policy::Rule& rule : loaded.value().rules()) {
      found |= rule.effect == policy::Effect::kAllow && rule.name == decision.rule;
    }
    CLOISTER_CHECK(found);
  }
  return 0;
}
