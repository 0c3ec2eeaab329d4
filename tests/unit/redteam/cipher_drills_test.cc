// Nonces, oracles and limits: what this build does is sound, and what isn't shows.
#include "redteam/cipher_drills.h"

#include <set>

#include "redteam/lab.h"
#include "seal/reader.h"
#include "seal/writer.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

class Ciphers : public Exercises {
 protected:
  void SetUp() override { lab_ = value_of(Lab::create(field_)); }
  const Field field_ = field();
  std::unique_ptr<Lab> lab_;
};

TEST_F(Ciphers, NoNonceTwice) {
  const Report report = run_nonces(field_, value_of(nonces_target(*lab_, field_)));
  expect_defended(report);
  EXPECT_EQ(report.cases, 3);
  EXPECT_NE(transcript(report).find("pairs of key and nonce"), std::string::npos);
}

// The same bytes each time: what randomness is after a fork that nobody noticed.
class Stuck final : public crypto::Random {
 public:
  void fill(MutableByteView out) override { std::ranges::fill(out, std::uint8_t{7}); }
};

TEST_F(Ciphers, NoncesThatComeAgain) {
  NoncesTarget target;
  target.keys = value_of(lab_->wrapper_of(kAlder));
  target.roll_back = [] { return ok_status(); };
  target.seal = [&](const Path& object) -> Status {
    Stuck stuck;
    seal::SealOptions options;
    options.chunk_log2 = 14;
    options.threads = 1;
    options.context = {kAlder.tenant, kAlder.dataset, std::nullopt, std::nullopt};
    CLOISTER_TRY(const File file, File::create_new(object, 0600));
    crypto::KeyWrapper* const wrappers[] = {target.keys.get()};
    const auto sealed = seal::seal_bytes(Bytes(40'000, 1), file, options, wrappers, stuck);
    return sealed.ok() ? Status() : Status(sealed.error());
  };
  expect_failed(run_nonces(field_, target));
}

TEST_F(Ciphers, SealingThatFailsProvesNothing) {
  NoncesTarget target = value_of(nonces_target(*lab_, field_));
  target.seal = [](const Path&) { return Status(Error(Code::kUnavailable, "planted")); };
  expect_not_run(run_nonces(field_, target), "planted");
}

TEST_F(Ciphers, OneAnswer) {
  OracleTarget target = value_of(oracle_target(*lab_));
  target.timings = 4000;
  const Report report = run_oracle(field_, target);
  expect_defended(report);
  EXPECT_GT(report.cases, 72);
}

TEST_F(Ciphers, OracleWithoutTime) {
  Field late = field_;
  late.until = 0;
  expect_not_run(run_oracle(late, value_of(oracle_target(*lab_))), "time was over");
}

// Says which byte is wrong.
class Talkative final : public crypto::KeyWrapper {
 public:
  Talkative(std::shared_ptr<crypto::KeyWrapper> own, crypto::WrappedKey right)
      : own_(std::move(own)), right_(std::move(right)) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    return own_->wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    for (std::size_t at = 0; at < wrapped.ciphertext.size(); ++at) {
      if (wrapped.ciphertext[at] != right_.ciphertext[at]) {
        return Error(Code::kDenied, "byte " + std::to_string(at) + " is wrong");
      }
      work_ = work_ * 31 + at;
    }
    return own_->unwrap(wrapped, context);
  }

 private:
  const std::shared_ptr<crypto::KeyWrapper> own_;
  const crypto::WrappedKey right_;
  volatile std::size_t work_ = 0;
};

TEST_F(Ciphers, AnOracle) {
  OracleTarget target = value_of(oracle_target(*lab_));
  target.timings = 2000;
  const File file = value_of(File::open(target.object));
  const auto outline = value_of(seal::read_outline(file));
  target.keys = std::make_shared<Talkative>(target.keys, outline.slots.newest.slots.front().wrapped);
  const Report report = run_oracle(field_, target);
  expect_failed(report);
  EXPECT_NE(report.reason.find("one answer"), std::string::npos) << report.reason;
}

TEST(WelchT, TellsTwoSamplesApart) {
  std::vector<double> a, b, c;
  for (int i = 0; i < 1000; ++i) {
    a.push_back(100 + i % 10);
    b.push_back(100 + (i + 3) % 10);
    c.push_back(105 + i % 10);
  }
  EXPECT_LT(std::abs(welch_t(a, b)), 1);
  EXPECT_GT(std::abs(welch_t(a, c)), 4.5);
  EXPECT_EQ(welch_t({}, a), 0);
  EXPECT_EQ(welch_t({1}, {1}), 0);
}

TEST_F(Ciphers, Limits) {
  const Report report = run_aead_limits(field_);
  expect_defended(report);
  EXPECT_EQ(report.covers, std::vector<std::string>{"limits"});
}

}  // namespace
}  // namespace cloister::redteam
