#include "attest/inference_receipt.h"

#include <gtest/gtest.h>

#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"

namespace cloister::attest {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::expect_refused;
using cloister::testing::value_of;

class Receipt : public ::testing::Test {
 protected:
  DeterministicRandom random_{1};
  crypto::SigningKey key_ = crypto::SigningKey::generate(random_);
  crypto::SigningKey other_ = crypto::SigningKey::generate(random_);
  InferenceReceipt receipt_{.sequence = 2,
                            .previous = crypto::sha256({}),
                            .time = Time{1'800'000'000'000},
                            .request = crypto::sha256(as_bytes("request")),
                            .response = crypto::sha256(as_bytes("response")),
                            .model = crypto::sha256(as_bytes("model")),
                            .manifest = crypto::sha256(as_bytes("manifest")),
                            .evidence = crypto::sha256(as_bytes("evidence")),
                            .policy = "models-2026"};
};

TEST_F(Receipt, ThereAndBack) {
  EXPECT_EQ(value_of(open_receipt(sign_receipt(receipt_, key_), key_.public_key())), receipt_);
  receipt_.model.reset();
  receipt_.policy.clear();
  EXPECT_EQ(value_of(open_receipt(sign_receipt(receipt_, key_), key_.public_key())), receipt_);
}

TEST_F(Receipt, EveryBitCounts) {
  const Bytes bytes = sign_receipt(receipt_, key_);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(open_receipt(changed, key_.public_key()).ok()) << "bit " << bit;
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(open_receipt(ByteView(bytes).first(size), key_.public_key()).ok()) << "of " << size << " bytes";
  }
}

TEST_F(Receipt, AnotherWorkers) {
  expect_refused(open_receipt(sign_receipt(receipt_, other_), key_.public_key()), Code::kCorrupt, "receipt");
}

TEST_F(Receipt, SignedButNotOne) {
  Bytes bytes = sign_receipt(receipt_, key_);
  bytes.resize(bytes.size() - 64);
  bytes.push_back(0);
  const auto signature = key_.sign(bytes);
  bytes.insert(bytes.end(), signature.begin(), signature.end());
  expect_refused(open_receipt(bytes, key_.public_key()), Code::kInvalid, "isn't a receipt");
}

}  // namespace
}  // namespace cloister::attest
