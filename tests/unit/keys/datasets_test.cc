// Datasets: their keys through their lives, keyrings that travel, and rows moved by an intruder.
#include "crypto/hpke.h"
#include "crypto/passphrase.h"
#include "tests/support/hex.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class Datasets : public OnBoth {
 protected:
  Datasets() {
    for (const TenantName& name : {kAcme, kRival}) {
      CLOISTER_CHECK(home_.keys->create_tenant(name, std::nullopt, home_.caller()).ok());
    }
    for (const DatasetName& name : {kMnist, kRivalMnist})
      CLOISTER_CHECK(keys().create_dataset(name, home_.caller()).ok());
  }
  Hierarchy& keys() { return *home_.keys; }
  auto unlock(const DatasetName& name) { return keys().unlock_keyring(name, "open", home_.caller()); }
  Bytes keyring_of(const DatasetName& name) {
    return keys().store().dataset(name.tenant, name.environment, name.dataset)->keyring;
  }
  void put_keyring(const DatasetName& name, const Bytes& bytes) {
    home_.sql("UPDATE datasets SET keyring = " + home_.place.blob(bytes) + " WHERE dataset = '" + name.dataset +
              "' AND tenant_id = (SELECT id FROM tenants WHERE tenant = '" + name.tenant + "' AND environment = '" +
              name.environment + "')");
  }
  void expect_refused_unlock(const DatasetName& name, std::string_view words = "") {
    expect_error(unlock(name), Code::kDenied, words);
    EXPECT_EQ(home_.last_event().action, "keyring.unlock");
    EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  }
  Home home_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(On, Datasets, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(Datasets, UnlockedKeyringWrapsManyDeksForOneRequest) {
  const auto keyring = unlock(kMnist);
  expect_ok(keyring);
  const std::uint64_t rows = keys().store().audit_head()->rows;
  auto wrapper = seal::KeyringWrapper::create(*keyring, home_.random);
  expect_ok(wrapper);
  const crypto::WrapContext context{"acme", "mnist", Bytes(16, 1), "dek", {}};
  for (int i = 0; i < 100; ++i) expect_ok((*wrapper)->wrap(crypto::KeyMaterial::random(home_.random), context));
  EXPECT_EQ(keys().store().audit_head()->rows, rows);
}

// What was looked at before the key was disabled, and would be recorded after.
TEST_P(Datasets, DisabledBetweenTheLookAndTheRow) {
  HookedRoot root(*home_.root);
  auto slow = Hierarchy::open(home_.place.open().value(), root, home_.root->key_id(), home_.random);
  expect_ok(slow);
  root.hook = [&] { expect_ok(keys().disable_kek(kAcme, 1, home_.caller())); };
  expect_error(slow->unlock_keyring(kMnist, "open", home_.caller()), Code::kDenied, "disabled");
  EXPECT_EQ(home_.last_event().action, "keyring.unlock");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_P(Datasets, RotatedBetweenTheLookAndTheRow) {
  HookedRoot root(*home_.root);
  auto slow = Hierarchy::open(home_.place.open().value(), root, home_.root->key_id(), home_.random);
  root.hook = [&] {
    expect_ok(keys().rotate_kek(kAcme, home_.caller()));
    expect_ok(keys().rotate_dataset_key(kMnist, home_.caller()));
  };
  const auto keyring = slow->unlock_keyring(kMnist, "open", home_.caller());
  expect_ok(keyring);
  expect_ok(keyring->dataset_key(2));
}

TEST_P(Datasets, CreatedOnceAndOnlyUnderATenant) {
  expect_error(keys().create_dataset(kMnist, home_.caller()), Code::kExists);
  expect_error(keys().create_dataset({"nobody", "", "mnist"}, home_.caller()), Code::kNotFound, "no tenant nobody");
  expect_error(keys().create_dataset({"acme", "production", "mnist"}, home_.caller()), Code::kNotFound);
  expect_error(keys().create_dataset({"acme", "", "Bad Name"}, home_.caller()), Code::kInvalid);
  expect_error(unlock({"acme", "", "absent"}), Code::kNotFound, "acme/absent");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_P(Datasets, KeyRotation) {
  const auto cost = keys().rotate_dataset_key(kMnist, home_.caller());
  expect_ok(cost);
  EXPECT_EQ(cost->objects_touched, 1u);
  EXPECT_GT(cost->bytes_written, 0u);
  EXPECT_EQ(home_.last_event().detail, "version 2");
  const auto keyring = unlock(kMnist);
  expect_ok(keyring);
  expect_ok(keyring->dataset_key(1));
  expect_ok(keyring->dataset_key(2));
  expect_error(keys().rotate_dataset_key({"acme", "", "absent"}, home_.caller()), Code::kNotFound);
}

TEST_P(Datasets, KeyStates) {
  expect_ok(keys().rotate_dataset_key(kMnist, home_.caller()));
  expect_error(keys().set_dataset_key_state(kMnist, 2, seal::DatasetKeyState::kDisabled, home_.caller()),
               Code::kInvalid);
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  expect_error(keys().set_dataset_key_state(kMnist, 9, seal::DatasetKeyState::kDisabled, home_.caller()),
               Code::kNotFound);
  expect_ok(keys().set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kDisabled, home_.caller()));
  expect_error(unlock(kMnist)->dataset_key(1), Code::kDenied, "disabled");
  expect_ok(keys().set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kEnabled, home_.caller()));
  expect_ok(unlock(kMnist)->dataset_key(1));
  expect_ok(keys().set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kDestroyed, home_.caller()));
  expect_error(unlock(kMnist)->dataset_key(1), Code::kDenied, "destroyed");
  expect_error(keys().set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kEnabled, home_.caller()), Code::kDenied);
}

