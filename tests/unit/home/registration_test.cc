// Registration entries in a store: made, found, ended, and not to be made up by whoever can write to it.
#include "home/registration.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/unit/keys/home.h"

namespace cloister::home {
namespace {

using testing::expect_refused;
using testing::value_of;

mesh::RegistrationEntry entry(const std::string& uri, const std::string& selector, Time created = {}) {
  mesh::RegistrationEntry made{{}, value_of(identity::SpiffeId::parse(uri)), {}, {}, {}, {}, {}, {}, created};
  made.selectors.push_back(value_of(mesh::parse_selector(selector)));
  CLOISTER_CHECK(mesh::check_entry(made).ok());
  return made;
}

class RegistrationTest : public ::testing::Test {
 protected:
  RegistrationTest()
      : settings(value_of(service::AuthenticSettings::open(store(), *home.root, home.random, home.caller()))) {}
  keys::Store& store() { return home.keys->store(); }
  std::vector<mesh::RegistrationEntry> all() { return value_of(read_entries(store(), settings)); }

  keys::Home home;
  service::AuthenticSettings settings;
};

TEST_F(RegistrationTest, MadeAndEndedOnRecord) {
  const auto young = entry("spiffe://acme.test/a", "unix:uid:1", Time{2});
  const auto old = entry("spiffe://acme.test/b", "unix:uid:1", Time{1});
  ASSERT_TRUE(create_entry(store(), settings, young, home.caller()).ok());
  ASSERT_TRUE(create_entry(store(), settings, old, home.caller()).ok());
  EXPECT_EQ(all(), (std::vector{old, young}));
  EXPECT_EQ(value_of(find_entry(store(), settings, young.id)), young);
  ASSERT_TRUE(delete_entry(store(), settings, old.id, home.caller()).ok());
  EXPECT_EQ(all(), std::vector{young});
  std::vector<std::string> actions;
  ASSERT_TRUE(store()
                  .for_each_audit_row([&](const audit::Row& row) -> Status {
                    if (row.event.action.starts_with("entry.")) {
                      actions.push_back(row.event.action + " " + row.event.subject);
                    }
                    return {};
                  })
                  .ok());
  EXPECT_EQ(actions, (std::vector<std::string>{"entry.create spiffe://acme.test/a", "entry.create spiffe://acme.test/b",
                                               "entry.delete spiffe://acme.test/b"}));
}

TEST_F(RegistrationTest, TwiceTheSame) {
  const auto one = entry("spiffe://acme.test/a", "unix:uid:1");
  ASSERT_TRUE(create_entry(store(), settings, one, home.caller()).ok());
  expect_refused(create_entry(store(), settings, one, home.caller()), Code::kExists, one.id);
}

TEST_F(RegistrationTest, EntryThatIsNotThere) {
  expect_refused(find_entry(store(), settings, std::string(32, '0')), Code::kNotFound, "no entry");
  expect_refused(delete_entry(store(), settings, "'; drop table", home.caller()), Code::kNotFound, "no entry");
}

TEST_F(RegistrationTest, WrittenByWhoeverHasTheStore) {
  const auto one = entry("spiffe://acme.test/a", "unix:uid:1");
  const auto other = entry("spiffe://acme.test/root", "unix:uid:1");
  ASSERT_TRUE(create_entry(store(), settings, one, home.caller()).ok());
  const std::string stored = value_of(store().setting("entry:" + one.id));
  const auto forge = [&](const std::string& name, const std::string& value) {
    const audit::Event event{home.caller().now, "thief", "test", "", "", audit::Outcome::kAllowed, ""};
    ASSERT_TRUE(
        store().change(event, [&](keys::Store::Change& change) { return change.put_setting(name, value); }).ok());
  };
  forge("entry:" + other.id, stored.substr(0, 65) + mesh::format_entry(other));
  expect_refused(read_entries(store(), settings), Code::kCorrupt, "wasn't written by this service");
  // One that is real, under the name of another.
  forge("entry:" + other.id, stored);
  expect_refused(read_entries(store(), settings), Code::kCorrupt, "wasn't written by this service");
}

}  // namespace
}  // namespace cloister::home
