// A home and its root, tenants, and what the audit says of them.
#include "keys/hierarchy.h"

#include "tests/support/local_key.h"
#include "tests/support/softhsm.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class HomeRoot : public OnBoth {};
class Tenants : public OnBoth {};
class AuditOfKeys : public OnBoth {};
INSTANTIATE_TEST_SUITE_P(On, HomeRoot, ::testing::ValuesIn(kinds()), kind_name);
INSTANTIATE_TEST_SUITE_P(On, Tenants, ::testing::ValuesIn(kinds()), kind_name);
INSTANTIATE_TEST_SUITE_P(On, AuditOfKeys, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(HomeRoot, OpensAgainWithItsRoot) {
  Home home(GetParam());
  expect_ok(home.keys->create_tenant(kAcme, std::nullopt, home.caller()));
  expect_ok(home.keys->create_dataset(kMnist, home.caller()));
  home.reopen();
  expect_ok(home.keys->unlock_keyring(kMnist, "open", home.caller()));
  EXPECT_EQ(home.audit_rows().front().event.action, "home.create");
}

TEST_P(HomeRoot, SetUpTwice) {
  Home home(GetParam());
  home.close();
  auto store = home.place.open();
  expect_ok(store);
  expect_error(Hierarchy::create(std::move(*store), *home.root, "other", home.random, home.caller()), Code::kExists);
}

TEST_P(HomeRoot, NeverSetUpToTheEnd) {
  Home home(GetParam());
  StorePlace half(GetParam());
  auto store = half.create();
  expect_ok(store);
  expect_error(Hierarchy::open(std::move(*store), *home.root, home.root->key_id(), home.random), Code::kNotFound);
  auto again = half.open();
  expect_ok(again);
  expect_ok(Hierarchy::create(std::move(*again), *home.root, home.root->key_id(), home.random, home.caller()));
}

TEST_P(HomeRoot, AnotherRootIsDenied) {
  Home home(GetParam());
  home.close();
  ASSERT_TRUE(kms::create_key_file(home.directory / "other.key", std::nullopt, {}, home.random).ok());
  const auto other = home.open_root(home.directory / "other.key");
  const auto open_with_other = [&](const std::string& root_id) {
    return Hierarchy::open(home.place.open().value(), *other, root_id, home.random);
  };
  expect_error(open_with_other(other->key_id()), Code::kDenied, "the home uses root " + home.root->key_id());
  // Told a lie about its name, and told it in the store too.
  expect_error(open_with_other(home.root->key_id()), Code::kDenied);
  home.sql("UPDATE settings SET value = '" + other->key_id() + "' WHERE name = 'root_id'");
  expect_error(open_with_other(other->key_id()), Code::kDenied, "under another root");
}

// Answers to another root's name with a key of its own: nothing but authentication tells them apart.
class Impostor final : public crypto::KeyWrapper {
 public:
  explicit Impostor(kms::SoftwareKey& own) : own_(own) {}
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    return own_.wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    crypto::WrappedKey renamed = wrapped;
    renamed.key_id = own_.key_id();
    return own_.unwrap(renamed, context);
  }

 private:
  kms::SoftwareKey& own_;
};

TEST_P(HomeRoot, RootOfTheSameNameButAnotherKey) {
  Home home(GetParam());
  home.close();
  ASSERT_TRUE(kms::create_key_file(home.directory / "other.key", std::nullopt, {}, home.random).ok());
  const auto other = home.open_root(home.directory / "other.key");
  Impostor impostor(*other);
  expect_error(Hierarchy::open(home.place.open().value(), impostor, home.root->key_id(), home.random), Code::kDenied,
               "the root doesn't open this home");
}

TEST_P(HomeRoot, HomeIdChanged) {
  Home home(GetParam());
  home.close();
  home.sql("UPDATE settings SET value = '00112233445566778899aabbccddeeff' WHERE name = 'home_id'");
  expect_error(home.open(), Code::kDenied, "the root doesn't open this home");
}

TEST_P(HomeRoot, DamagedRootCheck) {
  Home home(GetParam());
  home.close();
  home.sql("UPDATE settings SET value = 'abcd' WHERE name = 'root_check'");
  expect_error(home.open(), Code::kCorrupt, "root check");
}

enum class Module { kSoftHsm, kNss };
using ModuleAndKind = std::tuple<Module, Kind>;
class HomeRootInARealToken : public ::testing::TestWithParam<ModuleAndKind> {};

std::string module_and_kind_name(const ::testing::TestParamInfo<ModuleAndKind>& info) {
  const std::string module = std::get<Module>(info.param) == Module::kNss ? "Nss" : "SoftHsm";
  return module + (std::get<Kind>(info.param) == Kind::kSqlite ? "Sqlite" : "Postgres");
}
INSTANTIATE_TEST_SUITE_P(Modules, HomeRootInARealToken,
                         ::testing::Combine(::testing::Values(Module::kSoftHsm, Module::kNss),
                                            ::testing::ValuesIn(kinds())),
                         module_and_kind_name);

