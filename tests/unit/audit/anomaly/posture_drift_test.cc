#include "audit/anomaly/posture_drift.h"

#include "tests/unit/audit/anomaly/stream.h"

namespace cloister::audit::anomaly {
namespace {

KeyFacts good() {
  KeyFacts facts;
  facts.time = Time{Stream::kMonday};
  facts.tenant = "acme";
  facts.key_id = "model";
  facts.rotation_on = facts.customer_managed = facts.hardware_protected = facts.attestation_required = true;
  return facts;
}

struct Drift {
  bool KeyFacts::* field;
  Severity severity;
  std::string_view word;
};
constexpr Drift kDrifts[] = {{&KeyFacts::rotation_on, Severity::kMedium, "rotation"},
                             {&KeyFacts::customer_managed, Severity::kMedium, "provider manages"},
                             {&KeyFacts::exportable, Severity::kHigh, "exported"},
                             {&KeyFacts::hardware_protected, Severity::kHigh, "hardware"},
                             {&KeyFacts::policy_wildcard, Severity::kHigh, "any principal"},
                             {&KeyFacts::attestation_required, Severity::kHigh, "without attestation"},
                             {&KeyFacts::flagged_for_deletion, Severity::kMedium, "flagged for deletion"}};

TEST(PostureDrift, EveryFactThatGetsWorse) {
  for (const Drift& drift : kDrifts) {
    Detector detector = detector_of();
    EXPECT_TRUE(detector.observe(good()).empty());
    KeyFacts worse = good();
    worse.*drift.field = !(worse.*drift.field);
    const auto findings = detector.observe(worse);
    ASSERT_EQ(findings.size(), 1U) << drift.word;
    EXPECT_EQ(findings[0].kind, Kind::kPostureDrift);
    EXPECT_EQ(findings[0].severity, drift.severity) << drift.word;
    EXPECT_NE(findings[0].what.find(drift.word), std::string::npos) << findings[0].what;
    EXPECT_EQ(findings[0].key_id, "model");
    EXPECT_TRUE(detector.observe(worse).empty()) << drift.word;
  }
}

TEST(PostureDrift, GettingBetterIsNoNews) {
  Detector detector = detector_of();
  KeyFacts bad = good();
  for (const Drift& drift : kDrifts) bad.*drift.field = !(bad.*drift.field);
  EXPECT_TRUE(detector.observe(bad).empty());  // bad from the start is for the posture report
  EXPECT_TRUE(detector.observe(good()).empty());
}

TEST(PostureDrift, SeveralAtOnceAreToldEach) {
  Detector detector = detector_of();
  EXPECT_TRUE(detector.observe(good()).empty());
  KeyFacts bad = good();
  for (const Drift& drift : kDrifts) bad.*drift.field = !(bad.*drift.field);
  EXPECT_EQ(detector.observe(bad).size(), std::size(kDrifts));
}

TEST(PostureDrift, AnotherKeyIsAnotherStory) {
  Detector detector = detector_of();
  EXPECT_TRUE(detector.observe(good()).empty());
  KeyFacts other = good();
  other.key_id = "logs";
  other.exportable = true;
  EXPECT_TRUE(detector.observe(other).empty());
}

}  // namespace
}  // namespace cloister::audit::anomaly
