// Access keys: made for a tenant's own workloads, shown once, kept wrapped, revoked.
#include "service/access_keys.h"

#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

class AccessKeysTest : public ::testing::Test {
 protected:
  AccessKeysTest() {
    testing::value_of(home_.keys->create_tenant({"acme", ""}, std::nullopt, Harness::caller()));
    testing::value_of(home_.keys->create_tenant({"acme", "production"}, std::nullopt, Harness::caller()));
    keys_ = make();
    home_.start(keys_->routes());
  }
  std::unique_ptr<AccessKeys> make() {
    return std::make_unique<AccessKeys>(
        testing::value_of(AuthenticSettings::open(home_.keys->store(), *home_.root, home_.random, Harness::caller())),
        home_.random);
  }
  Answered post(const Json& body, const std::string& path = "/v1/tenants/acme/access-keys",
                const Sender& sender = {kAdmin, "operate"}) {
    return home_.send("POST", path, body.dump(), sender);
  }
  static Json good(const std::string& caller = "spiffe://acme.test/acme/app") {
    return {{"caller", caller}, {"purpose", "backup"}};
  }

  Harness home_;
  std::unique_ptr<AccessKeys> keys_;
};

TEST_F(AccessKeysTest, MadeListedAndRevoked) {
  const Json made = post(good()).json();
  const std::string id = made["access_key_id"];
  const auto entry = keys_->find(id);
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(as_text(entry->secret.expose()), made["secret_access_key"].get<std::string>());
  EXPECT_EQ(entry->key.caller.uri(), "spiffe://acme.test/acme/app");
  EXPECT_EQ(entry->key.purpose, policy::Purpose::kBackup);
  EXPECT_EQ(home_.last_event().action, "access-key.create");
  EXPECT_EQ(home_.last_event().detail.find(made["secret_access_key"].get<std::string>()), std::string::npos);
  const Answered listed = home_.send("GET", "/v1/tenants/acme/access-keys", "", {kAdmin, "operate"});
  EXPECT_EQ(listed.json()["access_keys"].size(), 1U);
  EXPECT_EQ(listed.body().find("secret"), std::string::npos);
  EXPECT_EQ(home_.send("DELETE", "/v1/tenants/acme/access-keys/" + id, "", {kAdmin, "operate"}).status(), 200U);
  EXPECT_EQ(keys_->find(id), nullptr);
  expect_problem(home_.send("DELETE", "/v1/tenants/acme/access-keys/" + id, "", {kAdmin, "operate"}), 404, "not-found");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(AccessKeysTest, TheStoreDoesNotHoldTheSecret) {
  const Json made = post(good()).json();
  const std::string secret = made["secret_access_key"];
  const std::string raw = to_hex(testing::value_of(from_base64(secret, Base64::kUrl)));
  const auto rows = testing::value_of(home_.keys->store().settings("access_key:"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].second.find(secret), std::string::npos);
  EXPECT_EQ(rows[0].second.find(raw), std::string::npos);
}

TEST_F(AccessKeysTest, AnotherServerOfTheStoreKnowsThem) {
  const Json made = post(good()).json();
  const auto other = make();
  EXPECT_EQ(other->find(made["access_key_id"]), nullptr);
  EXPECT_TRUE(other->refresh(home_.keys->store()).ok());
  ASSERT_NE(other->find(made["access_key_id"]), nullptr);
  EXPECT_EQ(as_text(other->find(made["access_key_id"])->secret.expose()), made["secret_access_key"].get<std::string>());
}

TEST_F(AccessKeysTest, ARowUnderAnotherNameIsNone) {
  post(good());
  const std::string other = post(good()).json()["access_key_id"];
  home_.sql(
      "UPDATE settings SET name = 'access_key:CLAKAAAAAAAAAAAAAAAA' WHERE name LIKE 'access_key:%' AND name <> "
      "'access_key:" +
      other + "'");
  const auto again = make();
  EXPECT_TRUE(again->refresh(home_.keys->store()).ok());
  EXPECT_EQ(again->find("CLAKAAAAAAAAAAAAAAAA"), nullptr);
  EXPECT_NE(again->find(other), nullptr);
}

TEST_F(AccessKeysTest, Refusals) {
  expect_problem(post({{"purpose", "backup"}}), 400, "invalid-request");
  expect_problem(post({{"caller", "spiffe://acme.test/acme/app"}, {"purpose", "fun"}}), 400, "invalid-request");
  expect_problem(post(good("https://acme.test")), 400, "invalid-request");
  for (const char* foreign : {"spiffe://acme.test/rival/app", "spiffe://acme.test/ops/anna",
                              "spiffe://acme.test/cloister/keys", "spiffe://acme.test/acmex/app"}) {
    expect_problem(post(good(foreign)), 400, "invalid-request");
  }
  Json brief = good();
  brief["lifetime_seconds"] = 59;
  expect_problem(post(brief), 400, "invalid-request");
  expect_problem(post(good("spiffe://acme.test/nobody/app"), "/v1/tenants/nobody/access-keys"), 404, "not-found");
  expect_problem(post(good(), "/v1/tenants/acme/access-keys", {kTrainer, "train"}), 403, "refused");
  const std::string environment = "/v1/tenants/acme/environments/production/access-keys";
  const Answered made = post(good(), environment);
  EXPECT_EQ(made.json()["tenant"], "acme/production");
  const std::string id = made.json()["access_key_id"];
  expect_problem(home_.send("DELETE", "/v1/tenants/acme/access-keys/" + id, "", {kAdmin, "operate"}), 404, "not-found");
  EXPECT_EQ(home_.send("DELETE", environment + "/" + id, "", {kAdmin, "operate"}).status(), 200U);
}

TEST_F(AccessKeysTest, ExpiredOnesGoWhenTheNextIsMade) {
  Json brief = good();
  brief["lifetime_seconds"] = 60;
  const std::string id = post(brief).json()["access_key_id"];
  home_.now = home_.now.load() + minutes(2);
  post(good());
  EXPECT_EQ(keys_->find(id), nullptr);
  EXPECT_EQ(testing::value_of(home_.keys->store().settings("access_key:")).size(), 1U);
}

}  // namespace
}  // namespace cloister::service
