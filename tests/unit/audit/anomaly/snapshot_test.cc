// The detectors' state: it goes on where it stopped, and nothing that isn't one is taken for one.
#include "audit/anomaly/detector.h"
#include "tests/support/usage_world.h"
#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

// Two detectors see the same weeks; one of them is put away and brought back again and again.
class Restarted final : public testing::UsageSink {
 public:
  void use(const UsageEvent& event, int) override {
    if (++events_ % 9973 == 0) {
      const Bytes bytes = restarted_.snapshot();
      auto restored = Detector::restore(bytes, {}, {});
      ASSERT_TRUE(restored.ok()) << restored.error().message();
      restarted_ = std::move(restored).value();
      ASSERT_EQ(restarted_.snapshot(), bytes);
      ++restarts;
    }
    for (const Finding& finding : steady_.observe(event)) steady.push_back(explain(finding));
    for (const Finding& finding : restarted_.observe(event)) restarted.push_back(explain(finding));
  }
  void plan(std::string_view tenant, const PlannedJob& job) override {
    ASSERT_TRUE(steady_.plan_job(tenant, job).ok() && restarted_.plan_job(tenant, job).ok());
  }
  void allow(std::string_view tenant, std::string_view measurement) override {
    steady_.allow_measurement(tenant, measurement);
    restarted_.allow_measurement(tenant, measurement);
  }

  std::vector<std::string> steady, restarted;
  int restarts = 0;

 private:
  Detector steady_ = detector_of(), restarted_ = detector_of();
  std::uint64_t events_ = 0;
};

TEST(Snapshot, ARestartForgetsNothing) {
  testing::WorldOptions options;
  options.weeks = 5;
  Restarted sink;
  testing::UsageWorld(11, options).run(sink);
  EXPECT_GT(sink.restarts, 5);
  EXPECT_GT(sink.steady.size(), 10U);
  EXPECT_EQ(sink.steady, sink.restarted);
}

TEST(Snapshot, OfNothing) {
  const Bytes bytes = detector_of().snapshot();
  const auto restored = Detector::restore(bytes, {}, {});
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored.value().counts().tenants, 0U);
}

// docs/formats/anomaly-state.md.
TEST(Snapshot, PartsHaveTheSizesTheirFormatSays) {
  Detector detector = detector_of();
  EXPECT_EQ(detector.snapshot().size(), 8U + 4 + 8 + 4 + 4);
  const Time now{Stream::kMonday};
  detector.set_tenant_class("acme", TenantClass::kInference);
  const std::size_t tenant = 1840 + 8 * 12;
  EXPECT_EQ(detector.snapshot().size(), 28 + tenant);
  ASSERT_TRUE(detector.plan_job("acme", {"job", kServe, "model", 5, now, now}).ok());
  detector.allow_measurement("acme", "aa11");
  EXPECT_EQ(detector.snapshot().size(), 28 + tenant + 64 + 8);
  UsageEvent event = Stream().event();
  event.time = now;
  event.source = event.region = {};
  EXPECT_TRUE(detector.observe(event).empty());
  const std::size_t seen = 3 * 8;  // the namespace, and with the key the namespace and the workload
  EXPECT_EQ(detector.snapshot().size(), 28 + tenant + 64 + 8 + 621 + 420 + 160 + 1449 + seen);
  event.outcome = UsageOutcome::kWrongTenant;
  EXPECT_EQ(detector.observe(event).size(), 1U);
  EXPECT_EQ(detector.snapshot().size(), 28 + tenant + 64 + 8 + 621 + 420 + 160 + 1449 + seen + 33);
}

class DamagedSnapshot : public ::testing::Test {
 protected:
  DamagedSnapshot() {
    stream_.work(2);
    const Time now{stream_.ms};
    CLOISTER_CHECK(stream_.detector.plan_job("acme", {"job", kServe, "model", 5, now, now}).ok());
    bytes_ = stream_.detector.snapshot();
  }
  static void expect_refused(const Bytes& bytes, Code code, std::string_view word, const Limits& limits = {}) {
    const auto restored = Detector::restore(bytes, {}, limits);
    ASSERT_FALSE(restored.ok()) << word;
    EXPECT_EQ(restored.error().code(), code) << restored.error().message();
    EXPECT_NE(restored.error().message().find(word), std::string::npos) << restored.error().message();
  }
  static Bytes with_right_crc(Bytes bytes) {
    store_le(bytes.data() + bytes.size() - 4, crc32c(ByteView(bytes).first(bytes.size() - 4)));
    return bytes;
  }

