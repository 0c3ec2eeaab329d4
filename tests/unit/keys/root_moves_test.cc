// Several roots in one home: what is under which, moved from one to another, and what must not be lost on the way.
#include <algorithm>

#include "keys/root_use.h"
#include "tests/support/local_key.h"
#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

// A root that can be away, that can strike in the middle of a verb, and that can wrap badly.
class TestRoot final : public crypto::KeyWrapper {
 public:
  explicit TestRoot(std::unique_ptr<kms::SoftwareKey> key) : key_(std::move(key)) {}
  std::string id() const { return key_->key_id(); }
  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    if (away) return Error(Code::kUnavailable, "the root is away");
    ++wraps;
    if (auto now = std::exchange(hook, nullptr)) now();
    CLOISTER_TRY(crypto::WrappedKey wrapped, key_->wrap(key, context));
    if (damages) wrapped.ciphertext.back() ^= 1;
    last_ = context;
    return wrapped;
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    if (away) return Error(Code::kUnavailable, "the root is away");
    if (leaves && context.canonical(wrapped.type, "", 0) != last_.canonical(wrapped.type, "", 0)) {
      return Error(Code::kUnavailable, "it has gone away");
    }
    return key_->unwrap(wrapped, deaf ? last_ : context);
  }
  bool away = false, damages = false, deaf = false;
  bool leaves = false;  // when it is asked in another context than it last wrapped in
  unsigned wraps = 0;
  std::function<void()> hook;

 private:
  std::unique_ptr<kms::SoftwareKey> key_;
  crypto::WrapContext last_;
};

class RootMoves : public OnBoth {
 protected:
  RootMoves() : first_(open_key("root.key")), second_(make_key("second.key")), settings_(own_rooted_settings()) {
    reopen();
    expect_ok(keys().add_root("second", {second_, second_->id()}, home_.caller()));
    for (const TenantName& name : {kAcme, kRival}) expect_ok(keys().create_tenant(name, std::nullopt, home_.caller()));
    for (const DatasetName& name : {kMnist, kRivalMnist}) expect_ok(keys().create_dataset(name, home_.caller()));
  }
  std::shared_ptr<TestRoot> open_key(const std::string& name) {
    return std::make_shared<TestRoot>(home_.open_root(home_.directory / name));
  }
  std::shared_ptr<TestRoot> make_key(const std::string& name) {
    CLOISTER_CHECK(kms::create_key_file(home_.directory / name, std::nullopt, {}, home_.random).ok());
    return open_key(name);
  }
  std::vector<RootEntry> entries() {
    std::vector<RootEntry> entries;
    for (const auto& [name, root] : {std::pair{"first", first_}, std::pair{"second", second_}}) {
      if (root) entries.push_back({name, root->id(), [root = root] { return OpenedRoot{root, root->id()}; }});
    }
    return entries;
  }
  Result<Hierarchy> open() {
    return Hierarchy::open(home_.place.open().value(), std::make_shared<Roots>(entries()), home_.random);
  }
  void reopen() {
    home_.close();
    auto opened = open();
    CLOISTER_CHECK(opened.ok());
    home_.keys.emplace(std::move(*opened));
  }
  Hierarchy& keys() { return *home_.keys; }
  RootUse use_of(const TestRoot& root) { return root_use(keys().store(), root.id(), settings_).value(); }
  TenantRecord acme() { return keys().store().tenant("acme", "").value(); }
  Result<Move> move(std::string_view root = "second") { return keys().move_kek(kAcme, root, home_.caller()); }
  Result<seal::Keyring> unlock(const DatasetName& name) { return keys().unlock_keyring(name, "open", home_.caller()); }

