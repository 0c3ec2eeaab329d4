// A model's key shared among three key services, each with a keyring, leases and anchors of its own: who has to say
// yes.
#include "worker/broker_set.h"

#include <gtest/gtest.h>

#include "seal/reader.h"
#include "seal/writer.h"
#include "tests/support/expect.h"
#include "tests/support/locked_down.h"
#include "tests/support/release_service.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/seal/dataset_keys.h"
#include "worker/attester/software.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::ReleaseService;
using testing::value_of;

// Gives something else than what was wrapped.
class MadeUp final : public crypto::KeyWrapper {
 public:
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial&, const crypto::WrapContext&) override {
    return Error(Code::kDenied, "it makes up keys only");
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey&, const crypto::WrapContext&) override {
    return crypto::KeyMaterial::random(random_);
  }

 private:
  testing::DeterministicRandom random_{5};
};

class Brokers : public ::testing::Test {
 protected:
  struct Site {
    Site(std::uint64_t seed, const crypto::Sha256Digest& fingerprint)
        : service(attest::Anchors::with_insecure_software({fingerprint})),
          keys(seed, {"acme", "production", "models"}) {
      service.keyring = keys.wrapper.get();
      service.keyring_id = to_hex(keys.keyring.outline().keyring_id);
      service.policy = "policy-" + std::to_string(seed);
    }
    ReleaseService service;
    seal::DatasetKeys keys;
  };

  Brokers() {
    const crypto::Sha256Digest fingerprint = attest::software_key_fingerprint(key_.public_key());
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      sites_.push_back(std::make_unique<Site>(seed, fingerprint));
      sites_.back()->service.patience = &patience_;
      sites_.back()->service.pass = [this](Duration time) { pass(time); };
    }
    seal(2);
  }

  void seal(unsigned threshold) {
    value_of(File::create_new(folder_ / std::to_string(threshold)));
    model_ = folder_ / std::to_string(threshold);
    seal::SealOptions options;
    options.chunk_log2 = 14;
    options.context.tenant = "acme/production";
    options.context.dataset = "models";
    options.share_threshold = threshold;
    std::vector<crypto::KeyWrapper*> wrappers;
    for (const auto& site : sites_) wrappers.push_back(site->keys.wrapper.get());
    value_of(seal::seal_bytes(as_bytes("weights"), value_of(File::open(model_, File::Access::kReadWrite)), options,
                              wrappers, random_));
    std::vector<BrokerSet::Broker> brokers;
    for (const auto& site : sites_) {
      AttestedKeysParts parts{{"acme", "production", "models", "infer", "infer"},
                              site->service.channels(),
                              &machine_,
                              {},
                              to_bytes(as_bytes("manifest")),
                              &random_,
                              [this] { return now_; }};
      brokers.push_back({"site-" + std::to_string(brokers.size() + 1), site->service.keyring_id,
                         std::make_unique<AttestedKeys>(locked_, std::move(parts))});
    }
    set_ = std::make_unique<BrokerSet>(std::move(brokers), patience_);
  }

  void pass(Duration time) {
    now_ = now_ + time;
    for (const auto& site : sites_) site->service.now = now_;
  }
  Status open() {
    CLOISTER_TRY(const auto reader, seal::ObjectReader::open(value_of(File::open(model_)), set_->wrappers()));
    set_->opened(reader.preamble(), reader.slots().newest);
    Bytes text(reader.size());
    CLOISTER_RETURN_IF_ERROR(reader.read_at(0, text));
    EXPECT_EQ(as_text(text), "weights");
    return {};
  }
  ReleaseService& service(std::size_t number) { return sites_[number - 1]->service; }
  void refuse(std::size_t number) { service(number).anchors = attest::Anchors::production(); }
  std::vector<unsigned> attested() const {
    std::vector<unsigned> counts;
    for (const auto& site : sites_) counts.push_back(site->service.attested);
    return counts;
  }

  void lease_to_all(Duration length) {
    for (const auto& site : sites_) site->service.lease_length = length;
  }

  Time now_{1'795'000'000'000};
  Patience patience_{seconds(30), [this] { return now_; }};
  testing::DeterministicRandom random_{3};
  crypto::SigningKey key_ = crypto::SigningKey::generate(random_);
  testing::TempDir folder_;
  Path model_;
  LockedDown locked_ = LockedDownForTests::make();
  SoftwareAttester machine_{crypto::SigningKey::from_seed(key_.seed().duplicate()), {}, {}, [this] { return now_; }};
  std::vector<std::unique_ptr<Site>> sites_;
  std::unique_ptr<BrokerSet> set_;
};

