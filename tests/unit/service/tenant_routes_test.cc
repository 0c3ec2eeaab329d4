// Tenants and KEKs over the API: each verb beside its refusals.
#include "service/tenant_routes.h"

#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

const Sender kAnna{.id = kAdmin, .purpose = "operate"};
const Sender kJob{.id = kTrainer, .purpose = "train"};

class TenantRoutesTest : public ::testing::Test {
 protected:
  void SetUp() override { home_.start(); }
  Answered admin(const std::string& method, const std::string& target, const std::string& body = "") {
    return home_.send(method, target, body, kAnna);
  }
  void make(const std::string& name) {
    const auto answered = admin("POST", "/v1/tenants", Json{{"name", name}}.dump());
    ASSERT_EQ(answered.status(), 201U) << answered.body();
  }
  std::string state_of(const Answered& kek, std::size_t version) {
    EXPECT_EQ(kek.status(), 200U) << kek.body();
    return kek.json()["versions"][version - 1]["state"].get<std::string>();
  }
  Harness home_;
};

TEST_F(TenantRoutesTest, CreateShowAndList) {
  const auto made = admin("POST", "/v1/tenants", R"({"name":"acme","rotate_after_seconds":86400})");
  ASSERT_EQ(made.status(), 201U) << made.body();
  EXPECT_EQ(made.json()["name"].get<std::string>(), "acme");
  EXPECT_EQ(made.json()["rotate_after_seconds"].get<int>(), 86400);
  EXPECT_TRUE(made.header("audit-index").find("/acme#0") != std::string::npos) << made.header("audit-index");
  make("acme/production");
  const auto shown = admin("GET", "/v1/tenants/acme/environments/production");
  ASSERT_EQ(shown.status(), 200U) << shown.body();
  EXPECT_EQ(shown.json()["name"].get<std::string>(), "acme/production");
  EXPECT_TRUE(shown.json()["rotate_after_seconds"].is_null());
  const auto list = admin("GET", "/v1/tenants");
  ASSERT_EQ(list.status(), 200U);
  EXPECT_EQ(list.json()["tenants"].size(), 2U);
}

TEST_F(TenantRoutesTest, CreateRefusals) {
  make("acme");
  expect_problem(admin("POST", "/v1/tenants", R"({"name":"acme"})"), 409, "exists");
  for (const char* body : {R"({"name":"Acme"})", R"({"name":"any"})", R"({"name":"a/b/c"})", R"({"name":7})", "{}", "",
                           "[]", "nonsense", R"({"name":"x","colour":"red"})", R"({"name":"x","name":"y"})",
                           R"({"name":"x","rotate_after_seconds":0})", R"({"name":"x","rotate_after_seconds":1.5})"}) {
    expect_problem(admin("POST", "/v1/tenants", body), 400, "invalid-request");
  }
  expect_problem(home_.send("POST", "/v1/tenants", R"({"name":"more"})", kJob), 403, "refused");
  expect_problem(home_.send("GET", "/v1/tenants", "", kJob), 403, "refused");
  expect_problem(admin("GET", "/v1/tenants/none-such"), 404, "not-found");
  expect_problem(home_.send("GET", "/v1/tenants/acme", "", {.id = kRivalTrainer}), 403, "refused");
  expect_problem(admin("GET", "/v1/tenants/acme?verbose=1"), 400, "invalid-request");
  expect_problem(admin("DELETE", "/v1/tenants/acme"), 405, "method-not-allowed");
}

TEST_F(TenantRoutesTest, Rotation) {
  make("acme");
  EXPECT_EQ(admin("PUT", "/v1/tenants/acme/rotation", R"({"rotate_after_seconds":60})")
                .json()["rotate_after_seconds"]
                .get<int>(),
            60);
  EXPECT_TRUE(admin("PUT", "/v1/tenants/acme/rotation", R"({"rotate_after_seconds":null})")
                  .json()["rotate_after_seconds"]
                  .is_null());
  expect_problem(admin("PUT", "/v1/tenants/acme/rotation", "{}"), 400, "invalid-request");
  expect_problem(admin("PUT", "/v1/tenants/other/rotation", R"({"rotate_after_seconds":60})"), 404, "not-found");
  expect_problem(home_.send("PUT", "/v1/tenants/acme/rotation", R"({"rotate_after_seconds":60})", kJob), 403,
                 "refused");
}

