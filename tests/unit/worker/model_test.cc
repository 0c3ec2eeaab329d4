#include "worker/model.h"

#include "tests/support/expect.h"
#include "tests/support/sealed_model.h"

namespace cloister::worker {
namespace {

using testing::expect_refused;
using testing::SealedModel;
using testing::value_of;

Bytes weights() {
  Bytes bytes(3'000'017);
  testing::DeterministicRandom(8).fill(bytes);
  return bytes;
}

struct Opener {
  SealedModel sealed{weights()};
  LockedDown locked = LockedDownForTests::make();
  AttestedKeys keys{locked, sealed.parts()};
  crypto::KeyWrapper* wrappers[1] = {&keys};
  File file() { return value_of(File::open(sealed.path)); }
};

TEST(Model, OpensIntoSecretMemory) {
  Opener opener;
  const SecretMemory memory = value_of(open_model(opener.file(), opener.wrappers, opener.sealed.digest()));
  EXPECT_TRUE(equal(memory.expose(), opener.sealed.model));
  EXPECT_EQ(memory.kind(), SecretMemory::best());
  EXPECT_EQ(opener.sealed.service.attested, 1U);
}

TEST(Model, OpensIntoAFileInMemory) {
  Opener opener;
  const EngineFile file = value_of(
      open_model_file(opener.file(), value_of(make_memory_file("model")), opener.wrappers, opener.sealed.digest()));
  Bytes read(opener.sealed.model.size());
  ASSERT_TRUE(file.file().read_at(0, read).ok());
  EXPECT_EQ(read, opener.sealed.model);
  EXPECT_FALSE(file.file().write_at(0, Bytes{1}).ok());
}

TEST(Model, TellsOfTheObjectThatIsOpen) {
  Opener opener;
  const auto outline = value_of(seal::read_outline(opener.file()));
  unsigned told = 0;
  const TellOpened tell = [&](const seal::Preamble& preamble, const seal::SlotTable& slots) {
    ++told;
    EXPECT_EQ(preamble.object_id, outline.preamble.object_id);
    EXPECT_EQ(slots.slots.size(), outline.slots.newest.slots.size());
  };
  value_of(open_model(opener.file(), opener.wrappers, opener.sealed.digest(), tell));
  EXPECT_EQ(told, 1U);
  Opener refused;
  refused.sealed.service.anchors = attest::Anchors::production();
  expect_refused(open_model(refused.file(), refused.wrappers, refused.sealed.digest(), tell), Code::kDenied, "");
  EXPECT_EQ(told, 1U);
}

TEST(Model, AnotherThanTheManifestNames) {
  Opener opener;
  expect_refused(open_model(opener.file(), opener.wrappers, {}), Code::kCorrupt, "manifest");
  expect_refused(open_model_file(opener.file(), value_of(make_memory_file("model")), opener.wrappers, {}),
                 Code::kCorrupt, "manifest");
}

TEST(Model, TamperedWith) {
  Opener opener;
  const File file = value_of(File::open(opener.sealed.path, File::Access::kReadWrite));
  ASSERT_TRUE(file.write_at(1'000'000, Bytes(1, 0x5a)).ok());
  ASSERT_TRUE(file.write_at(1'000'001, Bytes(1, 0xa5)).ok());
  expect_refused(open_model(opener.file(), opener.wrappers, opener.sealed.digest()), Code::kCorrupt, "");
}

TEST(Model, KeyIsRefused) {
  Opener opener;
  opener.sealed.service.anchors = attest::Anchors::production();
  expect_refused(open_model(opener.file(), opener.wrappers, opener.sealed.digest()), Code::kDenied, "");
}

}  // namespace
}  // namespace cloister::worker
