// Events per second on one core: the anomaly detectors, beside a hash map that only counts unwraps per tenant,
// principal and key, and beside reading the events alone.
#include <algorithm>
#include <cstdio>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/anomaly/detector.h"
#include "base/clock.h"
#include "bench.h"
#include "tests/support/usage_world.h"

namespace {

using namespace cloister;
using namespace cloister::audit::anomaly;

class Recorder final : public testing::UsageSink {
 public:
  void use(const UsageEvent& event, int) override { events.push_back(event); }
  void plan(std::string_view, const PlannedJob&) override {}
  void allow(std::string_view tenant, std::string_view measurement) override {
    allowed.emplace_back(tenant, measurement);
  }

  std::vector<UsageEvent> events;
  std::vector<std::pair<std::string_view, std::string_view>> allowed;
};

std::uint64_t sink = 0;

void detect(const Recorder& recorded) {
  Detector detector = bench::must(Detector::create({}, {}, 1));
  for (const auto& [tenant, measurement] : recorded.allowed) detector.allow_measurement(tenant, measurement);
  for (const UsageEvent& event : recorded.events) sink += detector.observe(event).size();
}

void count(const Recorder& recorded) {
  std::unordered_map<std::string, std::uint64_t> counters;
  std::string name;
  for (const UsageEvent& event : recorded.events) {
    name.assign(event.tenant).append(1, '\n').append(event.principal).append(1, '\n').append(event.key_id);
    sink += counters[name] += event.dek_count;
  }
}

void read(const Recorder& recorded) {
  for (const UsageEvent& event : recorded.events) sink += event.dek_count + event.principal.size();
}

void put_away(const Recorder& recorded) {
  Detector detector = bench::must(Detector::create({}, {}, 1));
  for (const UsageEvent& event : recorded.events) sink += detector.observe(event).size();
  Bytes bytes;
  const double writing = bench::seconds_of([&] { bytes = detector.snapshot(); });
  const double reading = bench::seconds_of([&] { bench::must(Detector::restore(bytes, {}, {})); });
  const auto counts = detector.counts();
  std::printf(
      "  state of %zu tenants, %zu principals, %zu keys, %zu series: %.1f KiB, written in %.2f ms, read in %.2f ms\n",
      counts.tenants, counts.principals, counts.keys, counts.series, static_cast<double>(bytes.size()) / 1024,
      writing * 1e3, reading * 1e3);
}

}  // namespace

int main() {
  testing::WorldOptions options;
  testing::UsageWorld world(1, options);
  Recorder recorded;
  world.run(recorded);
  struct Contestant {
    const char* name;
    void (*work)(const Recorder&);
    std::vector<double> rates = {};
  };
  Contestant contestants[] = {
      {"a hash map that counts", count}, {"the detectors", detect}, {"reading the events", read}};
  const auto events = static_cast<double>(recorded.events.size());
  std::printf("anomaly detection: %.0f events of %d weeks, one core, %d rounds in turn\n", events, options.weeks,
              bench::rounds());
  for (int round = -1; round < bench::rounds(); ++round) {
    for (Contestant& contestant : contestants) {
      const double rate = events / bench::seconds_of([&] { contestant.work(recorded); });
      if (round >= 0) contestant.rates.push_back(rate);
    }
  }
  for (const Contestant& contestant : contestants) {
    const double rate = bench::median(contestant.rates);
    std::printf("  %-26s %12.0f events/s   %8.1f ns each   %6.2f of the hash map\n", contestant.name, rate, 1e9 / rate,
                rate / bench::median(contestants[0].rates));
  }
  put_away(recorded);
  return sink == 0 ? 1 : 0;
}
