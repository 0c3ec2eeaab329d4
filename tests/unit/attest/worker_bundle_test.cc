#include "attest/worker_bundle.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::attest {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

constexpr Time kNow{1'800'000'000'000};

WorkerBundle a_bundle() {
  WorkerBundle bundle;
  bundle.role = "infer";
  bundle.not_before = kNow;
  bundle.not_after = kNow + hours(1);
  bundle.key_configuration = Bytes(45, 7);
  bundle.key_configuration[1] = 0x00;
  bundle.key_configuration[2] = 0x20;
  bundle.receipt_key.fill(3);
  bundle.manifest = to_bytes(as_bytes("name = \"vad\""));
  bundle.evidence.primary = {Kind::kInsecureSoftware, {{"statement", Bytes(100, 1)}}};
  return bundle;
}

TEST(WorkerBundle, ThereAndBack) {
  WorkerBundle bundle = a_bundle();
  EXPECT_EQ(value_of(decode_worker_bundle(encode(bundle))), bundle);
  bundle.evidence.devices.push_back({Kind::kNvidiaGpu, {{"report", Bytes(10, 2)}}});
  EXPECT_EQ(value_of(decode_worker_bundle(encode(bundle))), bundle);
}

TEST(WorkerBundle, CutShortLongerOrChangedInItsForm) {
  Bytes bytes = encode(a_bundle());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    expect_refused(decode_worker_bundle(ByteView(bytes).first(size)), Code::kInvalid, "bundle");
  }
  Bytes other = bytes;
  other[0] ^= 1;
  expect_refused(decode_worker_bundle(other), Code::kInvalid, "first bytes");
  bytes.push_back(0);
  expect_refused(decode_worker_bundle(bytes), Code::kInvalid, "bundle");
}

// Whatever is changed, the evidence would have to say something else.
TEST(WorkerBundle, EverythingInItIsBound) {
  const Bytes bound = report_data(value_of(bundle_binding(a_bundle())));
  const auto changed = [&](auto change) {
    WorkerBundle bundle = a_bundle();
    change(bundle);
    return report_data(value_of(bundle_binding(bundle))) != bound;
  };
  EXPECT_FALSE(changed([](WorkerBundle&) {}));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.role = "train"; }));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.not_before.unix_ms -= 1; }));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.not_after.unix_ms += 1; }));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.key_configuration[0] ^= 1; })) << "the key's number";
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.key_configuration[3] ^= 1; })) << "the key";
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.key_configuration.back() ^= 1; })) << "its ciphers";
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.receipt_key[0] ^= 1; }));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.manifest[0] ^= 1; }));
  EXPECT_TRUE(changed([](WorkerBundle& b) { b.evidence.devices.push_back({Kind::kNvidiaGpu, {{"report", {1}}}}); }));
}

TEST(WorkerBundle, AKeyOfAnotherKind) {
  WorkerBundle bundle = a_bundle();
  bundle.key_configuration[2] = 0x10;
  expect_refused(bundle_binding(bundle), Code::kInvalid, "X25519");
  bundle = a_bundle();
  bundle.key_configuration.resize(34);
  expect_refused(bundle_binding(bundle), Code::kInvalid, "X25519");
}

TEST(WorkerBundle, Dates) {
  WorkerBundle bundle = a_bundle();
  EXPECT_TRUE(check_dates(bundle, kNow).ok());
  expect_refused(check_dates(bundle, Time{kNow.unix_ms - 1}), Code::kExpired, "valid from");
  expect_refused(check_dates(bundle, bundle.not_after), Code::kExpired, "valid until");
  bundle.not_after = kNow + hours(24);
  EXPECT_TRUE(check_dates(bundle, kNow).ok());
  bundle.not_after.unix_ms += 1;
  expect_refused(check_dates(bundle, kNow), Code::kInvalid, "24 hours");
  bundle.not_after = bundle.not_before;
  expect_refused(check_dates(bundle, kNow), Code::kInvalid, "no time");
}

// Evidence of one worker in the bundle of another.
TEST(WorkerBundle, EvidenceIsAskedForWhatTheBundleSays) {
  Question question;
  question.now = kNow;
  const SetVerdict verdict = value_of(verify(a_bundle(), question));
  EXPECT_FALSE(verdict.sound());
  EXPECT_NE(evidence_id(a_bundle().evidence), evidence_id({}));
}

}  // namespace
}  // namespace cloister::attest
