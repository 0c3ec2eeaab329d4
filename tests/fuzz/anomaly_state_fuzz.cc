// The detectors' state from any bytes: restored or refused, and what was restored is written back the same, and can be
// worked with.
#include <vector>

#include "audit/anomaly/detector.h"

using namespace cloister;
using namespace cloister::audit::anomaly;

namespace {

Limits small() {
  Limits limits;
  limits.tenants = limits.principals = limits.families = limits.keys = limits.series = limits.seen = 4;
  limits.jobs = limits.measurements = limits.open = 4;
  return limits;
}

void use(Detector& detector, std::int64_t ms) {
  UsageEvent event;
  event.tenant = "acme";
  event.principal = "spiffe://acme/ns/serve/sa/llm-v1";
  event.key_id = "model";
  event.dataset = "weights";
  event.source = "10.0.0.1";
  event.region = "north";
  event.measurement = "aa11";
  event.latency = Duration{5};
  event.newest_version = 3;
  event.key_version = 2;
  event.dek_count = 100;
  for (unsigned operation = 0; operation < kOperations; ++operation) {
    for (const UsageOutcome outcome : {UsageOutcome::kAllowed, UsageOutcome::kWrongContext}) {
      event.operation = static_cast<Operation>(operation);
      event.outcome = outcome;
      event.time = Time{ms += 977};
      ++event.audit_index;
      for (const Finding& finding : detector.observe(event)) CLOISTER_CHECK(!explain(finding).empty());
    }
  }
  event.throttled = true;
  detector.observe(event);
}

Detector used(std::int64_t ms) {
  Detector detector = std::move(Detector::create({}, small(), 5)).value();
  detector.allow_measurement("acme", "aa11");
  const PlannedJob job{"job", "spiffe://acme/a", "model", 5, Time{ms}, Time{ms}};
  CLOISTER_CHECK(detector.plan_job("acme", job).ok());
  use(detector, ms);
  return detector;
}

void restore(ByteView bytes) {
  auto detector = Detector::restore(bytes, {}, small());
  if (!detector.ok()) return;
  CLOISTER_CHECK(equal(detector.value().snapshot(), bytes));
  for (const std::int64_t ms : {std::int64_t{0}, std::int64_t{1'800'000'000'000}, std::int64_t{1} << 53}) {
    use(detector.value(), ms);
  }
  const Bytes again = detector.value().snapshot();
  const auto twice = Detector::restore(again, {}, small());
  CLOISTER_CHECK(twice.ok());
  CLOISTER_CHECK(equal(twice.value().snapshot(), again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  restore({data, size});
  // Magic, version and checksum would stop nearly every input at the door: they are made right first.
  Bytes bytes(data, data + size);
  if (bytes.size() < 28) return 0;
  std::ranges::copy(as_bytes("CLSRANST"), bytes.begin());
  store_le(bytes.data() + 8, std::uint32_t{1});
  store_le(bytes.data() + bytes.size() - 4, crc32c(ByteView(bytes).first(bytes.size() - 4)));
  restore(bytes);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(used(1'700'000'000'000).snapshot());
  seeds->push_back(std::move(Detector::create({}, small(), 5)).value().snapshot());
}
