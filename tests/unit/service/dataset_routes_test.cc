// Datasets over the API, the policy's routes, randomness and the audit log.
#include "service/dataset_routes.h"

#include "audit/checkpoint.h"
#include "audit/export_line.h"
#include "service/audit_routes.h"
#include "service/policy_routes.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

const Sender kAnna{.id = kAdmin, .purpose = "operate"};
const Sender kJob{.id = kTrainer, .purpose = "train"};

class RoutesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    home_.start();
    for (const char* name : {"acme", "acme/production"}) {
      ASSERT_EQ(admin("POST", "/v1/tenants", Json{{"name", name}}.dump()).status(), 201U);
    }
  }
  Answered admin(const std::string& method, const std::string& target, const std::string& body = "") {
    return home_.send(method, target, body, kAnna);
  }
  Harness home_;
};

class DatasetRoutesTest : public RoutesTest {};

TEST_F(DatasetRoutesTest, CreateShowAndList) {
  const auto made = admin("POST", "/v1/tenants/acme/environments/production/datasets", R"({"name":"mnist"})");
  ASSERT_EQ(made.status(), 201U) << made.body();
  EXPECT_EQ(made.json()["tenant"].get<std::string>(), "acme/production");
  EXPECT_EQ(made.json()["keys"][0]["state"].get<std::string>(), "primary");
  EXPECT_EQ(from_base64(made.json()["signing_public_key"].get<std::string>())->size(), 32U);
  const auto shown = admin("GET", "/v1/tenants/acme/environments/production/datasets/mnist");
  EXPECT_EQ(shown.json(), made.json());
  const auto list = admin("GET", "/v1/tenants/acme/environments/production/datasets");
  EXPECT_EQ(list.json()["datasets"][0]["name"].get<std::string>(), "mnist");
  EXPECT_EQ(admin("GET", "/v1/tenants/acme/datasets").json()["datasets"].size(), 0U);
}

TEST_F(DatasetRoutesTest, Refusals) {
  ASSERT_EQ(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"mnist"})").status(), 201U);
  expect_problem(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"mnist"})"), 409, "exists");
  expect_problem(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"any"})"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"a/b"})"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/acme/datasets", "{}"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/beta/datasets", R"({"name":"mnist"})"), 404, "not-found");
  expect_problem(admin("GET", "/v1/tenants/beta/datasets"), 404, "not-found");
  expect_problem(admin("GET", "/v1/tenants/acme/datasets/other"), 404, "not-found");
  expect_problem(home_.send("POST", "/v1/tenants/acme/datasets", R"({"name":"x"})", kJob), 403, "refused");
  expect_problem(home_.send("GET", "/v1/tenants/acme/datasets/mnist", "", kJob), 403, "refused");
}

