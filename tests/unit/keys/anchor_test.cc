// A store held to what is written down elsewhere: going on is well, and every way of going back is refused.
#include "keys/anchor.h"

#include <sys/stat.h>

#include <algorithm>

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

const std::string kId = "00112233445566778899aabbccddeeff";

class AnchorTest : public OnBoth {
 protected:
  void SetUp() override {
    home_.emplace(GetParam());
    expect_ok(home_->keys->create_tenant(kAcme, std::nullopt, home_->caller()));
    expect_ok(home_->keys->create_dataset(kMnist, home_->caller()));
    expect_ok(anchor_.make(store()));
    expect_ok(store().follow(anchor_));
  }
  Store& store() { return home_->keys->store(); }
  AnchorPoint point() {
    auto text = read_file(anchor_.file(), 1 << 20);
    EXPECT_TRUE(text.ok());
    auto read = parse_anchor(as_text(*text));
    EXPECT_TRUE(read.ok());
    return read.value();
  }
  void record() {
    expect_ok(store().record(audit::Event{kStart, "bob", "use", "acme", "", audit::Outcome::kAllowed, ""}));
  }
  // The newest rows go, as if they had never been.
  void cut_to(std::uint64_t rows) {
    const auto hash = store().audit_hash(rows);
    expect_ok(hash);
    home_->place.sql_on_audit("DELETE FROM audit WHERE sequence > " + std::to_string(rows));
    const std::string text = audit_mark({rows, *hash}).text;
    home_->sql("UPDATE settings SET value = '" + text + "' WHERE name = 'audit_head'");
  }

  std::optional<Home> home_;
  testing::TempDir elsewhere_;
  const Anchor anchor_{elsewhere_ / "anchor"};
};
INSTANTIATE_TEST_SUITE_P(On, AnchorTest, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(AnchorTest, GoesOnWithEveryChange) {
  const std::uint64_t before = point().head.rows;
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  EXPECT_EQ(point().head.rows, before + 1);
  expect_ok(anchor_.check(store()));
  home_->reopen();
  expect_ok(store().follow(anchor_));
  EXPECT_TRUE(point().destroyed.empty());
}

// Uses of keys change nothing that an older store would bring back.
TEST_P(AnchorTest, UsesDoNotMoveIt) {
  const std::uint64_t before = point().head.rows;
  record();
  EXPECT_EQ(point().head.rows, before);
  expect_ok(anchor_.check(store()));
}

TEST_P(AnchorTest, OlderStore) {
  if (GetParam() == Kind::kPostgres) GTEST_SKIP() << "its rows are cut in the same way";
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  cut_to(point().head.rows - 1);
  expect_error(anchor_.check(store()), Code::kDenied, "older copy");
}

TEST_P(AnchorTest, OlderStoreWithARowMadeUp) {
  if (GetParam() == Kind::kPostgres) GTEST_SKIP() << "its rows are cut in the same way";
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  cut_to(point().head.rows - 1);
  home_->reopen();
  record();
  record();
  expect_error(anchor_.check(store()), Code::kDenied, "another past");
}

// The program that runs has no reason to look back: it mustn't write down as true what it finds.
TEST_P(AnchorTest, OlderStoreUnderARunningProgram) {
  if (GetParam() == Kind::kPostgres) GTEST_SKIP() << "its rows are cut in the same way";
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  const AnchorPoint before = point();
  cut_to(before.head.rows - 1);
  home_->reopen();
  store().database().set_anchor(anchor_.file());
  record();
  expect_error(home_->keys->rotate_kek(kAcme, home_->caller()), Code::kDenied, "another past");
  expect_error(home_->keys->rotate_kek(kAcme, home_->caller()), Code::kDenied, "another past");
  EXPECT_EQ(point().head.rows, before.head.rows);
  EXPECT_EQ(point().head.hash, before.head.hash);
  expect_error(anchor_.check(store()), Code::kDenied, "another past");
}

TEST_P(AnchorTest, AnotherHome) {
  Home other(GetParam());
  expect_error(anchor_.check(other.keys->store()), Code::kDenied, "another home");
  expect_error(other.keys->store().follow(anchor_), Code::kDenied, "another home");
  expect_error(anchor_.make(other.keys->store()), Code::kDenied, "another home");
}

TEST_P(AnchorTest, AnchorThatIsGone) {
  ASSERT_TRUE(std::filesystem::remove(anchor_.file()));
  expect_error(anchor_.check(store()), Code::kNotFound, "anchor");
  // What was done is done, and who did it hears that it isn't noted.
  expect_error(home_->keys->rotate_kek(kAcme, home_->caller()), Code::kInternal, "kek.rotate is done");
  EXPECT_EQ(home_->last_event().outcome, audit::Outcome::kAllowed);
  EXPECT_EQ(store().tenant("acme", "")->versions.size(), 2U);
  expect_ok(anchor_.make(store()));
  expect_ok(anchor_.check(store()));
}

TEST_P(AnchorTest, DestroyedDatasetLeavesNoBytesWhenItIsNotNoted) {
  if (GetParam() == Kind::kPostgres) GTEST_SKIP() << "its rows are overwritten in the server's files";
  const Bytes keyring = store().dataset("acme", "", "mnist")->keyring;
  const Bytes mac(keyring.end() - 32, keyring.end());
  const auto is_on_disk = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(home_->store_path().parent_path())) {
      const auto bytes = read_file(entry.path(), 1 << 28);
      if (bytes.ok() && std::search(bytes->begin(), bytes->end(), mac.begin(), mac.end()) != bytes->end()) return true;
    }
    return false;
  };
  expect_ok(home_->keys->schedule_dataset_destruction(kMnist, days(7), home_->caller()));
  EXPECT_TRUE(is_on_disk());
  ASSERT_TRUE(std::filesystem::remove(anchor_.file()));
  EXPECT_FALSE(home_->keys->destroy_dataset(kMnist, home_->caller(days(7))).ok());
  EXPECT_FALSE(is_on_disk());
}

