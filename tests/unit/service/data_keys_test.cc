// Data keys through the whole service: what comes back opens, and every way to be refused.
#include "service/data_keys.h"

#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

constexpr const char* kMnist = "/v1/tenants/acme/datasets/mnist";

class DataKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"acme", "acme/production", "rival", "small"}) {
      const auto tenant = testing::value_of(keys::parse_tenant_name(name));
      ASSERT_TRUE(home_.keys->create_tenant(tenant, std::nullopt, Harness::caller()).ok());
      ASSERT_TRUE(home_.keys->create_dataset({tenant.tenant, tenant.environment, "mnist"}, Harness::caller()).ok());
    }
    home_.start();
  }

  static Json item(std::string_view object, const Json& of) {
    return {{"object", base64_of(object)}, {"version", of["version"]}, {"wrapped", of["wrapped"]}};
  }
  static std::string keys_body(const std::vector<Json>& items) { return Json{{"keys", items}}.dump(); }
  Json generate(const std::string& dataset, std::string_view object, const Sender& sender = {}) {
    const auto answered =
        home_.send("POST", dataset + "/generate", keys_body({{{"object", base64_of(object)}}}), sender);
    EXPECT_EQ(answered.status(), 200U) << answered.body();
    return answered.json()["keys"][0];
  }
  Answered unwrap(const std::string& dataset, const std::vector<Json>& items, const Sender& sender = {}) {
    return home_.send("POST", dataset + "/unwrap", keys_body(items), sender);
  }

  Harness home_;
};

TEST_F(DataKeysTest, GeneratedKeyUnwraps) {
  const Json made = generate(kMnist, "object-1");
  EXPECT_EQ(from_base64(made["key"].get<std::string>())->size(), 32U);
  EXPECT_EQ(from_base64(made["wrapped"].get<std::string>())->size(), 72U);
  const auto answered = unwrap(kMnist, {item("object-1", made)});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(answered.header("content-type"), "application/json");
  EXPECT_EQ(answered.header("request-id").size(), 24U);
  const Json json = answered.json();
  EXPECT_EQ(json["keys"][0]["key"].get<std::string>(), made["key"].get<std::string>());
  EXPECT_EQ(json["lease_seconds"].get<int>(), 300);
  EXPECT_EQ(json["keyring"].get<std::string>().size(), 32U);
}

TEST_F(DataKeysTest, TheLibraryOpensWhatTheServiceWrapped) {
  const Json made = generate(kMnist, "object-1");
  auto keyring = testing::value_of(home_.keys->unlock_keyring({"acme", "", "mnist"}, "open", Harness::caller()));
  auto wrapper = testing::value_of(seal::KeyringWrapper::create(keyring, home_.random));
  crypto::WrapContext context{"acme", "mnist", to_bytes(as_bytes("object-1")), "dek", {}};
  crypto::WrappedKey wrapped{crypto::WrapType::kDatasetKey,
                             to_hex(keyring.outline().keyring_id),
                             made["version"].get<std::uint32_t>(),
                             {},
                             testing::value_of(from_base64(made["wrapped"].get<std::string>()))};
  const auto key = testing::value_of(wrapper->unwrap(wrapped, context));
  EXPECT_EQ(to_base64(key.secret().expose()), made["key"].get<std::string>());
}

TEST_F(DataKeysTest, CountedKeysNameTheirObjects) {
  const auto answered = home_.send("POST", std::string(kMnist) + "/generate", R"({"count":3})");
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json keys = answered.json()["keys"];
  ASSERT_EQ(keys.size(), 3U);
  std::vector<Json> items;
  for (const Json& key : keys) {
    items.push_back({{"object", key["object"]}, {"version", key["version"]}, {"wrapped", key["wrapped"]}});
  }
  const auto opened = unwrap(kMnist, items);
  ASSERT_EQ(opened.status(), 200U) << opened.body();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(opened.json()["keys"][i]["key"].get<std::string>(), keys[i]["key"].get<std::string>());
  }
  EXPECT_NE(keys[0]["key"].get<std::string>(), keys[1]["key"].get<std::string>());
}