TEST_F(Brokers, TwoAreAskedAndTheThirdIsNot) {
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(attested(), (std::vector<unsigned>{1, 1, 0}));
  EXPECT_EQ(set_->lease_end(), now_ + minutes(10));
  EXPECT_TRUE(set_->take_refusals().empty());
  EXPECT_EQ(set_->policies(), "policy-1, policy-2");
}

TEST_F(Brokers, OneRefusesAndAnotherTakesItsPlace) {
  refuse(1);
  ASSERT_TRUE(open().ok());
  const auto refusals = set_->take_refusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].broker, "site-1");
  EXPECT_EQ(refusals[0].error.code(), Code::kDenied);
  EXPECT_EQ(set_->policies(), "policy-2, policy-3");
}

TEST_F(Brokers, OneIsAway) {
  service(2).reachable = false;
  ASSERT_TRUE(open().ok());
  ASSERT_EQ(set_->take_refusals().size(), 1U);
}

TEST_F(Brokers, TwoRefuse) {
  refuse(1);
  refuse(3);
  const Status opened = open();
  expect_refused(opened, Code::kDenied, "2 shares of its key are needed and 1 was given");
  expect_refused(opened, Code::kDenied, "key service site-1");
  expect_refused(opened, Code::kDenied, "key service site-3");
  EXPECT_FALSE(set_->lease_end() && *set_->lease_end() < now_);
}

TEST_F(Brokers, AwayMayComeBack) {
  service(1).reachable = false;
  refuse(2);
  expect_refused(open(), Code::kUnavailable, "key service site-1");
  service(1).reachable = true;
  EXPECT_TRUE(open().ok());
}

TEST_F(Brokers, RenewalAttestsToTheTwo) {
  ASSERT_TRUE(open().ok());
  pass(minutes(5));
  EXPECT_TRUE(set_->renew());
  EXPECT_EQ(attested(), (std::vector<unsigned>{2, 2, 0}));
  EXPECT_EQ(set_->lease_end(), now_ + minutes(10));
}

TEST_F(Brokers, RefusedLaterTheThirdTakesItsPlace) {
  ASSERT_TRUE(open().ok());
  pass(minutes(5));
  refuse(1);
  EXPECT_TRUE(set_->renew());
  EXPECT_EQ(set_->lease_end(), now_ + minutes(10));
  EXPECT_EQ(set_->take_refusals().size(), 1U);
  EXPECT_EQ(set_->policies(), "policy-2, policy-3");
  refuse(2);
  EXPECT_FALSE(set_->renew());
  EXPECT_FALSE(set_->lease_end());
  EXPECT_EQ(set_->take_refusals().size(), 2U);
}

TEST_F(Brokers, LeaseOfOneThatIsAwayHoldsToItsEnd) {
  ASSERT_TRUE(open().ok());
  const Time end = *set_->lease_end();
  pass(minutes(5));
  service(1).reachable = false;
  service(3).reachable = false;
  EXPECT_FALSE(set_->renew());
  EXPECT_EQ(set_->lease_end(), end);
  const auto refusals = set_->take_refusals();
  ASSERT_EQ(refusals.size(), 2U);
  EXPECT_EQ(refusals[0].error.code(), Code::kUnavailable);
  service(1).reachable = true;
  EXPECT_TRUE(set_->renew());
  EXPECT_EQ(set_->lease_end(), now_ + minutes(10));
}