TEST_P(HomeRootInARealToken, WorksAndOpensAgain) {
  const auto [module, kind] = GetParam();
  const auto token = module == Module::kNss ? testing::TestToken::start_nss() : testing::TestToken::start_softhsm();
  if (token == nullptr) GTEST_SKIP() << "the module or its tools aren't installed";
  crypto::SystemRandom random;
  const Caller caller{"uid:0 root", kStart};
  auto root = kms::Pkcs11Key::open(token->location("root"), token->pin(), kms::Pkcs11Key::IfAbsent::kGenerate, random);
  expect_ok(root);
  StorePlace place(kind);
  auto keys = Hierarchy::create(place.create().value(), **root, (*root)->key_id(), random, caller);
  expect_ok(keys);
  expect_ok(keys->create_tenant(kAcme, std::nullopt, caller));
  expect_ok(keys->create_dataset(kMnist, caller));
  expect_ok(keys->rotate_kek(kAcme, caller));
  expect_ok(keys->unlock_keyring(kMnist, "open", caller));
  EXPECT_EQ(keys->store().tenant("acme", "")->versions[1].wrapped.type, crypto::WrapType::kPkcs11);

  auto other =
      kms::Pkcs11Key::open(token->location("other"), token->pin(), kms::Pkcs11Key::IfAbsent::kGenerate, random);
  expect_ok(other);
  const auto open = [&](kms::Pkcs11Key& key) {
    return Hierarchy::open(place.open().value(), key, key.key_id(), random);
  };
  expect_ok(open(**root));
  expect_error(open(**other), Code::kDenied, "the home uses root");
}

TEST_P(HomeRoot, OutOfReach) {
  Home home(GetParam());
  expect_ok(home.keys->create_tenant(kAcme, std::nullopt, home.caller()));
  testing::FailingKey gone(Error(Code::kUnavailable, "the token was pulled out"));
  home.close();
  expect_error(Hierarchy::open(home.place.open().value(), gone, home.root->key_id(), home.random), Code::kUnavailable,
               "pulled out");
}

TEST_P(Tenants, CreatedOnce) {
  Home home(GetParam());
  const auto tenant = home.keys->create_tenant(kAcmeProduction, days(90), home.caller());
  expect_ok(tenant);
  EXPECT_EQ(tenant->name(), "acme/production");
  EXPECT_EQ(tenant->kek_id.size(), 32u);
  EXPECT_EQ(tenant->rotate_after, days(90));
  ASSERT_EQ(tenant->versions.size(), 1u);
  EXPECT_EQ(tenant->versions[0].wrapped.key_id, home.root->key_id());
  expect_error(home.keys->create_tenant(kAcmeProduction, std::nullopt, home.caller()), Code::kExists,
               "acme/production");
  const audit::Event refusal = home.last_event();
  EXPECT_EQ(refusal.action, "tenant.create");
  EXPECT_EQ(refusal.outcome, audit::Outcome::kRefused);
  EXPECT_EQ(refusal.actor, "uid:1000 alice");
  expect_error(home.keys->create_tenant({"Acme!", ""}, std::nullopt, home.caller()), Code::kInvalid);
  expect_error(home.keys->create_tenant({"a/b", "c"}, std::nullopt, home.caller()), Code::kInvalid);
  expect_error(home.keys->create_tenant(kRival, Duration{-1}, home.caller()), Code::kInvalid);
}

TEST_P(AuditOfKeys, EveryChangeHasARowAndNoneHoldsKeyBytes) {
  Home home(GetParam());
  const Caller caller = home.caller();
  expect_ok(home.keys->create_tenant(kAcme, std::nullopt, caller));
  expect_ok(home.keys->create_dataset(kMnist, caller));
  expect_ok(home.keys->unlock_keyring(kMnist, "seal", caller));
  expect_ok(home.keys->rotate_dataset_key(kMnist, caller));
  expect_ok(home.keys->set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kDisabled, caller));
  expect_ok(home.keys->add_recipient(kMnist, crypto::HpkeKem::kX25519, caller));
  expect_ok(home.keys->rotate_kek(kAcme, caller));
  expect_ok(home.keys->disable_kek(kAcme, 1, caller));
  expect_ok(home.keys->enable_kek(kAcme, 1, caller));
  expect_ok(home.keys->schedule_kek_destruction(kAcme, 1, days(7), caller));
  expect_ok(home.keys->cancel_kek_destruction(kAcme, 1, caller));
  expect_ok(home.keys->destroy_kek_immediately(kAcme, 1, "test", caller));
  expect_ok(home.keys->record(
      audit::Event{kStart, "uid:1", "object.open", "acme", "object 7", audit::Outcome::kRefused, "no"}));
  const std::vector<std::string> expected = {"home.create",
                                             "tenant.create",
                                             "dataset.create",
                                             "keyring.unlock",
                                             "dataset_key.rotate",
                                             "dataset_key.set_state",
                                             "dataset.add_recipient",
                                             "kek.rotate",
                                             "kek.disable",
                                             "kek.enable",
                                             "kek.schedule_destruction",
                                             "kek.cancel_destruction",
                                             "kek.destroy_immediately",
                                             "object.open"};
  std::vector<std::string> actions;
  const std::string wrapped = to_hex(home.kek(kAcme, 2).wrapped.ciphertext);
  for (const audit::Row& row : home.audit_rows()) {
    actions.push_back(row.event.action);
    EXPECT_EQ(row.event.detail.find(wrapped.substr(0, 16)), std::string::npos);
  }
  EXPECT_EQ(actions, expected);
}

}  // namespace
}  // namespace cloister::keys
