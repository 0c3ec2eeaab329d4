#include "home/collateral_cache.h"

#include <gtest/gtest.h>

#include "attest/collateral/merge.h"
#include "home/collateral_folder.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/revocation_lists.h"
#include "tests/support/temp_dir.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;
using testing::expect_refused;
using testing::TempDir;
using testing::value_of;

constexpr Time kNow{1'795'526'589'000};

attest::Collateral sample() {
  const std::string pem = testing::TestAuthority(1).certificate().to_pem();
  const std::string tcb = R"({"tcbInfo":{"issueDate":"2026-11-01T00:00:00Z","nextUpdate":"2026-12-01T00:00:00Z"}})";
  attest::Collateral all;
  all.add(value_of(attest::make_collateral({CollateralKind::kIntelTcbInfo, "tdx/00806f050000"}, to_bytes(as_bytes(tcb)),
                                           pem, kNow)));
  all.add(
      value_of(attest::make_collateral({CollateralKind::kAmdChain, "Milan/vcek"}, to_bytes(as_bytes(pem)), "", kNow)));
  all.add(
      value_of(attest::make_collateral({CollateralKind::kIntelCrl, "root"}, testing::pss_revocation_list(), "", kNow)));
  all.add(value_of(attest::make_collateral({CollateralKind::kNvidiaRim, "NV_GPU_DRIVER_GH100_535.86.09"},
                                           to_bytes(as_bytes("<SoftwareIdentity/>")), "", kNow)));
  return all;
}

TEST(CollateralFolder, ComesBackAsItWas) {
  const TempDir temp;
  ASSERT_TRUE(write_collateral_folder(temp / "out", sample()).ok());
  EXPECT_EQ(value_of(read_collateral_folder(temp / "out", kNow)).items(), sample().items());
}

TEST(CollateralFolder, NothingIsReplaced) {
  const TempDir temp;
  ASSERT_TRUE(write_collateral_folder(temp / "out", sample()).ok());
  expect_refused(write_collateral_folder(temp / "out", sample()), Code::kExists, "");
}

void put(const Path& file, std::string_view text) {
  ASSERT_TRUE(cloister::create_directories(file.parent_path()).ok());
  ASSERT_TRUE(write_file(file, as_bytes(text), Overwrite::kRefuse).ok());
}

TEST(CollateralFolder, FilesThatAreNoCollateral) {
  const std::pair<std::string_view, std::string_view> wrong[] = {{"README", "hello"},
                                                                 {"intel-tcb-info/tdx/00.der", "{}"},
                                                                 {"unknown-kind/a.json", "{}"},
                                                                 {"intel-crl/root.der", "<html>"},
                                                                 {"intel-crl/root.chain.pem", "a chain of nothing"},
                                                                 {"intel-crl/.der", "x"}};
  for (const auto& [name, text] : wrong) {
    const TempDir temp;
    put(temp / name, text);
    EXPECT_FALSE(read_collateral_folder(temp.path(), kNow).ok()) << name;
  }
  EXPECT_FALSE(read_collateral_folder("/nowhere", kNow).ok());
}

class Notes {
 public:
  explicit Notes(std::uint8_t seed) : key_(crypto::SigningKey::from_seed(seed_of(seed))) {}
  audit::VerifierKey key() const { return signer().verifier(); }
  std::string sign(const std::string& text) const {
    return value_of(audit::write_note({text, {signer().sign(text, kNow)}}));
  }

 private:
  static crypto::KeyMaterial seed_of(std::uint8_t seed) {
    return value_of(crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(Bytes(crypto::kKeySize, seed))));
  }
  audit::NoteSigner signer() const {
    return value_of(audit::NoteSigner::make("lab/-", audit::NoteKeyType::kEd25519, key_));
  }
  crypto::SigningKey key_;
};

TEST(CollateralCache, NotesOfTrustedKeysAlone) {
  const Notes ours(1), others(2);
  const attest::CollateralBundle bundle{kNow, sample(), {}};
  const Bytes file = value_of(attest::encode_bundle(bundle, ours.sign(attest::bundle_text(bundle))));
  EXPECT_EQ(value_of(attest::open_bundle(file, signed_by({ours.key()}))).signer, "lab/-");
  expect_refused(attest::open_bundle(file, signed_by({others.key()})), Code::kDenied, "");
  const Bytes of_others = value_of(attest::encode_bundle(bundle, others.sign("another text\n")));
  expect_refused(attest::open_bundle(of_others, signed_by({others.key()})), Code::kCorrupt, "what was signed");
}

}  // namespace
}  // namespace cloister::home