  Home home_{GetParam()};
  std::shared_ptr<TestRoot> first_, second_;
  const RootedSettings settings_;
};
INSTANTIATE_TEST_SUITE_P(On, RootMoves, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(RootMoves, EveryVersionGoesAndTheKeyringsFollow) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  const auto keyring = unlock(kMnist);
  const auto moved = move();
  expect_ok(moved);
  EXPECT_EQ(moved->wraps, 2u);
  EXPECT_EQ(moved->sources, std::vector{first_->id()});
  EXPECT_EQ(moved->cost.objects_touched, 4u);  // two versions, a new one, a keyring
  const TenantRecord tenant = acme();
  ASSERT_EQ(tenant.versions.size(), 3u);
  for (const KekVersion& version : tenant.versions) EXPECT_EQ(version.wrapped.key_id, second_->id());
  EXPECT_EQ(tenant.versions[0].state, KeyState::kDisabled);
  EXPECT_EQ(datasets_under(keys().store(), kAcme, 3)->size(), 1u);
  EXPECT_EQ(home_.last_event().action, "kek.move");
  EXPECT_NE(home_.last_event().detail.find("to " + second_->id()), std::string::npos);

  first_->away = true;
  const auto again = unlock(kMnist);
  expect_ok(again);
  EXPECT_EQ(again->dataset_key(1)->material().secret().size(), 32u);
  EXPECT_EQ(again->outline().keyring_id, keyring->outline().keyring_id);
  expect_error(unlock(kRivalMnist), Code::kUnavailable, "away");
  first_->away = false;
  expect_ok(keys().enable_kek(kAcme, 1, home_.caller()));
  EXPECT_TRUE(use_of(*first_).tenants == std::vector<std::string>{"rival"});
}

TEST_P(RootMoves, TwiceIsOnceAndThereAndBack) {
  expect_ok(move());
  const std::uint64_t rows = keys().store().audit_head()->rows;
  const unsigned wraps = second_->wraps;
  const auto again = move();
  expect_ok(again);
  EXPECT_TRUE(again->nothing_to_do());
  EXPECT_EQ(keys().store().audit_head()->rows, rows);
  EXPECT_EQ(second_->wraps, wraps);
  expect_ok(move("first"));
  EXPECT_TRUE(use_of(*second_).empty());
  second_->away = true;
  expect_ok(unlock(kMnist));
}

TEST_P(RootMoves, WhatComesLaterStaysUnderTheTenantsRoot) {
  expect_ok(move());
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  EXPECT_EQ(acme().versions.back().wrapped.key_id, second_->id());
  const auto made = keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller(), "second");
  expect_ok(made);
  EXPECT_EQ(made->versions[0].wrapped.key_id, second_->id());
  expect_error(keys().create_tenant({"x", ""}, std::nullopt, home_.caller(), "third"), Code::kNotFound, "third");
}

TEST_P(RootMoves, NewestThatIsDisabledGetsNoSuccessor) {
  expect_ok(keys().disable_kek(kAcme, 1, home_.caller()));
  expect_ok(move());
  EXPECT_EQ(acme().versions.size(), 1u);
  EXPECT_EQ(acme().versions[0].state, KeyState::kDisabled);
  expect_error(unlock(kMnist), Code::kDenied, "disabled");
  expect_ok(keys().enable_kek(kAcme, 1, home_.caller()));
  expect_ok(unlock(kMnist));
}

TEST_P(RootMoves, DestroyedVersionsAreUnderNothing) {
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().destroy_kek_immediately(kAcme, 1, "a test", home_.caller()));
  expect_ok(move());
  expect_ok(keys().move_kek(kRival, "second", home_.caller()));
  EXPECT_EQ(use_of(*first_).kek_versions, 0u);
  EXPECT_EQ(acme().versions[0].state, KeyState::kDestroyed);
}

TEST_P(RootMoves, TargetThatIsAwayOrDamages) {
  const TenantRecord before = acme();
  second_->away = true;
  expect_error(move(), Code::kUnavailable, "away");
  second_->away = false;
  second_->damages = true;
  expect_error(move(), Code::kDenied, "open what was wrapped just now");
  second_->damages = false;
  EXPECT_EQ(acme().row_version, before.row_version);
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  expect_ok(unlock(kMnist));
  expect_ok(move());
}

