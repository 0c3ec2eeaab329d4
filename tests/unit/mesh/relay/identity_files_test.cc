#include "mesh/relay/identity_files.h"

#include "tests/support/temp_dir.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::mesh {
namespace {

using identity::Realm;
using testing::expect_refused;
using testing::key_of_seed;
using testing::kNow;
using testing::TempDir;
using testing::value_of;

void put(const Path& path, std::string_view text, mode_t mode = 0600) {
  ASSERT_TRUE(write_file(path, as_bytes(text), Overwrite::kReplace, mode).ok());
}

std::string key_text(std::uint64_t seed) { return std::string(as_text(key_of_seed(seed).to_pkcs8_pem().expose())); }

struct Folder {
  explicit Folder(Realm& realm) {
    settings.certificate = folder / "svid.pem";
    settings.key = folder / "key.pem";
    settings.bundle = folder / "bundle.pem";
    write_svid(realm, "spiffe://example.org/relay");
    put(settings.key, key_text(1000));
    put(settings.bundle, realm.rotation.bundle().x509_authorities().front().to_pem());
  }
  void write_svid(Realm& realm, std::string_view id) { put(settings.certificate, realm.issue(id).leaf().to_pem()); }
  TempDir folder;
  IdentitySettings settings;
};

TEST(IdentityFiles, AreReadAndFollowed) {
  Realm realm;
  Folder folder(realm);
  const auto files = value_of(IdentityFiles::open(folder.settings, kNow));
  EXPECT_EQ(files->source()->current()->svid().id().uri(), "spiffe://example.org/relay");
  EXPECT_EQ(value_of(files->poll(kNow)), IdentityFiles::Change::kNone);
  folder.write_svid(realm, "spiffe://example.org/renewed");
  EXPECT_EQ(value_of(files->poll(kNow)), IdentityFiles::Change::kReplaced);
  EXPECT_EQ(files->source()->current()->svid().id().uri(), "spiffe://example.org/renewed");
  EXPECT_EQ(value_of(files->poll(kNow)), IdentityFiles::Change::kNone);
}

TEST(IdentityFiles, ARenewalThatIsHalfWritten) {
  Realm realm;
  Folder folder(realm);
  const auto files = value_of(IdentityFiles::open(folder.settings, kNow));
  const auto before = files->source()->current();
  put(folder.settings.key, key_text(7));
  expect_refused(files->poll(kNow), Code::kInvalid, "");
  EXPECT_EQ(files->source()->current(), before);
  put(folder.settings.key, key_text(1000));
  EXPECT_EQ(value_of(files->poll(kNow)), IdentityFiles::Change::kReplaced);
}

TEST(IdentityFiles, WhatIsNoIdentity) {
  Realm realm, other("example.org", 30);
  Folder folder(realm);
  put(folder.settings.bundle, other.rotation.bundle().x509_authorities().front().to_pem());
  expect_refused(IdentityFiles::open(folder.settings, kNow), Code::kDenied, "svid.pem");
  put(folder.settings.bundle, "no PEM at all");
  expect_refused(IdentityFiles::open(folder.settings, kNow), Code::kInvalid, "bundle.pem");
  std::filesystem::remove(folder.settings.bundle);
  expect_refused(IdentityFiles::open(folder.settings, kNow), Code::kNotFound, "bundle.pem");
}

TEST(IdentityFiles, ACertificateThatHasExpired) {
  Realm realm;
  Folder folder(realm);
  expect_refused(IdentityFiles::open(folder.settings, kNow + hours(2)), Code::kExpired, "svid.pem");
}

TEST(IdentityFiles, AKeyThatOthersCanRead) {
  Realm realm;
  Folder folder(realm);
  std::filesystem::permissions(folder.settings.key, std::filesystem::perms(0644));
  expect_refused(IdentityFiles::open(folder.settings, kNow), Code::kDenied, "key.pem");
}

TEST(IdentityFiles, OthersWhoAreBelieved) {
  Realm realm, partner("partner.example", 20);
  Folder folder(realm);
  const Path file = folder.folder / "partner.pem";
  put(file, partner.rotation.bundle().x509_authorities().front().to_pem());
  folder.settings.federated.push_back({identity::domain_of("partner.example"), file});
  const auto files = value_of(IdentityFiles::open(folder.settings, kNow));
  EXPECT_EQ(files->source()->current()->bundles().all().size(), 2U);
  folder.settings.federated.push_back({identity::domain_of("example.org"), file});
  expect_refused(IdentityFiles::open(folder.settings, kNow), Code::kInvalid, "own trust domain");
}

}  // namespace
}  // namespace cloister::mesh
