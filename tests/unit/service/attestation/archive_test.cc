// The archive: what was put in comes out, and nothing else does.
#include "service/attestation/archive.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::service {
namespace {

const std::string kId(32, '7');

ReleaseRecord record() {
  ReleaseRecord made;
  made.id = kId;
  made.caller = "spiffe://acme.test/infer/1";
  made.asked.now = Time{1'800'000'000'000};
  made.asked.tenant = "acme";
  made.asked.environment = "production";
  made.asked.dataset = "models";
  made.asked.purpose = policy::Purpose::kInfer;
  made.asked.binding = {"infer", Bytes(32, 1), Bytes(32, 2), {}, Bytes(32, 3), crypto::Sha256Digest{4}, {}};
  made.asked.manifest = {9, 0, 9};
  made.asked.evidence.primary = {attest::Kind::kTdx, {{"quote", Bytes(1000, 5)}}};
  made.asked.evidence.devices = {{attest::Kind::kNvidiaGpu, {{"report", {1}}, {"chain", {}}}}};
  made.collateral = {{"intel-tcb-info/tdx/00", crypto::Sha256Digest{6}}};
  made.floors = {{"intel/tdx/00", 17}};
  made.policy = crypto::Sha256Digest{8};
  made.epoch = 3;
  made.found = judge(made.asked, policy::AttestationPolicy(), nullptr, made.floors);
  return made;
}

class ArchiveTest : public ::testing::Test {
 protected:
  Path file(const std::string& folder, const std::string& name) const { return folder_ / "kept" / folder / name; }
  crypto::SystemRandom random_;
  const testing::TempDir folder_;
  const crypto::KeyMaterial key_ = crypto::KeyMaterial::random(random_);
  const Archive archive_ = testing::value_of(Archive::open(folder_ / "kept", key_.duplicate()));
};

TEST_F(ArchiveTest, ReleasesComeBack) {
  const Bytes encoded = encode(record());
  ASSERT_TRUE(archive_.put_release(kId, encoded, random_).ok());
  EXPECT_EQ(testing::value_of(archive_.release(kId)), encoded);
  EXPECT_EQ(testing::value_of(archive_.releases()), std::vector<std::string>{kId});
  const Bytes on_disk = testing::value_of(read_file(file("releases", kId), 1 << 20));
  EXPECT_EQ(as_text(on_disk).find("acme"), std::string_view::npos);
}

TEST_F(ArchiveTest, RecordsOfGuestsComeBack) {
  ReleaseRecord made = record();
  made.asked.guest = {Bytes(48, 1), Bytes(48, 2), Time{1'799'999'999'000}};
  made.guest_evidence = crypto::Sha256Digest{9};
  const Bytes encoded = encode(made);
  const DecodedRelease decoded = testing::value_of(decode_release(encoded));
  ASSERT_TRUE(decoded.record.asked.guest);
  EXPECT_EQ(decoded.record.asked.guest->report_data, Bytes(48, 1));
  EXPECT_EQ(decoded.record.asked.guest->device_nonce, Bytes(48, 2));
  EXPECT_EQ(decoded.record.asked.guest->judged, made.asked.guest->judged);
  EXPECT_EQ(decoded.record.guest_evidence, made.guest_evidence);
  EXPECT_EQ(decoded.record.asked.evidence, attest::EvidenceSet());
  const auto changed = [&encoded](std::string_view from, std::string_view to) {
    std::string text(as_text(encoded));
    text.replace(text.find(from), from.size(), to);
    return decode_release(as_bytes(text));
  };
  EXPECT_TRUE(changed("\"version\":2", "\"version\":2").ok());
  EXPECT_EQ(changed("\"version\":2", "\"version\":3").error().code(), Code::kUnsupported);
  EXPECT_EQ(changed("\"guest\"", "\"quest\"").error().code(), Code::kCorrupt);
  EXPECT_EQ(changed("\"device_nonce\":\"0", "\"device_nonce\":\"x").error().code(), Code::kCorrupt);
  EXPECT_EQ(changed("\"evidence\":\"09", "\"evidence\":\"9").error().code(), Code::kCorrupt);
  EXPECT_EQ(changed("1799999999000", "9999999999999999999").error().code(), Code::kCorrupt);
}

TEST_F(ArchiveTest, RecordsComeBack) {
  const ReleaseRecord made = record();
  const DecodedRelease decoded = testing::value_of(decode_release(encode(made)));
  EXPECT_EQ(decoded.record.asked.evidence, made.asked.evidence);
  EXPECT_EQ(decoded.record.asked.manifest, made.asked.manifest);
  EXPECT_EQ(decoded.record.asked.binding.exporter, made.asked.binding.exporter);
  EXPECT_EQ(decoded.record.asked.binding.peer_key, made.asked.binding.peer_key);
  EXPECT_EQ(decoded.record.collateral, made.collateral);
  EXPECT_EQ(decoded.record.floors, made.floors);
  EXPECT_EQ(decoded.record.policy, made.policy);
  EXPECT_EQ(decoded.found_json, findings_json(made.found));
  ReleaseRecord again = decoded.record;
  again.found = made.found;
  EXPECT_EQ(encode(again), encode(made));
}

TEST_F(ArchiveTest, MalformedRecords) {
  const Bytes whole = encode(record());
  for (std::size_t size = 0; size < whole.size(); size += 97) {
    EXPECT_FALSE(decode_release(ByteView(whole).first(size)).ok()) << size;
  }
  std::string text(as_text(whole));
  text.replace(text.find("\"version\":1"), 11, "\"version\":3");
  EXPECT_EQ(decode_release(as_bytes(text)).error().code(), Code::kUnsupported);
  for (const char* name : {"\"binding\"", "\"evidence\"", "\"collateral\"", "\"policy\"", "\"found\"", "\"purpose\""}) {
    std::string without(as_text(whole));
    without.replace(without.find(name), 3, "\"x_");
    EXPECT_FALSE(decode_release(as_bytes(without)).ok()) << name;
  }
}

TEST_F(ArchiveTest, SharedItemsAreKeptOnce) {
  const Bytes item(5000, 1);
  const auto digest = testing::value_of(archive_.put_shared(item, random_));
  const Bytes first = testing::value_of(read_file(file("shared", to_hex(digest)), 1 << 20));
  EXPECT_EQ(testing::value_of(archive_.put_shared(item, random_)), digest);
  EXPECT_EQ(testing::value_of(read_file(file("shared", to_hex(digest)), 1 << 20)), first);
  EXPECT_EQ(testing::value_of(archive_.shared(digest)), item);
}

TEST_F(ArchiveTest, SharedItemsOfAnotherProcess) {
  const auto other = testing::value_of(Archive::open(folder_ / "kept", key_.duplicate()));
  const Bytes item(5000, 1);
  const auto digest = testing::value_of(other.put_shared(item, random_));
  const Bytes first = testing::value_of(read_file(file("shared", to_hex(digest)), 1 << 20));
  EXPECT_EQ(testing::value_of(archive_.put_shared(item, random_)), digest);
  EXPECT_EQ(testing::value_of(read_file(file("shared", to_hex(digest)), 1 << 20)), first);
  // Gone, and put in again.
  std::filesystem::remove(file("shared", to_hex(digest)));
  EXPECT_EQ(testing::value_of(archive_.put_shared(item, random_)), digest);
  EXPECT_EQ(testing::value_of(archive_.shared(digest)), item);
}

TEST_F(ArchiveTest, CollateralComesBack) {
  attest::CollateralItem item;
  item.kind = attest::CollateralKind::kIntelTcbInfo;
  item.key = "tdx/00806f050000";
  item.body = {1, 2, 0, 3};
  item.issuer_chain = "-----BEGIN";
  const auto again = testing::value_of(decode_collateral_item(encode(item)));
  EXPECT_EQ(again.name(), item.name());
  EXPECT_EQ(again.digest(), item.digest());
  EXPECT_FALSE(decode_collateral_item(as_bytes(R"({"kind":"x","key":"","body":"","issuer_chain":""})")).ok());
}

TEST_F(ArchiveTest, NotKept) {
  EXPECT_EQ(archive_.release(kId).error().code(), Code::kNotFound);
  EXPECT_EQ(archive_.release("../shared/x").error().code(), Code::kNotFound);
  EXPECT_EQ(archive_.shared({}).error().code(), Code::kNotFound);
}

TEST_F(ArchiveTest, EveryByteChanged) {
  ASSERT_TRUE(archive_.put_release(kId, as_bytes("evidence"), random_).ok());
  const Bytes whole = testing::value_of(read_file(file("releases", kId), 1 << 20));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes changed = whole;
    changed[i] ^= 1;
    std::ofstream(file("releases", kId), std::ios::binary) << as_text(changed);
    EXPECT_EQ(archive_.release(kId).error().code(), Code::kCorrupt) << i;
  }
}

TEST_F(ArchiveTest, UnderAnotherName) {
  ASSERT_TRUE(archive_.put_release(kId, as_bytes("evidence"), random_).ok());
  const std::string other(32, '8');
  std::filesystem::copy_file(file("releases", kId), file("releases", other));
  EXPECT_EQ(archive_.release(other).error().code(), Code::kCorrupt);
}

TEST_F(ArchiveTest, WithAnotherKey) {
  ASSERT_TRUE(archive_.put_release(kId, as_bytes("evidence"), random_).ok());
  const auto other = testing::value_of(Archive::open(folder_ / "kept", crypto::KeyMaterial::random(random_)));
  EXPECT_EQ(other.release(kId).error().code(), Code::kCorrupt);
}

}  // namespace
}  // namespace cloister::service