TEST_F(DataKeysTest, WrapAndRewrap) {
  const std::string key = to_base64(Bytes(32, 7));
  const Json items = {{{"object", base64_of("o")}, {"key", key}, {"commitment", to_base64(Bytes(32, 9))}}};
  const auto wrapped = home_.send("POST", std::string(kMnist) + "/wrap", Json{{"keys", items}}.dump());
  ASSERT_EQ(wrapped.status(), 200U) << wrapped.body();
  EXPECT_FALSE(wrapped.json()["keys"][0].contains("key"));
  ASSERT_TRUE(home_.keys->rotate_dataset_key({"acme", "", "mnist"}, Harness::caller()).ok());
  Json again = item("o", wrapped.json()["keys"][0]);
  again["commitment"] = to_base64(Bytes(32, 9));
  const auto rewrapped = home_.send("POST", std::string(kMnist) + "/rewrap", keys_body({again}));
  ASSERT_EQ(rewrapped.status(), 200U) << rewrapped.body();
  EXPECT_FALSE(rewrapped.json()["keys"][0].contains("key"));
  EXPECT_EQ(rewrapped.json()["keys"][0]["version"].get<int>(), 2);
  Json last = item("o", rewrapped.json()["keys"][0]);
  last["commitment"] = again["commitment"];
  EXPECT_EQ(unwrap(kMnist, {last}).json()["keys"][0]["key"].get<std::string>(), key);
}

TEST_F(DataKeysTest, AnotherContextDoesNotOpen) {
  const Json made = generate(kMnist, "object-1");
  expect_problem(unwrap(kMnist, {item("object-2", made)}), 403, "wrap-does-not-open");
  Json committed = item("object-1", made);
  committed["commitment"] = to_base64(Bytes(32, 1));
  expect_problem(unwrap(kMnist, {committed}), 403, "wrap-does-not-open");
  // The same dataset's name in the tenant's environment has another keyring.
  expect_problem(unwrap("/v1/tenants/acme/environments/production/datasets/mnist", {item("object-1", made)}), 403,
                 "wrap-does-not-open");
  Json cut = item("object-1", made);
  cut["wrapped"] = base64_of("short");
  expect_problem(unwrap(kMnist, {cut}), 403, "wrap-does-not-open");
}

TEST_F(DataKeysTest, EachKeyOfABatchForItself) {
  const Json made = generate(kMnist, "object-1");
  Json unknown = item("object-1", made);
  unknown["version"] = 99;
  const auto answered = unwrap(kMnist, {item("object-1", made), item("object-2", made), unknown});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json keys = answered.json()["keys"];
  EXPECT_EQ(keys[0]["key"].get<std::string>(), made["key"].get<std::string>());
  EXPECT_EQ(keys[1]["error"]["code"].get<std::string>(), "wrap-does-not-open");
  EXPECT_EQ(keys[2]["error"]["code"].get<std::string>(), "key-version-unknown");
  const auto event = home_.last_event();
  EXPECT_EQ(event.action, "unwrap");
  EXPECT_EQ(event.outcome, audit::Outcome::kAllowed);
  EXPECT_NE(event.detail.find("3 keys, 2 refused"), std::string::npos) << event.detail;
}

TEST_F(DataKeysTest, StatesOfKeyVersions) {
  const Json made = generate(kMnist, "o");
  ASSERT_TRUE(home_.keys->rotate_dataset_key({"acme", "", "mnist"}, Harness::caller()).ok());
  const auto set = [&](seal::DatasetKeyState state) {
    ASSERT_TRUE(home_.keys->set_dataset_key_state({"acme", "", "mnist"}, 1, state, Harness::caller()).ok());
  };
  EXPECT_EQ(unwrap(kMnist, {item("o", made)}).status(), 200U);
  set(seal::DatasetKeyState::kDisabled);
  expect_problem(unwrap(kMnist, {item("o", made)}), 409, "key-version-disabled");
  set(seal::DatasetKeyState::kEnabled);
  EXPECT_EQ(unwrap(kMnist, {item("o", made)}).status(), 200U);
  set(seal::DatasetKeyState::kDestroyed);
  expect_problem(unwrap(kMnist, {item("o", made)}), 410, "key-version-destroyed");
}