TEST_F(Brokers, OneThatStallsDoesNotUseUpTheOthersLeases) {
  lease_to_all(seconds(90));
  ASSERT_TRUE(open().ok());
  const Time end = *set_->lease_end();
  pass(seconds(45));
  service(2).takes = hours(1);
  EXPECT_TRUE(set_->renew());
  EXPECT_LT(now_, end);
  EXPECT_EQ(set_->lease_end(), end + seconds(45));
  const auto refusals = set_->take_refusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].broker, "site-2");
  EXPECT_EQ(refusals[0].error.code(), Code::kUnavailable);
}

TEST_F(Brokers, AllStallAndTheRenewalEndsBeforeTheLease) {
  lease_to_all(minutes(5));
  ASSERT_TRUE(open().ok());
  const Time end = *set_->lease_end();
  pass(seconds(150));
  for (const std::size_t number : {1U, 2U, 3U}) service(number).takes = seconds(29);  // each step, which is in time
  EXPECT_FALSE(set_->renew());
  EXPECT_LT(now_, end);
  EXPECT_EQ(set_->lease_end(), end);
}

TEST_F(Brokers, AfterTheLeaseNobodyIsAsked) {
  ASSERT_TRUE(open().ok());
  pass(minutes(10));
  EXPECT_FALSE(set_->renew());
  EXPECT_EQ(attested(), (std::vector<unsigned>{1, 1, 0}));
  const auto refusals = set_->take_refusals();
  ASSERT_FALSE(refusals.empty());
  EXPECT_NE(refusals[0].error.message().find("before the lease ends"), std::string::npos);
}

TEST_F(Brokers, AboutToEndNobodyIsAsked) {
  ASSERT_TRUE(open().ok());
  const Time end = *set_->lease_end();
  pass(minutes(5));
  patience_.give_up();
  EXPECT_FALSE(set_->renew());
  EXPECT_EQ(attested(), (std::vector<unsigned>{1, 1, 0}));
  EXPECT_EQ(set_->lease_end(), end);
}

TEST_F(Brokers, ShortestOfTheLeasesNeededCounts) {
  service(2).lease_length = minutes(2);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(set_->lease_end(), now_ + minutes(2));
}

TEST_F(Brokers, WrongShareOfOneAndTwoAreStillNeeded) {
  MadeUp made_up;
  service(1).keyring = &made_up;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(attested(), (std::vector<unsigned>{1, 1, 1}));
  pass(minutes(5));
  refuse(1);
  EXPECT_TRUE(set_->renew());
  refuse(2);
  EXPECT_FALSE(set_->renew());
  EXPECT_FALSE(set_->lease_end());
}

TEST_F(Brokers, WrongShareAndNoOtherInItsPlace) {
  MadeUp made_up;
  service(1).keyring = &made_up;
  refuse(3);
  const Status opened = open();
  expect_refused(opened, Code::kCorrupt, "one of them is wrong");
  expect_refused(opened, Code::kCorrupt, "from key service site-1");
}

TEST_F(Brokers, AllThreeNeeded) {
  seal(3);
  refuse(2);
  expect_refused(open(), Code::kDenied, "3 shares of its key are needed and 2 were given");
}

TEST_F(Brokers, WholeKeyIsAskedOfOne) {
  seal(0);
  refuse(1);
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(attested(), (std::vector<unsigned>{0, 1, 0}));
  refuse(2);
  EXPECT_FALSE(set_->renew());
  EXPECT_FALSE(set_->lease_end());
}

TEST_F(Brokers, ReadAndDontSeal) {
  const crypto::WrapContext context{"acme/production", "models", Bytes(16, 1), "dek", {}};
  expect_refused(set_->wrappers().front()->wrap(crypto::KeyMaterial::random(random_), context), Code::kDenied, "read");
}

}  // namespace
}  // namespace cloister::worker
