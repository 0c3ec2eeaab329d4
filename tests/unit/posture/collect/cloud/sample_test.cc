// What a sample proves, and that it is drawn from everywhere.
#include "posture/collect/cloud/sample.h"

#include <gtest/gtest.h>

#include "posture/collect/cloud/worst.h"

namespace cloister::posture {
namespace {

TEST(Sample, Bound) {
  EXPECT_EQ(sample_bound_permille(299, 299), 0);
  EXPECT_EQ(sample_bound_permille(1'000'000, 299), 10);
  EXPECT_EQ(sample_bound_permille(1'000'000, 298), 11);
  EXPECT_EQ(sample_bound_permille(10, 1), 950);
  EXPECT_EQ(sample_bound_permille(10, 0), 1000);
  EXPECT_EQ(sample_bound_permille(0, 0), 0);
}

TEST(Sample, OneOfEachStretch) {
  for (const double random : {0.0, 0.5, 0.999'999'999, 1.0}) {
    const auto chosen = stratified_sample(1000, 10, [random] { return random; });
    ASSERT_EQ(chosen.size(), 10U);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      EXPECT_GE(chosen[i], i * 100);
      EXPECT_LT(chosen[i], (i + 1) * 100);
    }
  }
  EXPECT_EQ(stratified_sample(3, 10, [] { return 0.9; }), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(stratified_sample(0, 10, [] { return 0.9; }).empty());
}

TEST(Worst, ProvenBadBeforeUnknownBeforeGood) {
  StorageView good = provider_encrypted("sse-kms", "object"), unknown = good, foreign = good;
  good.key_manager = "operator";
  good.key = "a";
  foreign.key_manager = "foreign";
  foreign.key = "b";
  EXPECT_EQ(worst_of({good, good}).key_manager, "operator");
  EXPECT_EQ(worst_of({good, good}).key, "a");
  EXPECT_EQ(worst_of({good, unknown}).key_manager, "unknown");
  const StorageView worst = worst_of({good, unknown, foreign});
  EXPECT_EQ(worst.key_manager, "foreign");
  EXPECT_EQ(worst.key, "b");
  EXPECT_EQ(worst.other_keys, std::vector<std::string>{"a"});
  StorageView twice = good;
  twice.scheme = "dsse-kms";
  twice.key = "c";
  EXPECT_EQ(worst_of({good, twice}).scheme, "sse-kms") << "a word that is known, not a mixture";
  EXPECT_EQ(worst_of({good, twice}).other_keys, std::vector<std::string>{"c"});
  EXPECT_EQ(worst_of({}).encrypted, "unknown");
  EXPECT_EQ(worst_of({good, StorageView{}}).encrypted, "unknown");
  EXPECT_EQ(worst_of({good, StorageView{}}).key_bits, std::nullopt);
}

}  // namespace
}  // namespace cloister::posture