TEST_F(TenantRoutesTest, RotateKek) {
  make("acme");
  const auto rotated = admin("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"compromise"})");
  ASSERT_EQ(rotated.status(), 200U) << rotated.body();
  EXPECT_EQ(rotated.json()["versions"].size(), 2U);
  EXPECT_NE(rotated.header("audit-index").find("/acme#1"), std::string::npos) << rotated.header("audit-index");
  const auto event = home_.last_event();
  EXPECT_EQ(event.actor, kAdmin);
  EXPECT_NE(event.detail.find("compromise"), std::string::npos) << event.detail;
  expect_problem(admin("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"boredom"})"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/acme/kek/rotate", "{}"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/none/kek/rotate", R"({"reason":"scheduled"})"), 403, "refused");
  expect_problem(home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", kJob), 403, "refused");
}

TEST_F(TenantRoutesTest, StatesOfKekVersions) {
  make("acme");
  ASSERT_EQ(admin("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})").status(), 200U);
  const std::string first = "/v1/tenants/acme/kek/versions/1";
  EXPECT_EQ(state_of(admin("POST", first + "/disable"), 1), "disabled");
  expect_problem(admin("POST", first + "/disable"), 409, "wrong-state");
  EXPECT_EQ(state_of(admin("POST", first + "/enable"), 1), "enabled");
  expect_problem(admin("POST", first + "/destroy"), 409, "wrong-state");
  expect_problem(admin("POST", first + "/schedule-destruction", R"({"wait_seconds":60})"), 400, "invalid-request");
  const auto scheduled = admin("POST", first + "/schedule-destruction", R"({"wait_seconds":604800})");
  EXPECT_EQ(state_of(scheduled, 1), "destruction-scheduled");
  EXPECT_EQ(scheduled.json()["versions"][0]["destroy_at"].get<std::string>(), to_rfc3339(kStart + days(7)));
  expect_problem(admin("POST", first + "/destroy"), 409, "wrong-state");  // not yet
  EXPECT_EQ(state_of(admin("POST", first + "/cancel-destruction"), 1), "disabled");
  EXPECT_EQ(state_of(admin("POST", first + "/schedule-destruction"), 1), "destruction-scheduled");
  home_.now = kStart + days(31);
  EXPECT_EQ(state_of(admin("POST", first + "/destroy"), 1), "destroyed");
  expect_problem(admin("POST", first + "/enable"), 409, "wrong-state");
  expect_problem(admin("POST", "/v1/tenants/acme/kek/versions/9/disable"), 404, "not-found");
  expect_problem(admin("POST", "/v1/tenants/acme/kek/versions/x/disable"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/acme/kek/versions/0/disable"), 400, "invalid-request");
  expect_problem(admin("POST", first + "/disable", R"({"why":"so"})"), 400, "invalid-request");
  expect_problem(home_.send("POST", first + "/disable", "", kJob), 403, "refused");
}

TEST_F(TenantRoutesTest, DestroyImmediately) {
  make("acme");
  ASSERT_EQ(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"mnist"})").status(), 201U);
  const auto under = admin("GET", "/v1/tenants/acme/kek/versions/1/datasets");
  EXPECT_EQ(under.json()["datasets"], Json({"acme/mnist"}));
  expect_problem(admin("POST", "/v1/tenants/acme/kek/versions/1/destroy-immediately", "{}"), 400, "invalid-request");
  const auto destroyed =
      admin("POST", "/v1/tenants/acme/kek/versions/1/destroy-immediately", R"({"reason":"found on a paste site"})");
  EXPECT_EQ(state_of(destroyed, 1), "destroyed");
  expect_problem(admin("POST", "/v1/tenants/acme/datasets/mnist/generate", R"({"count":1})"), 409, "wrong-state");
}

TEST_F(TenantRoutesTest, RepeatedRequests) {
  const Sender once{.id = kAdmin, .purpose = "operate", .idempotency_key = "first try"};
  const auto made = home_.send("POST", "/v1/tenants", R"({"name":"acme"})", once);
  ASSERT_EQ(made.status(), 201U) << made.body();
  EXPECT_EQ(made.header("idempotency-replayed"), "");
  const auto again = home_.send("POST", "/v1/tenants", R"({"name":"acme"})", once);
  ASSERT_EQ(again.status(), 200U) << again.body();
  EXPECT_EQ(again.header("idempotency-replayed"), "true");
  EXPECT_EQ(again.json(), made.json());
  EXPECT_NE(again.header("audit-index"), "");
  EXPECT_NE(again.header("audit-index"), made.header("audit-index"));
  expect_problem(home_.send("POST", "/v1/tenants", R"({"name":"beta"})", once), 422, "idempotency-key-reused");
  expect_problem(admin("GET", "/v1/tenants/beta"), 404, "not-found");
  // A rotation that is asked for twice is done once.
  const Sender rotate{.id = kAdmin, .purpose = "operate", .idempotency_key = "rotate"};
  for (int i = 0; i < 2; ++i) {
    const auto rotated = home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", rotate);
    EXPECT_EQ(rotated.json()["versions"].size(), 2U) << rotated.body();
  }
  // The key is the sender's own, and for a day.
  const Sender bert{.id = "spiffe://acme.test/ops/bert", .purpose = "operate", .idempotency_key = "rotate"};
  EXPECT_EQ(
      home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", bert).json()["versions"].size(),
      3U);
  home_.now = kStart + hours(24);
  EXPECT_EQ(
      home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", rotate).json()["versions"].size(),
      4U);
  const Sender wrong{.id = kAdmin, .purpose = "operate", .idempotency_key = std::string(129, 'x')};
  expect_problem(home_.send("POST", "/v1/tenants", R"({"name":"beta"})", wrong), 400, "invalid-request");
}

TEST_F(TenantRoutesTest, RefusedChangeIsNotReplayed) {
  const Sender once{.id = kAdmin, .purpose = "operate", .idempotency_key = "k"};
  expect_problem(home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", once), 404,
                 "not-found");
  make("acme");
  EXPECT_EQ(home_.send("POST", "/v1/tenants/acme/kek/rotate", R"({"reason":"scheduled"})", once).status(), 200U);
}

}  // namespace
}  // namespace cloister::service