  static constexpr std::size_t kSeed = 12, kTenants = 20, kTenant = 24, kKind = 32, kFirst = 33;
  Stream stream_;
  Bytes bytes_;
};

TEST_F(DamagedSnapshot, IsRestoredWhenItIsnt) { EXPECT_TRUE(Detector::restore(bytes_, {}, {}).ok()); }

TEST_F(DamagedSnapshot, EveryByteIsUnderTheChecksum) {
  for (std::size_t i = 12; i < bytes_.size(); i += 101) {
    Bytes changed = bytes_;
    changed[i] ^= 0x40;
    expect_refused(changed, Code::kCorrupt, "checksum");
  }
}

TEST_F(DamagedSnapshot, NotOne) {
  expect_refused({}, Code::kCorrupt, "doesn't begin");
  Bytes changed = bytes_;
  changed[0] = 'X';
  expect_refused(changed, Code::kCorrupt, "doesn't begin");
}

TEST_F(DamagedSnapshot, OfALaterVersion) {
  Bytes changed = bytes_;
  changed[8] = 2;
  expect_refused(changed, Code::kUnsupported, "version 2");
}

TEST_F(DamagedSnapshot, CutOff) {
  for (std::size_t size = 16; size < bytes_.size(); size += 53) {
    Bytes cut(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    expect_refused(with_right_crc(cut), Code::kCorrupt, "");
  }
}

TEST_F(DamagedSnapshot, BytesAfterTheEnd) {
  Bytes longer = bytes_;
  longer.insert(longer.end() - 4, 3, 0);
  expect_refused(with_right_crc(longer), Code::kCorrupt, "");
}

TEST_F(DamagedSnapshot, MoreThanTheLimits) {
  Limits limits;
  limits.principals = 2;
  expect_refused(bytes_, Code::kInvalid, "the limit is 2", limits);
  Bytes changed = bytes_;
  store_le(changed.data() + kTenants, std::uint32_t{0xFFFFFFFF});
  expect_refused(with_right_crc(changed), Code::kInvalid, "tenants");
}

TEST_F(DamagedSnapshot, ATenantTwice) {
  Bytes twice = bytes_;
  store_le(twice.data() + kTenants, std::uint32_t{2});
  twice.insert(twice.end() - 4, bytes_.begin() + kTenant, bytes_.end() - 4);
  expect_refused(with_right_crc(twice), Code::kCorrupt, "twice");
}

TEST_F(DamagedSnapshot, NumbersNobodyCanComputeWith) {
  const auto refused_at = [this](std::size_t offset, std::uint64_t value, std::string_view word) {
    Bytes changed = bytes_;
    store_le(changed.data() + offset, value);
    expect_refused(with_right_crc(changed), Code::kCorrupt, word);
  };
  refused_at(kTenant, 0, "range");                        // an id of 0
  refused_at(kFirst, std::uint64_t{1} << 60, "time");     // first_ms
  refused_at(kFirst, ~std::uint64_t{1}, "time");          // -2
  refused_at(kFirst + 16, 0x7FF0000000000000, "number");  // the budget: infinity
  refused_at(kFirst + 16, 0x7FF8000000000001, "number");  // not a number
  Bytes changed = bytes_;
  changed[kKind] = 4;
  expect_refused(with_right_crc(changed), Code::kCorrupt, "range");
}

TEST_F(DamagedSnapshot, UnderOtherThresholdsItGoesOn) {
  Thresholds thresholds;
  thresholds.novelty_bits = 30;
  EXPECT_TRUE(Detector::restore(bytes_, thresholds, {}).ok());
  thresholds.novelty_bits = -1;
  EXPECT_FALSE(Detector::restore(bytes_, thresholds, {}).ok());
}

TEST_F(DamagedSnapshot, HoldsNoNames) {
  const std::string_view text = as_text(bytes_);
  for (const std::string_view name : {"acme", "spiffe", "model", "weights", "10.0.0"}) {
    EXPECT_EQ(text.find(name), std::string_view::npos) << name;
  }
}

}  // namespace
}  // namespace cloister::audit::anomaly