TEST_F(DataKeysTest, DisabledKekAtOnce) {
  const Json made = generate(kMnist, "o");
  EXPECT_EQ(unwrap(kMnist, {item("o", made)}).status(), 200U);
  ASSERT_TRUE(home_.keys->disable_kek({"acme", ""}, 1, Harness::caller()).ok());
  expect_problem(unwrap(kMnist, {item("o", made)}), 409, "wrong-state");
  ASSERT_TRUE(home_.keys->enable_kek({"acme", ""}, 1, Harness::caller()).ok());
  EXPECT_EQ(unwrap(kMnist, {item("o", made)}).status(), 200U);
}

TEST_F(DataKeysTest, WrongTenantReadsLikeNone) {
  const Json made = generate(kMnist, "o");
  const Sender rival{.id = kRivalTrainer};
  const auto of_acme = unwrap(kMnist, {item("o", made)}, rival);
  const auto of_nobody = unwrap("/v1/tenants/nobody/datasets/mnist", {item("o", made)}, rival);
  expect_problem(of_acme, 403, "refused");
  expect_problem(of_nobody, 403, "refused");
  std::string expected = of_acme.json()["detail"].get<std::string>();
  expected.replace(expected.find("acme"), 4, "nobody");
  EXPECT_EQ(of_nobody.json()["detail"].get<std::string>(), expected);
  EXPECT_EQ(of_acme.header("audit-index"), "");
  EXPECT_EQ(of_nobody.header("audit-index"), "");
  // Recorded, both: the one in the tenant's own tree.
  const auto rows = home_.audit_rows();
  EXPECT_EQ(rows.back().event.tenant, "");
  EXPECT_EQ(rows.back().event.subject, "nobody/mnist");
  EXPECT_EQ(rows.back().event.outcome, audit::Outcome::kRefused);
  EXPECT_EQ(rows[rows.size() - 2].event.tenant, "acme");
  EXPECT_EQ(rows[rows.size() - 2].event.actor, kRivalTrainer);
}

TEST_F(DataKeysTest, AnotherPurpose) {
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.purpose = "export"}), 403,
                 "refused");
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.purpose = ""}), 400,
                 "purpose-missing");
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.purpose = "fun"}), 400,
                 "invalid-request");
}

TEST_F(DataKeysTest, NobodyAndUnknownUsers) {
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.id = ""}), 401,
                 "unauthenticated");
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.uid = 1}), 401,
                 "unauthenticated");
  EXPECT_EQ(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})", {.uid = 4242}).status(), 200U);
}

TEST_F(DataKeysTest, NoSuchDataset) {
  expect_problem(home_.send("POST", "/v1/tenants/acme/datasets/none-such/generate", R"({"count":1})"), 404,
                 "not-found");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
}

TEST_F(DataKeysTest, LargeBatchGoesToAWorker) {
  const auto made = home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1000})");
  ASSERT_EQ(made.status(), 200U) << made.body();
  const Json keys = made.json()["keys"];
  std::vector<Json> items;
  for (const Json& key : keys) {
    items.push_back({{"object", key["object"]}, {"version", key["version"]}, {"wrapped", key["wrapped"]}});
  }
  const auto opened = unwrap(kMnist, items);
  ASSERT_EQ(opened.status(), 200U) << opened.body().substr(0, 300);
  ASSERT_EQ(opened.json()["keys"].size(), 1000U);
  EXPECT_EQ(opened.json()["keys"][999]["key"].get<std::string>(), keys[999]["key"].get<std::string>());
  EXPECT_NE(home_.last_event().detail.find("1000 keys; objects sha256:"), std::string::npos);
}

