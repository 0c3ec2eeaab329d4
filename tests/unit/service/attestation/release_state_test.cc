// What the store keeps of attested release: floors rise only, and whatever changes begins a new epoch.
#include "service/attestation/release_state.h"

#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

constexpr const char* kText = "version = 1\nid = \"attested-1\"\nnot_after = \"never\"\n";

class ReleaseStateTest : public ::testing::Test {
 protected:
  keys::Store& store() { return home_.keys->store(); }
  template <typename Body>
  Status change(const Body& body) {
    return store().change(audit::Event{kStart, "test", "policy.set", "", "", audit::Outcome::kAllowed, ""}, body);
  }
  std::uint64_t raise(const attest::Floors& seen) {
    std::uint64_t epoch = 0;
    EXPECT_TRUE(change([&](keys::Store::Change& change) -> Status {
                  CLOISTER_TRY(epoch, settings_.raise_floors(store(), change, seen));
                  return {};
                }).ok());
    return epoch;
  }
  std::shared_ptr<const ReleaseState> state() { return testing::value_of(settings_.load(store(), nullptr)); }

  Harness home_;
  const ReleaseSettings settings_{
      testing::value_of(AuthenticSettings::open(home_.keys->store(), *home_.root, home_.random, Harness::caller()))};
};

TEST_F(ReleaseStateTest, NothingYet) {
  EXPECT_EQ(state()->epoch, 0U);
  EXPECT_TRUE(state()->policy_text.empty());
  EXPECT_FALSE(state()->policy.loaded());
  EXPECT_TRUE(settings_.expect_epoch(store(), 0).ok());
}

TEST_F(ReleaseStateTest, EachPolicyIsAnEpoch) {
  for (std::uint64_t epoch = 1; epoch < 3; ++epoch) {
    ASSERT_TRUE(change([&](keys::Store::Change& change) { return settings_.put_policy(store(), change, kText); }).ok());
    EXPECT_EQ(state()->epoch, epoch);
  }
  EXPECT_EQ(state()->policy_text, kText);
  EXPECT_EQ(state()->policy.id(), "attested-1");
  EXPECT_EQ(settings_.expect_epoch(store(), 1).error().code(), Code::kUnavailable);
  EXPECT_EQ(testing::value_of(settings_.epoch(store())), 2U);
}

TEST_F(ReleaseStateTest, FloorsRiseOnly) {
  EXPECT_EQ(raise({{"intel/tdx/00", 17}}), 0U);  // the first time it is seen
  EXPECT_EQ(raise({{"intel/tdx/00", 16}, {"amd/Genoa", 3}}), 0U);
  EXPECT_EQ(state()->floors, (attest::Floors{{"amd/Genoa", 3}, {"intel/tdx/00", 17}}));
  EXPECT_EQ(raise({{"intel/tdx/00", 18}}), 1U);
  EXPECT_EQ(raise({{"intel/tdx/00", 18}}), 1U);
  EXPECT_EQ(state()->floors.at("intel/tdx/00"), 18U);
  EXPECT_EQ(state()->epoch, 1U);
}

// A device's answer is fetched anew each day: that mustn't end everybody's leases.
TEST_F(ReleaseStateTest, AnswersAboutDevicesAreNoEpoch) {
  EXPECT_EQ(raise({{"nvidia/ocsp/0a", 100}, {"amd/Genoa", 3}}), 0U);
  EXPECT_EQ(raise({{"nvidia/ocsp/0a", 200}}), 0U);
  EXPECT_EQ(raise({{"nvidia/ocsp/0a", 150}}), 0U);
  EXPECT_EQ(state()->floors, (attest::Floors{{"amd/Genoa", 3}, {"nvidia/ocsp/0a", 200}}));
  EXPECT_EQ(raise({{"nvidia/ocsp/0a", 300}, {"amd/Genoa", 4}}), 1U);
}

TEST_F(ReleaseStateTest, MoreDevicesThanThereIsRoomFor) {
  attest::Floors many;
  for (std::uint64_t i = 0; i < 5000; ++i) many.emplace("nvidia/ocsp/" + std::to_string(i), 1000 + i);
  EXPECT_EQ(raise({{"amd/Genoa", 3}}), 0U);
  EXPECT_EQ(raise(many), 0U);
  EXPECT_EQ(state()->floors.size(), 4096U + 2);
  EXPECT_EQ(state()->floors.at("nvidia/ocsp"), 1000U + 903);
  EXPECT_EQ(raise({{"amd/Milan", 1}}), 0U);  // those of vendors have room of their own
}

// As programs of before kept them.
TEST_F(ReleaseStateTest, AnswersAmongTheFloorsOfVendors) {
  const AuthenticSettings settings =
      testing::value_of(AuthenticSettings::open(store(), *home_.root, home_.random, Harness::caller()));
  ASSERT_TRUE(change([&](keys::Store::Change& change) {
                return settings.put(change, "attestation_state",
                                    R"({"epoch":5,"floors":{"amd/Genoa":3,"nvidia/ocsp/0a":100}})");
              }).ok());
  const attest::Floors before{{"amd/Genoa", 3}, {"nvidia/ocsp/0a", 100}};
  EXPECT_EQ(state()->floors, before);
  EXPECT_EQ(raise({{"nvidia/ocsp/0b", 7}}), 5U);
  EXPECT_EQ(state()->floors, (attest::Floors{{"amd/Genoa", 3}, {"nvidia/ocsp/0a", 100}, {"nvidia/ocsp/0b", 7}}));
  EXPECT_EQ(testing::value_of(settings.read(store(), "attestation_state")), R"({"epoch":5,"floors":{"amd/Genoa":3}})");
}

TEST_F(ReleaseStateTest, NotWrittenByTheService) {
  raise({{"intel/tdx/00", 17}});
  home_.sql("UPDATE settings SET value = replace(value, '17', '10') WHERE name = 'attestation_state'");
  EXPECT_EQ(settings_.load(store(), nullptr).error().code(), Code::kCorrupt);
  EXPECT_FALSE(settings_.expect_epoch(store(), 0).ok());
  EXPECT_EQ(settings_.epoch(store()).error().code(), Code::kCorrupt);
}

TEST_F(ReleaseStateTest, OneArchiveKey) {
  const auto first = testing::value_of(settings_.archive_key(store(), home_.random, Harness::caller()));
  const auto again = testing::value_of(settings_.archive_key(store(), home_.random, Harness::caller()));
  EXPECT_TRUE(crypto::equal_constant_time(first.secret().expose(), again.secret().expose()));
}

}  // namespace
}  // namespace cloister::service