TEST_P(Datasets, KeyChangesGoUnderTheNewestKek) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().disable_kek(kAcme, 2, home_.caller()));
  expect_error(keys().rotate_dataset_key(kMnist, home_.caller()), Code::kDenied, "disabled");
  expect_error(keys().add_recipient(kMnist, crypto::HpkeKem::kX25519, home_.caller()), Code::kDenied, "disabled");
}

TEST_P(Datasets, KeyringMovedToAnotherTenant) {
  put_keyring(kRivalMnist, keyring_of(kMnist));
  expect_refused_unlock(kRivalMnist, "it was moved here");
  expect_ok(unlock(kMnist));
}

// The names in the bytes are the intruder's to write: what is left is the wrap.
TEST_P(Datasets, KeyringMovedToAnotherTenantWithItsNamesRewritten) {
  Bytes moved = keyring_of(kMnist);
  const auto replace_text = [&moved](const std::string& from, const std::string& to) {
    ASSERT_EQ(from.size(), to.size());
    const auto at = std::search(moved.begin(), moved.end(), from.begin(), from.end());
    ASSERT_NE(at, moved.end());
    std::copy(to.begin(), to.end(), at);
  };
  replace_text("kek:" + keys().store().tenant("acme", "")->kek_id, "kek:" + keys().store().tenant("rival", "")->kek_id);
  put_keyring(kRivalMnist, moved);
  expect_refused_unlock(kRivalMnist, "unlock the keyring");
}

TEST_P(Datasets, KeyringMovedToAnotherDatasetOfTheTenant) {
  const DatasetName other{"acme", "", "cifar"};
  expect_ok(keys().create_dataset(other, home_.caller()));
  put_keyring(other, keyring_of(kMnist));
  expect_refused_unlock(other);
}

TEST_P(Datasets, DatasetRowRenamedOrGivenToAnotherTenant) {
  home_.sql("UPDATE datasets SET dataset = 'cifar' WHERE tenant_id = (SELECT id FROM tenants WHERE tenant = 'acme')");
  expect_refused_unlock({"acme", "", "cifar"});
  home_.sql("UPDATE datasets SET tenant_id = (SELECT id FROM tenants WHERE tenant = 'rival') WHERE dataset = 'cifar'");
  expect_refused_unlock({"rival", "", "cifar"});
}

TEST_P(Datasets, KeyringMovedBetweenEnvironments) {
  expect_ok(keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller()));
  const DatasetName production{"acme", "production", "mnist"};
  expect_ok(keys().create_dataset(production, home_.caller()));
  put_keyring(production, keyring_of(kMnist));
  expect_refused_unlock(production);
}

TEST_P(Datasets, EveryFlippedByteOfAKeyringIsRefused) {
  const Bytes good = keyring_of(kMnist);
  for (std::size_t i = 0; i < good.size(); i += 7) {
    Bytes bad = good;
    bad[i] ^= 0x01;
    put_keyring(kMnist, bad);
    EXPECT_FALSE(unlock(kMnist).ok()) << "byte " << i;
  }
  put_keyring(kMnist, good);
  expect_ok(unlock(kMnist));
}

TEST_P(Datasets, TamperedKeyringStopsARotationWhole) {
  expect_ok(keys().create_dataset({"acme", "", "cifar"}, home_.caller()));
  Bytes bad = keyring_of(kMnist);
  bad.back() ^= 1;
  put_keyring(kMnist, bad);
  expect_error(keys().rotate_kek(kAcme, home_.caller()), Code::kCorrupt, "acme/mnist");
  EXPECT_EQ(keys().store().tenant("acme", "")->versions.size(), 1u);
  expect_ok(unlock({"acme", "", "cifar"}));
}

TEST_P(Datasets, OldKeyringPutBackUnderADestroyedKekStaysShut) {
  const Bytes old = keyring_of(kMnist);
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().destroy_kek_immediately(kAcme, 1, "leaked", home_.caller()));
  put_keyring(kMnist, old);
  expect_refused_unlock(kMnist, "destroyed");
}

