#include "crypto/hpke_context.h"

#include <gtest/gtest.h>

#include "tests/support/deterministic_random.h"

namespace cloister::crypto {
namespace {

using cloister::testing::DeterministicRandom;

struct Case {
  HpkeKem kem;
  HpkeAead aead;
};

class EachSuite : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    sender_.emplace(HpkeSender::create(key_.public_key(), random_, as_bytes("info"), GetParam().aead).value());
  }
  Result<HpkeReceiver> receiver(ByteView info) {
    return HpkeReceiver::create(key_, info, sender_->encapsulated(), GetParam().aead);
  }
  Bytes seal(std::string_view text, ByteView aad = {}) {
    Bytes out(text.size() + kTagSize);
    sender_->seal(aad, as_bytes(text), out);
    return out;
  }
  static std::string open(HpkeReceiver& receiver, ByteView sealed, ByteView aad = {}) {
    Bytes out(sealed.size() - kTagSize);
    const Status opened = receiver.open(aad, sealed, out);
    if (opened.ok()) return std::string(as_text(out));
    EXPECT_EQ(opened.error().code(), Code::kDenied);
    EXPECT_TRUE(all_zero(out));
    return "refused";
  }

  DeterministicRandom random_{1};
  HpkePrivateKey key_ = HpkePrivateKey::generate(GetParam().kem, random_);
  std::optional<HpkeSender> sender_;
};

TEST_P(EachSuite, OpensASequenceInItsOrderOnly) {
  auto receiver = this->receiver(as_bytes("info"));
  ASSERT_TRUE(receiver.ok());
  const Bytes first = seal("first");
  const Bytes second = seal("second", as_bytes("aad"));
  EXPECT_EQ(open(*receiver, second, as_bytes("aad")), "refused");
  EXPECT_EQ(open(*receiver, first), "first");
  EXPECT_EQ(open(*receiver, first), "refused");
  EXPECT_EQ(open(*receiver, second), "refused");
  EXPECT_EQ(open(*receiver, second, as_bytes("aad")), "second");
}

TEST_P(EachSuite, AFailureLeavesTheSequenceWhereItStood) {
  auto receiver = this->receiver(as_bytes("info"));
  ASSERT_TRUE(receiver.ok());
  const Bytes sealed = seal("text");
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_EQ(open(*receiver, changed), "refused") << "bit " << bit;
  }
  EXPECT_EQ(open(*receiver, sealed), "text");
}

TEST_P(EachSuite, ShorterThanATag) {
  auto receiver = this->receiver(as_bytes("info"));
  ASSERT_TRUE(receiver.ok());
  EXPECT_EQ(receiver->open({}, Bytes(kTagSize - 1), {}).error().code(), Code::kDenied);
}

TEST_P(EachSuite, ExportsAreTheSameAtBothEndsAndNowhereElse) {
  auto receiver = this->receiver(as_bytes("info"));
  auto other = this->receiver(as_bytes("infp"));
  ASSERT_TRUE(receiver.ok() && other.ok());
  const auto hex = [](const HpkeContext& context, std::string_view label, std::size_t size) {
    return to_hex(context.export_secret(as_bytes(label), size).expose());
  };
  EXPECT_EQ(hex(*sender_, "label", 16), hex(*receiver, "label", 16));
  EXPECT_NE(hex(*sender_, "label", 16), hex(*receiver, "labem", 16));
  EXPECT_NE(hex(*sender_, "label", 32).substr(0, 32), hex(*sender_, "label", 16)) << "the size is part of it";
  EXPECT_NE(hex(*sender_, "label", 16), hex(*other, "label", 16));
  EXPECT_EQ(open(*other, seal("text")), "refused");
}

TEST_P(EachSuite, AnEncapsulatedKeyOfTheWrongSize) {
  Bytes encapsulated = sender_->encapsulated();
  encapsulated.pop_back();
  EXPECT_EQ(HpkeReceiver::create(key_, {}, encapsulated, GetParam().aead).error().code(), Code::kDenied);
}

INSTANTIATE_TEST_SUITE_P(Suites, EachSuite,
                         ::testing::Values(Case{HpkeKem::kX25519, HpkeAead::kAes128Gcm},
                                           Case{HpkeKem::kX25519, HpkeAead::kAes256Gcm},
                                           Case{HpkeKem::kX25519, HpkeAead::kChaCha20Poly1305},
                                           Case{HpkeKem::kXWing, HpkeAead::kAes128Gcm}));

}  // namespace
}  // namespace cloister::crypto
