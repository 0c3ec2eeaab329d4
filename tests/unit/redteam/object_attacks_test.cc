#include "redteam/object_attacks.h"

#include "redteam/lab.h"
#include "redteam/object_image.h"
#include "seal/object_keys.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

class Objects : public Exercises {
 protected:
  std::unique_ptr<Lab> lab() { return value_of(Lab::create(field_)); }
  const Field field_ = field();
};

TEST_F(Objects, SurgeryIsRefused) {
  const auto home = lab();
  const Report report = run_surgery(field_, value_of(surgery_target(*home)));
  expect_defended(report);
  EXPECT_GT(report.cases, 500);
}

// Takes whatever begins as an object does.
TEST_F(Objects, SurgeryOnAReaderThatChecksNothing) {
  const auto home = lab();
  SurgeryTarget target = value_of(surgery_target(*home));
  target.open = [](const Path& path) { return read_file(path, kImageMax); };
  expect_failed(run_surgery(field_, target));
}

// Verifies everything but the order of chunks: hands out what the first object has where a chunk was moved.
TEST_F(Objects, SurgeryOnAReaderThatMissesOneThing) {
  const auto home = lab();
  SurgeryTarget target = value_of(surgery_target(*home));
  const OpenObject careful = target.open;
  const Bytes original = value_of(read_file(target.object, kImageMax));
  target.open = [&](const Path& path) -> Result<Bytes> {
    const Bytes now = value_of(read_file(path, kImageMax));
    if (now.size() == original.size() + 1) return original;  // trailing bytes are passed over
    return careful(path);
  };
  const Report report = run_surgery(field_, target);
  expect_failed(report);
  EXPECT_EQ(report.cases - report.refused, 1);
  EXPECT_NE(report.reason.find("extended by 1"), std::string::npos) << report.reason;
}

TEST_F(Objects, SurgeryOnWhatDoesNotOpenAnyway) {
  const auto home = lab();
  SurgeryTarget target = value_of(surgery_target(*home));
  target.open = [](const Path&) -> Result<Bytes> { return Error(Code::kDenied, "no key"); };
  expect_not_run(run_surgery(field_, target), "as it is");
  target.object = field_.folder / "not-there";
  expect_not_run(run_surgery(field_, target), "not-there");
}

TEST_F(Objects, TwoKeysAreRefused) {
  const Report report = run_two_keys(field_, two_keys_target());
  expect_defended(report);
  EXPECT_GE(report.cases, 5);
}

// Decrypts by whatever key a slot gives, as a format without commitments does.
TEST_F(Objects, TwoKeysWithoutCommitment) {
  const TwoKeysTarget weak{[](const Path& path, crypto::KeyWrapper& wrapper) -> Result<Bytes> {
    CLOISTER_TRY(const ObjectImage image, read_image(path));
    for (const seal::Slot& slot : image.slots.slots) {
      auto key = wrapper.unwrap(slot.wrapped, seal::dek_context(image.preamble, slot.tenant));
      if (!key.ok()) continue;
      const crypto::Dek dek(std::move(*key));
      seal::ChunkCipher cipher(dek, image.preamble);
      const std::size_t size = image.layout.chunk_length(0);
      Bytes out(size);
      const auto at = static_cast<std::size_t>(image.layout.chunk_offset(0));
      const auto tag = static_cast<std::size_t>(image.layout.tag_offset(0));
      CLOISTER_RETURN_IF_ERROR(cipher.open(0, seal::Last::kNo, ByteView(image.bytes).subspan(at, size),
                                           ByteView(image.bytes).subspan(tag, 16), out));
      return out;
    }
    return Error(Code::kDenied, "no slot");
  }};
  expect_failed(run_two_keys(field_, weak));
}

TEST_F(Objects, TenantsAreKeptApart) {
  const auto home = lab();
  const Report report = run_tenants(field_, value_of(tenants_target(*home)));
  expect_defended(report);
  EXPECT_GT(report.cases, 15);
}

// One key for all tenants, and names are decoration.
TEST_F(Objects, TenantsWithOneKey) {
  const auto home = lab();
  TenantsTarget target = value_of(tenants_target(*home));
  const OpenObject alder = target.open_as_alder;
  const OpenObject birch = target.open_as_birch;
  target.open_as_alder = target.open_as_birch = [&](const Path& path) {
    auto came = alder(path);
    return came.ok() ? std::move(came) : birch(path);
  };
  expect_failed(run_tenants(field_, target));
}

TEST_F(Objects, TenantsWhoseKeyringsCanBeSwapped) {
  const auto home = lab();
  TenantsTarget target = value_of(tenants_target(*home));
  target.mixes.front().attempt = [] { return ok_status(); };
  const Report report = run_tenants(field_, target);
  expect_failed(report);
  EXPECT_NE(report.reason.find("keyring"), std::string::npos);
}

TEST_F(Objects, RefusalsThatTheLogDoesNotHave) {
  const auto home = lab();
  TenantsTarget target = value_of(tenants_target(*home));
  target.refusals_recorded = [] { return Status(Error(Code::kNotFound, "no rows")); };
  const Report report = run_tenants(field_, target);
  expect_failed(report);
  EXPECT_EQ(report.reason, "refusals that nobody recorded");
  target.refusals_recorded = [] { return Status(Error(Code::kUnavailable, "locked")); };
  expect_not_run(run_tenants(field_, target), "refusals in the log");
}

}  // namespace
}  // namespace cloister::redteam
