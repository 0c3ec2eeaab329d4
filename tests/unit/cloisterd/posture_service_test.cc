// What a configuration says of how callers prove who they are, and that the detectors notice what they are for.
#include "cloisterd/posture_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "cloisterd/detection_exercise.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"

namespace cloister::daemon {
namespace {

using testing::value_of;

constexpr Time kNow{1'795'526'589'000};  // 2026-11-24T13:23:09Z

constexpr std::string_view kSmall = R"(home = "/var/lib/cloister"
trust_domain = "acme.example"
[listen]
tls = "127.0.0.1:8443"
[policy]
file = "/etc/cloister/policy.toml"
)";

Config config_of(std::string_view more = "") { return value_of(parse_config(std::string(kSmall) + std::string(more))); }

constexpr std::string_view kAws = R"([dialect_aws]
listen = "127.0.0.1:8444"
region = "eu-west-1"
certificate = "/etc/cloister/aws.pem"
key = "/etc/cloister/aws.key"
)";
constexpr std::string_view kVault = R"([dialect_vault]
tls = "127.0.0.1:8200"
certificate = "/etc/cloister/vault.pem"
key = "/etc/cloister/vault.key"
)";

std::int64_t number(const posture::FactValues& values, const std::string& name) {
  return values.contains(name) ? std::get<std::int64_t>(values.at(name)) : -1;
}

TEST(Authentication, CertificatesAlone) {
  const auto values = authentication_values(config_of(), {});
  EXPECT_EQ(std::get<std::vector<std::string>>(values.at("methods")), std::vector<std::string>{"mtls-svid"});
  EXPECT_EQ(number(values, "static_credentials"), 0);
  EXPECT_EQ(number(values, "ttl_minutes_max"), 60);
  EXPECT_EQ(number(values, "ttl_minutes_policy"), 24 * 60);
  EXPECT_FALSE(values.contains("tenant_bound")) << "nobody read the policy";
}

TEST(Authentication, AccessKeysAreStatic) {
  EXPECT_EQ(number(authentication_values(config_of(kAws), {}), "static_credentials"), -1) << "nobody counted them";
  EXPECT_EQ(number(authentication_values(config_of(kAws), {3, true}), "static_credentials"), 3);
  EXPECT_EQ(number(authentication_values(config_of(), {3, true}), "static_credentials"), 0) << "nothing takes them";
}

TEST(Authentication, TokensWithoutACertificateCanBeCarriedOff) {
  const auto values = authentication_values(config_of(kVault), {0, true});
  EXPECT_EQ(number(values, "static_credentials"), 1);
  EXPECT_EQ(std::get<bool>(values.at("tenant_bound")), true);
}

TEST(Authentication, LongestLife) {
  EXPECT_EQ(number(authentication_values(config_of("[identity]\nsvid_lifetime_seconds = 90\n"), {}), "ttl_minutes_max"),
            2);
}

std::string policy_of(const std::string& tenant) {
  return "version = 1\nid = \"p\"\nnot_after = \"never\"\n[[allow]]\nname = \"r\"\ncaller = "
         "\"spiffe://acme.example/acme/trainer\"\n"
         "operation = \"unwrap\"\ntenant = \"" +
         tenant + "\"\nenvironment = \"none\"\ndataset = \"any\"\npurpose = \"train\"\n";
}

TEST(Authentication, RuleForEveryTenant) {
  EXPECT_TRUE(value_of(binds_tenants(policy_of("acme"))));
  EXPECT_FALSE(value_of(binds_tenants(policy_of("any"))));
  EXPECT_FALSE(binds_tenants("nonsense").ok());
}

TEST(Detection, ScenariosThatTheDaemonNoticesAndThoseItDoesNot) {
  const DetectionReport report = value_of(exercise_detection(kNow));
  EXPECT_EQ(report.scenarios.size(), 10U);
  EXPECT_EQ(report.details.size(), report.scenarios.size());
  const auto detected = [&](std::string_view name) {
    return std::ranges::find(report.detected, name) != report.detected.end();
  };
  for (const char* name : {"unwrap-volume", "first-seen", "off-hours", "cross-tenant", "denied-spike",
                           "deletion-scheduled", "attestation-failures"}) {
    EXPECT_TRUE(detected(name)) << name;
  }
  // The daemon's detectors are told nothing of these.
  for (const char* name : {"old-version", "policy-widening", "rotation-disabled"}) EXPECT_FALSE(detected(name)) << name;
  EXPECT_GT(report.events, 1000);
  EXPECT_EQ(report.false_alarms, 0) << "an ordinary week";
  EXPECT_LE(report.seconds_to_detect, 15 * 60);
}

struct KeptFacts final : posture::FactSink {
  std::vector<posture::Fact> all;
  void add(posture::Fact fact) override { all.push_back(std::move(fact)); }
};

struct ServiceCollectorTest : ::testing::Test {
  testing::TempDir folder;
  posture::Estate estate;

  Path write(const std::string& name, const std::string& text) {
    const Path path = folder / name;
    EXPECT_TRUE(write_file(path, as_bytes(text), Overwrite::kReplace, 0600).ok());
    return path;
  }
  std::vector<posture::Fact> collect(const std::string& more, keys::Store* store = nullptr, const Path& home = {}) {
    const Path policy = write("policy.toml", policy_of("acme"));
    const Path config = write("cloisterd.toml",
                              "home = \"/var/lib/cloister\"\ntrust_domain = \"acme.example\"\n"
                              "[listen]\ntls = \"127.0.0.1:8443\"\n[policy]\nfile = \"" +
                                  policy.string() + "\"\n" + more);
    KeptFacts kept;
    posture::CollectContext context;
    context.estate = &estate;
    context.now = kNow;
    ServiceCollector({config, store, home}).collect(context, kept);
    return kept.all;
  }
};

TEST_F(ServiceCollectorTest, Facts) {
  const auto facts = collect("");
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0].kind, "key.authentication");
  EXPECT_EQ(facts[0].subject.text(), "platform");
  EXPECT_EQ(facts[0].truth("tenant_bound"), true);
  EXPECT_EQ(facts[1].kind, "detection.run");
  EXPECT_EQ(facts[1].list("detected")->size(), 7U);
  EXPECT_EQ(facts[1].number("false_positive_permille"), 0);
  EXPECT_EQ(facts[1].number("seconds_to_contain"), std::nullopt) << "nothing contains by itself";
}

TEST_F(ServiceCollectorTest, KeysOfAnotherHome) {
  keys::Store store = value_of(keys::Store::create(folder / "home/store.db"));
  const std::string aws(kAws);
  const auto own = collect(aws, &store, "/var/lib/../lib/cloister");
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(own[0].number("static_credentials"), 0);
  const auto other = collect(aws, &store, folder / "home");
  ASSERT_EQ(other.size(), 2U);
  EXPECT_EQ(other[0].number("static_credentials"), std::nullopt) << "nobody counted the service's";
}

TEST_F(ServiceCollectorTest, DetectorsThatAreOff) {
  const auto facts = collect("[anomalies]\nenabled = false\n");
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_TRUE(facts[1].list("detected")->empty());
}

TEST_F(ServiceCollectorTest, ConfigurationThatCannotBeRead) {
  for (const posture::Fact& fact : collect("[nonsense]\n")) EXPECT_TRUE(fact.not_assessed) << fact.kind;
}

}  // namespace
}  // namespace cloister::daemon