TEST_P(AnchorTest, AnchorThatOthersMayWrite) {
  ASSERT_EQ(::chmod(anchor_.file().c_str(), 0666), 0);
  expect_error(anchor_.check(store()), Code::kDenied);
}

// They put the anchor of another day back, which is right in itself.
TEST_P(AnchorTest, FolderThatOthersMayWrite) {
  ASSERT_EQ(::chmod(elsewhere_.path().c_str(), 0777), 0);
  expect_error(anchor_.check(store()), Code::kDenied, "folder");
  expect_error(anchor_.make(store()), Code::kDenied, "folder");
  expect_error(home_->keys->rotate_kek(kAcme, home_->caller()), Code::kDenied, "kek.rotate is done");
  ASSERT_EQ(::chmod(elsewhere_.path().c_str(), 0755), 0);
  expect_ok(anchor_.check(store()));
}

// Who may look into the folder mustn't be able to keep programs from noting their changes.
TEST_P(AnchorTest, LockOfItsOwn) {
  const auto folder = File::open_directory(elsewhere_.path());
  expect_ok(folder);
  expect_ok(folder->lock_exclusive());
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  struct stat lock{};
  ASSERT_EQ(::stat((anchor_.file().string() + ".lock").c_str(), &lock), 0);
  EXPECT_EQ(lock.st_mode & 0777, 0600U);
}

TEST_P(AnchorTest, DestroyedKekThatComesBack) {
  const KekVersion before = home_->kek(kAcme, 1);
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  expect_ok(home_->keys->destroy_kek_immediately(kAcme, 1, "leaked", home_->caller()));
  ASSERT_EQ(point().destroyed.size(), 1U);
  EXPECT_EQ(point().destroyed.begin()->owner, "acme");
  EXPECT_EQ(point().destroyed.begin()->version, 1U);
  expect_ok(anchor_.check(store()));
  // Whoever can write to the store writes its log on, too.
  Store& behind = store();
  expect_ok(behind.change(audit::Event{kStart, "eve", "kek.rotate", "acme", "", audit::Outcome::kAllowed, ""},
                          [&](Store::Change& change) -> Status {
                            CLOISTER_TRY(TenantRecord tenant, behind.tenant("acme", ""));
                            tenant.versions.front() = before;
                            return change.update_tenant(tenant);
                          }));
  expect_error(anchor_.check(store()), Code::kDenied, "version 1 of the KEK of acme was destroyed");
}