TEST_F(DatasetRoutesTest, VersionsOfTheDatasetKey) {
  ASSERT_EQ(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"mnist"})").status(), 201U);
  const std::string dataset = "/v1/tenants/acme/datasets/mnist";
  const auto rotated = admin("POST", dataset + "/rotate-key");
  ASSERT_EQ(rotated.status(), 200U) << rotated.body();
  EXPECT_EQ(rotated.json()["keys"].size(), 2U);
  EXPECT_NE(rotated.header("audit-index"), "");
  const auto state = [](const Answered& answered) {
    return answered.json()["keys"][0].value("state", answered.body());
  };
  EXPECT_EQ(state(admin("POST", dataset + "/keys/1/disable")), "disabled");
  EXPECT_EQ(state(admin("POST", dataset + "/keys/1/enable")), "enabled");
  expect_problem(admin("POST", dataset + "/keys/2/disable"), 400, "invalid-request");  // the primary
  expect_problem(admin("POST", dataset + "/keys/3/disable"), 404, "not-found");
  EXPECT_EQ(state(admin("POST", dataset + "/keys/1/destroy")), "destroyed");
  expect_problem(admin("POST", dataset + "/keys/1/enable"), 409, "wrong-state");
  expect_problem(home_.send("POST", dataset + "/rotate-key", "", kJob), 403, "refused");
  expect_problem(admin("POST", dataset + "/rotate-key", R"({"now":true})"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/tenants/acme/datasets/other/rotate-key"), 404, "not-found");
}

class PolicyRoutesTest : public RoutesTest {};

TEST_F(PolicyRoutesTest, ShowsWhatIsInForce) {
  const auto shown = admin("GET", "/v1/policy");
  ASSERT_EQ(shown.status(), 200U) << shown.body();
  EXPECT_EQ(shown.json()["id"].get<std::string>(), "test-1");
  EXPECT_EQ(shown.json()["sha256"].get<std::string>(), to_hex(crypto::sha256(as_bytes(kPolicy))));
  EXPECT_TRUE(shown.json()["not_after"].is_null());
  expect_problem(home_.send("GET", "/v1/policy", "", kJob), 403, "refused");
}

TEST_F(PolicyRoutesTest, TriesARequest) {
  Json request = {{"caller", kTrainer}, {"operation", "unwrap"}, {"tenant", "acme"},
                  {"dataset", "mnist"}, {"purpose", "train"},    {"keys", 5}};
  const auto allowed = admin("POST", "/v1/policy/test", request.dump());
  ASSERT_EQ(allowed.status(), 200U) << allowed.body();
  EXPECT_TRUE(allowed.json()["allowed"].get<bool>());
  EXPECT_EQ(allowed.json()["rule"].get<std::string>(), "trainers");
  request["purpose"] = "export";
  const auto refused = admin("POST", "/v1/policy/test", request.dump());
  EXPECT_FALSE(refused.json()["allowed"].get<bool>());
  EXPECT_TRUE(refused.json()["rule"].is_null());
  request["operation"] = "unwarp";
  expect_problem(admin("POST", "/v1/policy/test", request.dump()), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/policy/test", "{}"), 400, "invalid-request");
  expect_problem(home_.send("POST", "/v1/policy/test", request.dump(), kJob), 400, "invalid-request");
}

TEST_F(PolicyRoutesTest, Randomness) {
  const auto drawn = admin("POST", "/v1/random", R"({"bytes":33})");
  ASSERT_EQ(drawn.status(), 200U) << drawn.body();
  EXPECT_EQ(from_base64(drawn.json()["bytes"].get<std::string>())->size(), 33U);
  expect_problem(admin("POST", "/v1/random", R"({"bytes":1025})"), 400, "invalid-request");
  expect_problem(admin("POST", "/v1/random", R"({"bytes":0})"), 400, "invalid-request");
  expect_problem(home_.send("POST", "/v1/random", R"({"bytes":1})", kJob), 403, "refused");
}

class AuditRoutesTest : public RoutesTest {};

TEST_F(AuditRoutesTest, RecordsAreThoseOfTheTree) {
  const auto answered = admin("GET", "/v1/tenants/acme/audit/records?from=0&count=2");
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json json = answered.json();
  ASSERT_EQ(json["records"].size(), 2U);
  EXPECT_EQ(json["records"][0]["action"].get<std::string>(), "tenant.create");
  EXPECT_EQ(json["records"][0]["actor"].get<std::string>(), kAdmin);
  EXPECT_EQ(json["records"][0]["extras"]["purpose"].get<std::string>(), "operate");
  EXPECT_EQ(json["records"][0]["extras"]["policy"].get<std::string>(), "test-1");
  EXPECT_EQ(json["records"][0]["extras"]["source"].get<std::string>(), "192.0.2.7");
  EXPECT_TRUE(audit::parse_export_line(json["records"][1].dump()).ok());
  // The reading is a record, too.
  const Json later = admin("GET", "/v1/tenants/acme/audit/records?from=2").json();
  EXPECT_EQ(later["records"][0]["action"].get<std::string>(), "audit.read");
}

TEST_F(AuditRoutesTest, ProofsVerifyAgainstTheCheckpoint) {
  for (int i = 0; i < 5; ++i) admin("GET", "/v1/tenants/acme");
  const auto note = admin("GET", "/v1/tenants/acme/audit/checkpoint");
  ASSERT_EQ(note.status(), 200U) << note.body();
  EXPECT_EQ(note.header("content-type"), "text/plain; charset=utf-8");
  const Json records = admin("GET", "/v1/tenants/acme/audit/records").json();
  const std::string origin = records["origin"].get<std::string>();
  const auto key = testing::value_of(home_.keys->log_key(origin));
  const auto checkpoint = testing::value_of(audit::verify_checkpoint(note.body(), {key})).checkpoint;
  ASSERT_GE(checkpoint.head.size, 7U);
  const std::string size = std::to_string(checkpoint.head.size);
  const auto hashes = [](const Json& proof) {
    std::vector<audit::Hash> all;
    for (const Json& text : proof) {
      const Bytes bytes = testing::value_of(from_base64(text.get<std::string>()));
      std::ranges::copy(bytes, all.emplace_back().begin());
    }
    return all;
  };
  const Json inclusion = admin("GET", "/v1/tenants/acme/audit/proofs/inclusion?index=3&size=" + size).json();
  const auto line = testing::value_of(audit::parse_export_line(records["records"][3].dump()));
  const audit::Hash leaf = audit::leaf_hash(std::get<audit::ExportRecord>(line).record.encode());
  EXPECT_TRUE(audit::verify_inclusion(leaf, 3, checkpoint.head, hashes(inclusion["proof"])).ok());
  EXPECT_FALSE(audit::verify_inclusion(leaf, 2, checkpoint.head, hashes(inclusion["proof"])).ok());
  const auto later =
      testing::value_of(audit::verify_checkpoint(admin("GET", "/v1/tenants/acme/audit/checkpoint").body(), {key}));
  const Json consistency = admin("GET", "/v1/tenants/acme/audit/proofs/consistency?older=" + size +
                                            "&newer=" + std::to_string(later.checkpoint.head.size))
                               .json();
  EXPECT_TRUE(audit::verify_consistency(checkpoint.head, later.checkpoint.head, hashes(consistency["proof"])).ok());
}

TEST_F(AuditRoutesTest, IndexOfAUseIsItsRecord) {
  ASSERT_EQ(admin("POST", "/v1/tenants/acme/datasets", R"({"name":"mnist"})").status(), 201U);
  const auto made = home_.send("POST", "/v1/tenants/acme/datasets/mnist/generate", R"({"count":1})", kJob);
  ASSERT_EQ(made.status(), 200U) << made.body();
  const std::string where = made.header("audit-index");
  const std::string index = where.substr(where.find('#') + 1);
  const Json record = admin("GET", "/v1/tenants/acme/audit/records?count=1&from=" + index).json()["records"][0];
  EXPECT_EQ(record["extras"]["request_id"].get<std::string>(), made.header("request-id"));
  EXPECT_EQ(record["action"].get<std::string>(), "generate");
  EXPECT_EQ(record["extras"]["key_version"].get<int>(), 1);
  EXPECT_EQ(record["extras"]["authentication"].get<std::string>(), "mtls");
}

TEST_F(AuditRoutesTest, Refusals) {
  const std::string audit = "/v1/tenants/acme/audit";
  expect_problem(home_.send("GET", audit + "/records", "", kJob), 403, "refused");
  expect_problem(home_.send("GET", "/v1/audit/records", "", kJob), 403, "refused");
  expect_problem(admin("GET", audit + "/records?count=1001"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/records?from=x"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/records?from=1&from=2"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/proofs/inclusion?index=0"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/proofs/inclusion?index=5&size=5"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/proofs/inclusion?index=0&size=500"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/proofs/consistency?older=0&newer=1"), 400, "invalid-request");
  expect_problem(admin("GET", audit + "/proofs/consistency?older=1&newer=500"), 400, "invalid-request");
  expect_problem(admin("GET", "/v1/tenants/beta/audit/records"), 404, "not-found");
  expect_problem(admin("GET", "/v1/tenants/acme/environments/production/audit/records"), 404, "no-such-route");
  EXPECT_EQ(admin("GET", "/v1/audit/records").status(), 200U);
}

}  // namespace
}  // namespace cloister::service
