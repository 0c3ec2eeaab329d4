#include "audit/extras.h"

#include <set>

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

Bytes number_of(std::uint64_t value) {
  Bytes bytes(8);
  store_le(bytes.data(), value);
  return bytes;
}

TEST(Extras, ValuesAreReadAsTheyWereSet) {
  crypto::Sha256Digest digest;
  digest.fill(9);
  Extras extras;
  extras.set_text(Extra::kPolicy, "gpu-only").set_number(Extra::kKeyUse, 41).set_digest(Extra::kPolicyDigest, digest);
  EXPECT_EQ(extras.text(Extra::kPolicy), "gpu-only");
  EXPECT_EQ(extras.number(Extra::kKeyUse), 41u);
  EXPECT_EQ(extras.digest(Extra::kPolicyDigest), digest);
  EXPECT_FALSE(extras.text(Extra::kTee).has_value());
  EXPECT_FALSE(extras.number(Extra::kKeyVersion).has_value());
  EXPECT_FALSE(extras.digest(Extra::kEvidenceDigest).has_value());
}

TEST(Extras, TableIsAscendingAndNamesAreUnique) {
  std::set<std::string_view> names;
  std::uint16_t previous = 0;
  for (const ExtraField& field : extra_fields()) {
    const auto type = static_cast<std::uint16_t>(field.type);
    EXPECT_GT(type, previous);
    EXPECT_LE(field.size_max, kExtraSizeMax);
    EXPECT_TRUE(names.insert(field.name).second);
    EXPECT_FALSE(field.name.starts_with("type-"));
    EXPECT_EQ(find_extra(type), &field);
    EXPECT_EQ(find_extra(field.name), &field);
    previous = type;
  }
  EXPECT_EQ(find_extra(std::uint16_t{0}), nullptr);
  EXPECT_EQ(find_extra("no such"), nullptr);
}

TEST(Extras, WriterRefusesNothing) {
  Extras extras;
  extras.set_text(Extra::kTee, std::string(500, 'x')).set_text(Extra::kSource, "a\nb\xff").set_text(Extra::kJob, "");
  extras.set_number(Extra::kKeyUse, ~std::uint64_t{0});
  EXPECT_EQ(extras.text(Extra::kTee), std::string(32, 'x'));
  EXPECT_EQ(extras.text(Extra::kSource), "a?b?");
  EXPECT_FALSE(extras.text(Extra::kJob).has_value());
  EXPECT_EQ(extras.number(Extra::kKeyUse), kNumberMax);
  extras.set_text(Extra::kTee, "");
  EXPECT_FALSE(extras.text(Extra::kTee).has_value());
}

TEST(Extras, ReaderRefusesWrongValues) {
  const auto refused = [](Extra type, ByteView value, std::string_view part) {
    Extras extras;
    expect_refused(extras.add(static_cast<std::uint16_t>(type), value), Code::kCorrupt, part);
  };
  refused(Extra::kRequestId, {}, "request_id has a wrong value");
  refused(Extra::kRequestId, as_bytes(std::string(129, 'x')), "wrong value");
  refused(Extra::kRequestId, as_bytes("a\nb"), "wrong value");
  refused(Extra::kRequestId, as_bytes("\xff"), "wrong value");
  refused(Extra::kKeyUse, Bytes(7), "key_use has a wrong value");
  refused(Extra::kKeyUse, Bytes(9), "wrong value");
  refused(Extra::kKeyUse, number_of(kNumberMax + 1), "wrong value");
  refused(Extra::kPolicyDigest, Bytes(31), "policy_digest has a wrong value");
  refused(Extra::kPolicyDigest, Bytes(33), "wrong value");
  refused(Extra{0}, {}, "type 0");
  refused(Extra{999}, Bytes(257), "type 999 is over 256");
  Extras extras;
  EXPECT_TRUE(extras.add(8, number_of(kNumberMax)).ok());
  expect_refused(extras.add(8, number_of(1)), Code::kCorrupt, "key_use is there twice");
}

TEST(Extras, AtMost32) {
  Extras extras;
  for (std::uint16_t i = 0; i < 32; ++i) EXPECT_TRUE(extras.add(static_cast<std::uint16_t>(1000 + i), Bytes(256)).ok());
  expect_refused(extras.add(999, {}), Code::kCorrupt, "more than 32");
}

TEST(ExtrasDeath, KindOfAnotherType) {
  Extras extras;
  EXPECT_DEATH(extras.set_text(Extra::kKeyUse, "seven"), "internal check failed");
  EXPECT_DEATH(extras.set_number(Extra::kPolicy, 7), "internal check failed");
  EXPECT_DEATH(extras.number(Extra::kPolicy), "internal check failed");
}

}  // namespace
}  // namespace cloister::audit