TEST_F(DataKeysTest, LargeRequestsOfWhoMayNotAsk) {
  const std::string body = R"({"keys":[)" + std::string(20'000, ' ');  // not looked at
  const std::string path = std::string(kMnist) + "/unwrap";
  expect_problem(home_.send("POST", path, body, {.id = kRivalTrainer}), 403, "refused");
  EXPECT_EQ(home_.last_event().outcome, audit::Outcome::kRefused);
  expect_problem(home_.send("POST", path, body, {.uid = 7}), 401, "unauthenticated");
  EXPECT_EQ(home_.last_event().actor, "uid:7");
  expect_problem(home_.send("POST", path, body, {.purpose = ""}), 400, "purpose-missing");
  expect_problem(home_.send("POST", path, body), 400, "invalid-request");
  expect_problem(home_.send("POST", "/v1/tenants", body, {.id = kAdmin}), 400, "invalid-request");
}

TEST_F(DataKeysTest, MoreKeysThanTheQuota) {
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":2001})"), 403, "refused");
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":10001})"), 400, "invalid-request");
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":0})"), 400, "invalid-request");
}

TEST_F(DataKeysTest, TooOften) {
  const Sender anna{.id = kAdmin};
  const auto ask = [&] {
    return home_.send("POST", "/v1/tenants/small/datasets/mnist/generate", R"({"count":1})", anna);
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask().status(), 200U);
  const auto refused = ask();
  expect_problem(refused, 429, "quota-exceeded");
  EXPECT_EQ(refused.header("retry-after"), "1");
  home_.now = kStart + Duration{500};
  EXPECT_EQ(ask().status(), 200U);
  EXPECT_EQ(ask().status(), 429U);
}

TEST_F(DataKeysTest, MalformedBodies) {
  const std::string wrapped = to_base64(Bytes(72, 1));
  for (const std::string& body : std::vector<std::string>{
           "", "[]", "{", "{}", R"({"keys":[]})", R"({"keys":[{}]})", R"({"keys":{}})", R"({"count":1})",
           R"({"keys":[{"object":"bw==","version":1,"wrapped":")" + wrapped + R"("}]} x)",
           R"({"keys":[{"object":"bw==","version":1,"wrapped":")" + wrapped + R"(","key":"x"}]})",
           R"({"keys":[{"object":"bw==","version":1,"version":1,"wrapped":")" + wrapped + R"("}]})",
           R"({"keys":[{"object":"bw==","version":-1,"wrapped":")" + wrapped + R"("}]})",
           R"({"keys":[{"object":"bw==","version":1.0,"wrapped":")" + wrapped + R"("}]})",
           R"({"keys":[{"object":"bw","version":1,"wrapped":")" + wrapped + R"("}]})",
           R"({"keys":[{"object":"","version":1,"wrapped":")" + wrapped + R"("}]})",
           R"({"keys":[{"object":"bw==","version":1,"wrapped":"*"}]})",
           R"({"keys":[{"object":"bw==","version":1,"commitment":"bw==","wrapped":")" + wrapped + R"("}]})"}) {
    expect_problem(home_.send("POST", std::string(kMnist) + "/unwrap", body), 400, "invalid-request");
  }
  net::Request request;
  request.method = "POST";
  request.target = std::string(kMnist) + "/unwrap";
  request.body = net::to_buffer("{}");
  expect_problem(home_.send(std::move(request)), 415, "unsupported-media-type");
}

TEST_F(DataKeysTest, PathsAndMethods) {
  expect_problem(home_.send("POST", "/v1/tenants/acme/datasets/mnist/melt", "{}"), 404, "no-such-route");
  const auto answered = home_.send("GET", std::string(kMnist) + "/unwrap");
  expect_problem(answered, 405, "method-not-allowed");
  EXPECT_EQ(answered.header("allow"), "POST");
}

TEST_F(DataKeysTest, ChangedBetweenUseAndRecord) {
  // A rotation leaves the cached keyring behind: the answer comes from the new one.
  generate(kMnist, "o");
  ASSERT_TRUE(home_.keys->rotate_dataset_key({"acme", "", "mnist"}, Harness::caller()).ok());
  EXPECT_EQ(generate(kMnist, "o")["version"].get<int>(), 2);
}

TEST_F(DataKeysTest, PolicyIsSwappedWhole) {
  EXPECT_EQ(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})").status(), 200U);
  home_.service->reload(Harness::snapshot_of(""));
  expect_problem(home_.send("POST", std::string(kMnist) + "/generate", R"({"count":1})"), 403, "refused");
}

}  // namespace
}  // namespace cloister::service