TEST_P(RootMoves, SourceThatIsAway) {
  first_->away = true;
  expect_error(move(), Code::kUnavailable, "away");
  first_->away = false;
  EXPECT_EQ(acme().versions.size(), 1u);
  expect_ok(move());
}

// Prepared from what isn't there any more: done again from what is.
TEST_P(RootMoves, RotatedInTheMiddle) {
  auto other = open();
  expect_ok(other);
  second_->hook = [&] { expect_ok(other->rotate_kek(kAcme, home_.caller())); };
  const auto moved = move();
  expect_ok(moved);
  EXPECT_EQ(moved->wraps, 2u);
  EXPECT_EQ(acme().versions.size(), 3u);
  EXPECT_TRUE(use_of(*first_).tenants == std::vector<std::string>{"rival"});
  expect_ok(unlock(kMnist));
}

TEST_P(RootMoves, DatasetMadeInTheMiddle) {
  auto other = open();
  const DatasetName name{"acme", "", "late"};
  second_->hook = [&] { expect_ok(other->create_dataset(name, home_.caller())); };
  expect_ok(move());
  first_->away = true;
  expect_ok(unlock(name));
  EXPECT_EQ(datasets_under(keys().store(), kAcme, 2)->size(), 2u);
}

TEST_P(RootMoves, UnknownRootOrTenant) {
  expect_error(move("third"), Code::kNotFound, "third");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  expect_error(keys().move_kek({"nobody", ""}, "second", home_.caller()), Code::kNotFound, "nobody");
}

// A row's KEK, moved, is still bound to its tenant, its version and its home.
TEST_P(RootMoves, MovedRowOfAnotherTenant) {
  expect_ok(move());
  expect_ok(keys().move_kek(kRival, "second", home_.caller()));
  const KekVersion rival = home_.kek(kRival, 2);
  home_.sql("UPDATE kek_versions SET wrapped = " + home_.place.blob(rival.wrapped.ciphertext) +
            " WHERE version = 2 AND kek_id = '" + acme().kek_id + "'");
  expect_error(unlock(kMnist), Code::kDenied);
}

TEST_P(RootMoves, HomeLeavesItsFirstRootAltogether) {
  const auto log_key = keys().log_key(*keys().store().log_server() + "/acme");
  expect_error(keys().remove_root("first", settings_, home_.caller()), Code::kDenied, "the home's own");
  for (const TenantName& name : {kAcme, kRival}) expect_ok(keys().move_kek(name, "second", home_.caller()));
  const auto moved = keys().move_home("second", settings_, home_.caller());
  expect_ok(moved);
  EXPECT_EQ(moved->wraps, 2u);  // the root check and the log's key
  EXPECT_EQ(home_.last_event().action, "root.default");
  EXPECT_TRUE(use_of(*first_).empty());
  EXPECT_EQ(*keys().open_all_under("second", settings_), 6u);
  const auto again = keys().move_home("second", settings_, home_.caller());
  expect_ok(again);
  EXPECT_TRUE(again->nothing_to_do());
  expect_ok(keys().remove_root("first", settings_, home_.caller()));
  EXPECT_EQ(home_.last_event().action, "root.remove");
  expect_error(move("first"), Code::kNotFound);

  first_.reset();
  reopen();
  expect_ok(unlock(kMnist));
  expect_ok(keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller()));
  const auto same = keys().log_key(*keys().store().log_server() + "/acme");
  expect_ok(same);
  EXPECT_EQ(same->text(), log_key->text());
  EXPECT_EQ(known_roots(keys().store())->size(), 1u);
}

TEST_P(RootMoves, RootThatIsNeededStays) {
  expect_ok(move());
  expect_error(keys().remove_root("second", settings_, home_.caller()), Code::kDenied, "1 tenant (acme)");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  expect_error(keys().remove_root("third", settings_, home_.caller()), Code::kNotFound);
  expect_ok(unlock(kMnist));
}