class Travel : public Datasets {
 protected:
  Travel() {
    CLOISTER_CHECK(there_.keys->create_tenant(kAcme, std::nullopt, there_.caller()).ok());
    auto key = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, home_.random);
    sealer_.emplace(key.public_key(), home_.random);
    opener_.emplace(std::move(key), home_.random);
  }
  Home there_{GetParam()};
  std::optional<crypto::HpkeSealer> sealer_;
  std::optional<crypto::HpkeOpener> opener_;
};
INSTANTIATE_TEST_SUITE_P(On, Travel, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(Travel, ExportedToARecipientAndImported) {
  expect_ok(keys().rotate_dataset_key(kMnist, home_.caller()));
  const auto bytes = keys().export_keyring(kMnist, *sealer_, home_.caller());
  expect_ok(bytes);
  EXPECT_EQ(home_.last_event().action, "keyring.export");
  EXPECT_NE(home_.last_event().detail.find("x25519:"), std::string::npos);
  const auto name = there_.keys->import_keyring(*bytes, *opener_, there_.caller());
  expect_ok(name);
  EXPECT_EQ(name->text(), "acme/mnist");
  EXPECT_EQ(there_.last_event().action, "keyring.import");
  const auto here = unlock(kMnist);
  const auto imported = there_.keys->unlock_keyring(kMnist, "open", there_.caller());
  expect_ok(imported);
  const auto one = here->dataset_key(1);
  const auto two = imported->dataset_key(1);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE(crypto::equal_constant_time(one->material().secret().expose(), two->material().secret().expose()));
}

TEST_P(Travel, ExportedUnderAPassphrase) {
  const auto wrapper = [&](std::string_view words) {
    return crypto::PassphraseWrapper::create(testing::secret_of(words), {64, 1, 1}, home_.random).value();
  };
  auto right = wrapper("correct horse");
  auto wrong = wrapper("incorrect horse");
  const auto bytes = keys().export_keyring(kMnist, right, home_.caller());
  expect_ok(bytes);
  expect_error(there_.keys->import_keyring(*bytes, wrong, there_.caller()), Code::kDenied);
  EXPECT_EQ(there_.last_event().outcome, audit::Outcome::kRefused);
  expect_ok(there_.keys->import_keyring(*bytes, right, there_.caller()));
}

TEST_P(Travel, ImportRefusals) {
  const Bytes bytes = keys().export_keyring(kMnist, *sealer_, home_.caller()).value();
  // The dataset is here already; the tenant isn't there; another recipient; nobody's bytes.
  expect_error(keys().import_keyring(bytes, *opener_, home_.caller()), Code::kExists);
  const Bytes rival = keys().export_keyring(kRivalMnist, *sealer_, home_.caller()).value();
  expect_error(there_.keys->import_keyring(rival, *opener_, there_.caller()), Code::kNotFound, "no tenant rival");
  crypto::HpkeOpener stranger(crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, home_.random), home_.random);
  expect_error(there_.keys->import_keyring(bytes, stranger, there_.caller()), Code::kDenied);
  EXPECT_EQ(there_.last_event().action, "keyring.import");
  EXPECT_FALSE(there_.keys->import_keyring(as_bytes("nothing like a keyring"), *opener_, there_.caller()).ok());
  EXPECT_EQ(there_.last_event().outcome, audit::Outcome::kRefused);
  // A keyring as it lies in the store isn't one that travels.
  EXPECT_FALSE(there_.keys->import_keyring(keyring_of(kMnist), *opener_, there_.caller()).ok());
}

TEST_P(Travel, RenamedOnTheWay) {
  Bytes bytes = keys().export_keyring(kRivalMnist, *sealer_, home_.caller()).value();
  expect_ok(there_.keys->create_tenant({"rival", "evil"}, std::nullopt, there_.caller()));
  expect_ok(there_.keys->create_tenant({"rivax", ""}, std::nullopt, there_.caller()));
  const std::string from = "rival";
  const auto at = std::search(bytes.begin(), bytes.end(), from.begin(), from.end());
  ASSERT_NE(at, bytes.end());
  *(at + 4) = 'x';
  expect_error(there_.keys->import_keyring(bytes, *opener_, there_.caller()), Code::kDenied);
}

TEST_P(Travel, WriteOnlyTargetCanExportButNotImport) {
  const Bytes bytes = keys().export_keyring(kMnist, *sealer_, home_.caller()).value();
  expect_error(there_.keys->import_keyring(bytes, *sealer_, there_.caller()), Code::kDenied);
}

TEST_P(Travel, ExportIsRefusedWhenTheKekIs) {
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  expect_error(keys().export_keyring(kMnist, *sealer_, home_.caller()), Code::kDenied, "disabled");
}

}  // namespace
}  // namespace cloister::keys