TEST_P(AnchorTest, DestroyedDatasetKeyThatComesBack) {
  const auto before = store().dataset("acme", "", "mnist");
  expect_ok(before);
  expect_ok(home_->keys->rotate_dataset_key(kMnist, home_->caller()));
  expect_ok(home_->keys->set_dataset_key_state(kMnist, 1, seal::DatasetKeyState::kDestroyed, home_->caller()));
  ASSERT_EQ(point().destroyed.size(), 1U);
  EXPECT_EQ(point().destroyed.begin()->owner, "acme/mnist");
  Store& behind = store();
  expect_ok(behind.change(audit::Event{kStart, "eve", "x", "acme", "", audit::Outcome::kAllowed, ""},
                          [&](Store::Change& change) -> Status {
                            CLOISTER_TRY(DatasetRecord row, behind.dataset("acme", "", "mnist"));
                            row.keyring = before->keyring;
                            return change.update_dataset(row);
                          }));
  expect_error(anchor_.check(store()), Code::kDenied, "version 1 of the key of acme/mnist was destroyed");
}

// By a program that was started before there was an anchor.
TEST_P(AnchorTest, DestroyedByWhoKnowsOfNoAnchor) {
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  {
    auto other = home_->open();
    expect_ok(other);
    expect_ok(other->destroy_kek_immediately(kAcme, 1, "leaked", home_->caller()));
  }
  EXPECT_TRUE(point().destroyed.empty());
  expect_ok(home_->keys->create_tenant(kRival, std::nullopt, home_->caller()));
  EXPECT_EQ(point().destroyed.size(), 1U);
}

TEST_P(AnchorTest, MadeAgainForgetsNothing) {
  expect_ok(home_->keys->rotate_kek(kAcme, home_->caller()));
  expect_ok(home_->keys->destroy_kek_immediately(kAcme, 1, "leaked", home_->caller()));
  expect_ok(anchor_.make(store()));
  EXPECT_EQ(point().destroyed.size(), 1U);
  ASSERT_TRUE(std::filesystem::remove(anchor_.file()));
  expect_ok(anchor_.make(store()));
  EXPECT_EQ(point().destroyed.size(), 1U);
}

TEST(AnchorText, OneSpelling) {
  AnchorPoint point;
  point.home_id = kId;
  point.head.rows = 7;
  point.destroyed = {{"acme/production", kId, 3, true}, {"acme/production/mnist", kId, 12, false}};
  const std::string text = format_anchor(point);
  const auto read = parse_anchor(text);
  expect_ok(read);
  EXPECT_EQ(format_anchor(*read), text);
  EXPECT_EQ(read->destroyed, point.destroyed);
  EXPECT_EQ(read->head.rows, 7U);
}

TEST(AnchorText, Malformed) {
  AnchorPoint point;
  point.home_id = kId;
  point.head.rows = 7;
  point.destroyed = {{"acme", kId, 3, true}};
  const std::string text = format_anchor(point);
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (size == text.find("kek ")) continue;
    expect_error(parse_anchor(text.substr(0, size)), Code::kInvalid, "not the anchor");
  }
  const auto with = [&](std::string_view from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return parse_anchor(changed);
  };
  for (const auto& [from, to] : std::initializer_list<std::pair<std::string, std::string>>{{"v1", "v2"},
                                                                                           {"rows 7", "rows 07"},
                                                                                           {"rows 7", "rows 0"},
                                                                                           {"rows 7", "rows -7"},
                                                                                           {kId + "\nrows", "00\nrows"},
                                                                                           {":3", ":0"},
                                                                                           {":3", ":03"},
                                                                                           {":3", ":99999999999"},
                                                                                           {"kek acme", "kek ../acme"},
                                                                                           {"kek acme", "key acme"},
                                                                                           {"kek acme", "kek  acme"}}) {
    expect_error(with(from, to), Code::kInvalid, "not the anchor");
  }
  const std::string line = text.substr(text.find("kek "));
  expect_error(parse_anchor(text + line), Code::kInvalid);
  expect_error(parse_anchor(text + "\n"), Code::kInvalid);
}

}  // namespace
}  // namespace cloister::keys
