#include "attest/binding.h"

#include <gtest/gtest.h>

#include <set>

namespace cloister::attest {
namespace {

Binding sample() {
  Binding binding;
  binding.role = "infer";
  binding.nonce = Bytes(32, 1);
  binding.recipient = Bytes(32, 2);
  binding.manifest.fill(3);
  return binding;
}

TEST(Binding, EveryPartCounts) {
  std::set<Bytes> all{report_data(sample())};
  const auto differs = [&all](auto change) {
    Binding binding = sample();
    change(binding);
    EXPECT_TRUE(all.insert(report_data(binding)).second);
  };
  differs([](Binding& b) { b.role = "train"; });
  differs([](Binding& b) { b.nonce[31] ^= 1; });
  differs([](Binding& b) { b.recipient[0] ^= 1; });
  differs([](Binding& b) { b.manifest[0] ^= 1; });
  differs([](Binding& b) { b.exporter = Bytes(32, 0); });
  differs([](Binding& b) { b.peer_key.emplace(); });
  differs([](Binding& b) { b.devices[31] = 1; });
  EXPECT_EQ(report_data(sample()).size(), 64U);
}

TEST(Binding, PartsDontRunIntoEachOther) {
  Binding one = sample(), other = sample();
  one.nonce = {1, 2};
  one.recipient = {3};
  other.nonce = {1};
  other.recipient = {2, 3};
  EXPECT_NE(report_data(one), report_data(other));
}

TEST(Binding, DevicesAreAskedWithoutTheirOwnDigest) {
  Binding binding = sample();
  const Bytes nonce = device_nonce(binding);
  EXPECT_EQ(nonce.size(), 32U);
  EvidenceSet set;
  EXPECT_TRUE(all_zero(devices_digest(set)));
  set.devices.push_back({Kind::kNvidiaGpu, {{"report", nonce}}});
  binding.devices = devices_digest(set);
  EXPECT_FALSE(all_zero(binding.devices));
  EXPECT_EQ(device_nonce(binding), nonce);
}

}  // namespace
}  // namespace cloister::attest
