#include "worker/attested_keys.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/locked_down.h"
#include "tests/support/release_service.h"
#include "worker/attester/software.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::ReleaseService;
using testing::value_of;

struct World {
  testing::DeterministicRandom random{3};
  crypto::SigningKey key = crypto::SigningKey::generate(random);
  ReleaseService service{attest::Anchors::with_insecure_software({attest::software_key_fingerprint(key.public_key())})};
  LockedDown locked = LockedDownForTests::make();
  SoftwareAttester machine{
      crypto::SigningKey::from_seed(key.seed().duplicate()), {}, {}, [this] { return service.now; }};
  AttestedKeysParts parts{{"acme", "production", "models", "infer", "infer"},
                          service.channels(),
                          &machine,
                          {},
                          to_bytes(as_bytes("manifest")),
                          &random,
                          [this] { return service.now; }};
  AttestedKeys keys{locked, parts};

  crypto::WrapContext context{"acme/production", "models", Bytes(16, 1), "dek", {}};
  crypto::WrappedKey wrapped{crypto::WrapType::kDatasetKey, "keyring", 1, {}, Bytes(72, 4)};
  Result<crypto::KeyMaterial> unwrap(std::uint8_t object = 1) {
    context.object = Bytes(16, object);
    return keys.unwrap(wrapped, context);
  }
};

TEST(AttestedKeys, KeyIsTheObjects) {
  for (const bool over_tls : {true, false}) {
    World world;
    world.service.over_tls = over_tls;
    const auto key = value_of(world.unwrap());
    EXPECT_TRUE(
        crypto::equal_constant_time(key.secret().expose(), ReleaseService::key_of(Bytes(16, 1)).secret().expose()));
    EXPECT_EQ(world.keys.lease_end(), world.service.now + minutes(10));
  }
}

TEST(AttestedKeys, FurtherKeysUnderTheLease) {
  World world;
  ASSERT_TRUE(world.unwrap(1).ok());
  ASSERT_TRUE(world.unwrap(2).ok());
  EXPECT_EQ(world.service.attested, 1U);
  EXPECT_EQ(world.service.leased, 1U);
}

TEST(AttestedKeys, LeaseIsOver) {
  World world;
  ASSERT_TRUE(world.unwrap(1).ok());
  world.service.now = world.service.now + minutes(10);
  ASSERT_TRUE(world.unwrap(2).ok());
  EXPECT_EQ(world.service.attested, 2U);
}

TEST(AttestedKeys, LeaseEndedEarly) {
  World world;
  ASSERT_TRUE(world.unwrap(1).ok());
  world.service.leases_hold = false;
  ASSERT_TRUE(world.unwrap(2).ok());
  EXPECT_EQ(world.service.attested, 2U);
}

TEST(AttestedKeys, RenewalAttestsAgainForAll) {
  World world;
  ASSERT_TRUE(world.keys.renew().ok());
  EXPECT_EQ(world.service.attested, 0U);
  ASSERT_TRUE(world.unwrap(1).ok());
  ASSERT_TRUE(world.unwrap(2).ok());
  world.service.now = world.service.now + minutes(7);
  ASSERT_TRUE(world.keys.renew().ok());
  EXPECT_EQ(world.service.attested, 2U);
  EXPECT_EQ(world.keys.lease_end(), world.service.now + minutes(10));
}

TEST(AttestedKeys, NamesThePolicyOfTheLastRelease) {
  World world;
  EXPECT_EQ(world.keys.policy(), "");
  ASSERT_TRUE(world.unwrap().ok());
  EXPECT_EQ(world.keys.policy(), "workers-1");
  world.service.policy = "workers-2";
  EXPECT_EQ(world.keys.policy(), "workers-1");
  ASSERT_TRUE(world.keys.renew().ok());
  EXPECT_EQ(world.keys.policy(), "workers-2");
  world.service.policy.clear();
  ASSERT_TRUE(world.keys.renew().ok());
  EXPECT_EQ(world.keys.policy(), "") << "an older service doesn't say";
}

TEST(AttestedKeys, RenewalRefused) {
  World world;
  ASSERT_TRUE(world.unwrap().ok());
  const auto end = world.keys.lease_end();
  world.service.reachable = false;
  expect_refused(world.keys.renew(), Code::kUnavailable, "refused");
  world.service.reachable = true;
  world.service.anchors = attest::Anchors::production();
  expect_refused(world.keys.renew(), Code::kDenied, "trusted-root");
  EXPECT_EQ(world.keys.lease_end(), end);
}

TEST(AttestedKeys, EvidenceRefused) {
  World world;
  world.locked = LockedDownForTests::make({}, true);
  expect_refused(world.unwrap(), Code::kDenied, "evidence refused: debug");
  EXPECT_FALSE(world.keys.lease_end());
}

TEST(AttestedKeys, KeyRefused) {
  World world;
  world.service.refuses_keys = true;
  expect_refused(world.unwrap(), Code::kDenied, "doesn't open");
  EXPECT_FALSE(world.keys.lease_end());
}

TEST(AttestedKeys, AnswerOfAnotherRelease) {
  World world;
  world.service.names_another_release = true;
  expect_refused(world.unwrap(), Code::kDenied, "open a released key");
}

TEST(AttestedKeys, AnothersObject) {
  World world;
  world.context.dataset = "prompts";
  expect_refused(world.unwrap(), Code::kDenied, "another tenant or dataset");
  world.context.dataset = "models";
  world.context.tenant = "acme";
  expect_refused(world.unwrap(), Code::kDenied, "another tenant or dataset");
  world.context.tenant = "acme/production";
  world.context.purpose = "manifest-signing";
  expect_refused(world.unwrap(), Code::kDenied, "another tenant or dataset");
  EXPECT_EQ(world.service.connections, 0U);
}

TEST(AttestedKeys, SlotsOfOtherKinds) {
  World world;
  world.wrapped.type = crypto::WrapType::kPassphrase;
  expect_refused(world.unwrap(), Code::kNotFound, "isn't a dataset key's");
}

TEST(AttestedKeys, ReadsAndDoesntSeal) {
  World world;
  expect_refused(world.keys.wrap(crypto::KeyMaterial::random(world.random), world.context), Code::kDenied, "to read");
}

TEST(AttestedKeys, PurposeRefused) {
  World world;
  world.parts.target.purpose = "train";
  AttestedKeys keys(world.locked, world.parts);
  expect_refused(keys.unwrap(world.wrapped, world.context), Code::kDenied, "no such purpose");
}

TEST(AttestedKeys, DatasetThatIsntThere) {
  World world;
  world.parts.target.dataset = "none";
  world.context.dataset = "none";
  AttestedKeys keys(world.locked, world.parts);
  expect_refused(keys.unwrap(world.wrapped, world.context), Code::kNotFound, "no such dataset");
}

}  // namespace
}  // namespace cloister::worker