// Something that names the root in a setting nobody here knows how to move: better kept than lost.
TEST_P(RootMoves, SettingThatNobodyKnows) {
  const std::string id = second_->id();
  for (const std::string& value :
       {id, to_hex(as_bytes("x" + id)), std::string(64, 'a') + "\n" + to_hex(as_bytes(id))}) {
    home_.sql("INSERT INTO settings VALUES ('of_tomorrow', '" + value + "')");
    EXPECT_EQ(use_of(*second_).strangers, std::vector<std::string>{"of_tomorrow"}) << value;
    expect_error(keys().remove_root("second", settings_, home_.caller()), Code::kDenied, "of_tomorrow");
    home_.sql("DELETE FROM settings WHERE name = 'of_tomorrow'");
  }
  expect_ok(keys().remove_root("second", settings_, home_.caller()));
}

TEST_P(RootMoves, HomeMovedToARootThatIsAwayOrDamages) {
  second_->away = true;
  expect_error(keys().move_home("second", settings_, home_.caller()), Code::kUnavailable, "away");
  second_->away = false;
  second_->damages = true;
  expect_error(keys().move_home("second", settings_, home_.caller()), Code::kDenied, "wrapped just now");
  EXPECT_TRUE(use_of(*second_).empty());
  expect_ok(open());
}

TEST_P(RootMoves, HalfMovedSettingIsFinished) {
  expect_ok(keys().move_home("second", settings_, home_.caller()));
  const RootedSettings check_alone(settings_.begin(), settings_.begin() + 1);
  expect_ok(keys().move_home("first", check_alone, home_.caller()));
  EXPECT_EQ(use_of(*second_).settings, std::vector<std::string>{"log_key"});
  const auto rest = keys().move_home("first", settings_, home_.caller());
  expect_ok(rest);
  EXPECT_EQ(rest->wraps, 1u);
  EXPECT_TRUE(use_of(*second_).empty());
}

TEST_P(RootMoves, AddedTwiceUnderTwoNamesOrBadly) {
  const OpenedRoot second{second_, second_->id()};
  expect_ok(keys().add_root("second", second, home_.caller()));
  expect_error(keys().add_root("other", second, home_.caller()), Code::kExists, "is root second already");
  expect_error(keys().add_root("first", second, home_.caller()), Code::kExists, "there is a root first");
  expect_error(keys().add_root("Bad Name", second, home_.caller()), Code::kInvalid);
  const auto third = make_key("third.key");
  third->damages = true;
  expect_error(keys().add_root("third", {third, third->id()}, home_.caller()), Code::kDenied, "try root third");
  third->damages = false;
  expect_error(keys().add_root("third", {third, "file:other"}, home_.caller()), Code::kUnsupported, "name the key");
  third->leaves = true;
  expect_error(keys().add_root("third", {third, third->id()}, home_.caller()), Code::kUnavailable, "gone away");
  third->leaves = false;
  third->deaf = true;
  expect_error(keys().add_root("third", {third, third->id()}, home_.caller()), Code::kUnsupported, "in a context");
}

// The home as it was made before there were several roots.
TEST_P(RootMoves, HomeFromBeforeNamesItsRootFirst) {
  home_.sql("DELETE FROM settings WHERE name LIKE 'root:%'");
  reopen();
  const auto known = known_roots(keys().store());
  expect_ok(known);
  ASSERT_EQ(known->size(), 1u);
  EXPECT_EQ(known->front().name, "first");
  EXPECT_TRUE(known->front().home);
  expect_ok(keys().rotate_kek(kAcme, home_.caller()));
  expect_ok(keys().add_root("second", {second_, second_->id()}, home_.caller()));
  EXPECT_EQ(known_roots(keys().store())->size(), 2u);
  expect_ok(move());
}

TEST_P(RootMoves, RemovedWhileATenantIsMadeUnderIt) {
  auto other = open();
  second_->hook = [&] { expect_ok(other->remove_root("second", settings_, home_.caller())); };
  expect_error(keys().create_tenant(kAcmeProduction, std::nullopt, home_.caller(), "second"), Code::kDenied,
               "isn't one of this home any more");
  EXPECT_TRUE(use_of(*second_).empty());
}

}  // namespace
}  // namespace cloister::keys
