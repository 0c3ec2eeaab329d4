#include "service/enrolment.h"

#include <unistd.h>

#include "crypto/certificate_request.h"
#include "crypto/pem.h"
#include "identity/join_token.h"
#include "identity/jwt_svid.h"
#include "tests/support/expect.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using testing::value_of;

constexpr const char* kWorkload = "spiffe://acme.test/acme/trainer-1";
constexpr const char* kTenantAdmin = "spiffe://acme.test/acme/admin";
constexpr const char* kTenantPolicy = R"(version = 1
id = "enrol-1"
not_after = "never"
[[allow]]
name = "admins"
caller = "spiffe://acme.test/acme/admin"
operation = ["identity.enroll", "identity.deny", "identity.allow", "identity.list"]
tenant = "acme"
environment = "any"
purpose = "operate"
[[quota]]
tenant = "any"
requests_per_second = 1000
burst = 1000
keys_per_batch = 10
)";

identity::SpiffeId id_of(std::string_view text) { return value_of(identity::SpiffeId::parse(text)); }

class EnrolmentTest : public ::testing::Test {
 protected:
  EnrolmentTest() {
    keys::Store& store = harness.keys->store();
    const keys::Caller caller = Harness::caller();
    EXPECT_TRUE(harness.keys->create_tenant({"acme", ""}, std::nullopt, caller).ok());
    issuer = value_of(Issuer::open(store, *harness.root, harness.random,
                                   {value_of(identity::TrustDomain::parse("acme.test")), {}}, caller));
    EnrolmentOptions options{id_of("spiffe://acme.test/cloister/keys"),
                             {{::getuid(), {}, "", id_of("spiffe://acme.test/acme/local")},
                              {4242, gid_t{100}, "", id_of("spiffe://acme.test/acme/grouped")},
                              {4242, {}, "/nowhere/program", id_of("spiffe://acme.test/acme/program")}},
                             [this] { return denied; },
                             [this] { ++changes; }};
    enrolment = std::make_unique<Enrolment>(
        *issuer, value_of(AuthenticSettings::open(store, *harness.root, harness.random, caller)), harness.random,
        std::move(options));
    harness.options.check_caller = [this](std::string_view caller, Time now) {
      return denied == nullptr ? Status() : denied->check(id_of(caller), now);
    };
    harness.start(enrolment->routes());
    harness.service->reload(Harness::snapshot_of(kTenantPolicy));
  }

  Answered post(const std::string& path, const Json& body, const Sender& sender) {
    return harness.send("POST", "/v1/identity/" + path, body.dump(), sender);
  }
  static Sender admin() { return {kTenantAdmin, "operate"}; }
  static Sender nobody() { return {"", ""}; }

  std::string request_pem(const std::string& uri = "") {
    crypto::MemorySigner signer(value_of(crypto::PrivateKey::generate(crypto::KeyType::kEcP256, harness.random)));
    return crypto::to_pem(value_of(crypto::write_certificate_request(uri, signer)), "CERTIFICATE REQUEST");
  }
  std::string token(const std::string& id = kWorkload, unsigned lifetime = 600) {
    const Answered made = post("join-tokens", {{"id", id}, {"lifetime_seconds", lifetime}}, admin());
    EXPECT_EQ(made.status(), 201U) << made.body();
    return made.json().value("join_token", "");
  }
  Answered enroll(const std::string& join_token, const std::string& pem) {
    return post("enroll", {{"join_token", join_token}, {"request", pem}}, nobody());
  }
  std::size_t rows(std::string_view action, audit::Outcome outcome) {
    std::size_t found = 0;
    for (const audit::Row& row : harness.audit_rows()) {
      found += row.event.action == action && row.event.outcome == outcome ? 1 : 0;
    }
    return found;
  }
  void deny(std::string_view id) {
    denied = std::make_shared<identity::DenyList>(
        value_of(identity::DenyList::create({{id_of(id), kStart + days(1), "leaked"}}, {})));
  }

  Harness harness;
  std::unique_ptr<Issuer> issuer;
  std::unique_ptr<Enrolment> enrolment;
  std::shared_ptr<const identity::DenyList> denied;
  int changes = 0;
};

TEST_F(EnrolmentTest, TokenForACertificateOnce) {
  const std::string join_token = token();
  const Answered answered = enroll(join_token, request_pem(kWorkload));
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const Json json = answered.json();
  EXPECT_EQ(json["spiffe_id"], kWorkload);
  EXPECT_EQ(json["server_id"], "spiffe://acme.test/cloister/keys");
  EXPECT_EQ(json["trust_domain"], "acme.test");
  auto chain = value_of(crypto::parse_pem(json.value("svid", ""), "CERTIFICATE", 8));
  std::vector<crypto::Certificate> certificates;
  for (const Bytes& der : chain) certificates.push_back(value_of(crypto::Certificate::parse(der)));
  const auto svid = value_of(identity::X509Svid::from_chain(certificates, identity::Conformance::kStrict));
  const auto bundle =
      value_of(identity::parse_bundle(issuer->trust_domain(), json["bundle"].dump(), identity::Conformance::kStrict));
  EXPECT_EQ(value_of(identity::verify_x509_svid(svid, identity::BundleSet().with(bundle), kStart)).id.uri(), kWorkload);
  EXPECT_EQ(rows("identity.enroll", audit::Outcome::kAllowed), 2U);  // the token, the certificate
  EXPECT_EQ(harness.last_event().tenant, "acme");

  const Answered again = enroll(join_token, request_pem());
  expect_problem(again, 403, "refused");
  EXPECT_EQ(harness.last_event().outcome, audit::Outcome::kRefused);
  EXPECT_NE(harness.last_event().detail.find("was used"), std::string::npos);
}

TEST_F(EnrolmentTest, TokensNobodyWasGiven) {
  const std::size_t before = harness.audit_rows().size();
  const auto stranger = value_of(identity::create_join_token(id_of(kWorkload), kStart, minutes(1), harness.random));
  expect_problem(enroll(std::string(as_text(stranger.text.expose())), request_pem()), 403, "refused");
  expect_problem(enroll("cljoin_mistyped", request_pem()), 400, "invalid-request");
  EXPECT_EQ(harness.audit_rows().size(), before);
}

TEST_F(EnrolmentTest, TokenPastItsTime) {
  const std::string join_token = token(kWorkload, 60);
  harness.now = kStart + seconds(60);
  expect_problem(enroll(join_token, request_pem()), 403, "refused");
  EXPECT_NE(harness.last_event().detail.find("expired"), std::string::npos);
}

TEST_F(EnrolmentTest, RequestForAnotherName) {
  const std::string join_token = token();
  expect_problem(enroll(join_token, request_pem("spiffe://acme.test/acme/other")), 409, "wrong-state");
  EXPECT_EQ(enroll(join_token, request_pem(kWorkload)).status(), 200U);  // the token wasn't used up
}

TEST_F(EnrolmentTest, BodiesThatAreWrong) {
  const std::string pem = request_pem();
  for (const Json& body :
       {Json::object(), Json{{"request", pem}}, Json{{"join_token", "x"}},
        Json{{"join_token", "x"}, {"request", "no pem"}}, Json{{"join_token", "x"}, {"request", pem}, {"more", 1}},
        Json{{"join_token", 7}, {"request", pem}}, Json::array()}) {
    expect_problem(post("enroll", body, nobody()), 400, "invalid-request");
  }
  expect_problem(post("enroll", Json(std::string(70'000, 'x')), nobody()), 400, "invalid-request");
}

TEST_F(EnrolmentTest, TokenMadeByAnIntruderInTheStore) {
  const std::string join_token = token();
  const auto hash = value_of(identity::join_token_hash(crypto::Secret::copy_of(as_bytes(join_token))));
  const audit::Event event{kStart, "intruder", "x", "", "", audit::Outcome::kAllowed, ""};
  ASSERT_TRUE(harness.keys->store()
                  .change(event,
                          [&](keys::Store::Change& change) {
                            return change.put_setting("join_token:" + to_hex(hash),
                                                      std::string(64, '0') + "\nspiffe://acme.test/acme/admin\n" +
                                                          std::to_string((kStart + days(1)).unix_ms) + "\n-");
                          })
                  .ok());
  expect_problem(enroll(join_token, request_pem()), 422, "damaged");
}

TEST_F(EnrolmentTest, WhoMayGiveTokensAndForWhat) {
  const Json body{{"id", kWorkload}, {"lifetime_seconds", 60}};
  expect_problem(post("join-tokens", body, {kWorkload, "operate"}), 403, "refused");
  expect_problem(post("join-tokens", body, {"", "operate"}), 401, "unauthenticated");
  expect_problem(post("join-tokens", body, {kTenantAdmin, "train"}), 403, "refused");
  expect_problem(post("join-tokens", {{"id", "spiffe://acme.test/rival/x"}, {"lifetime_seconds", 60}}, admin()), 403,
                 "refused");
  for (const char* id : {"spiffe://other.test/acme/x", "spiffe://acme.test/cloister/keys", "spiffe://acme.test",
                         "spiffe://acme.test/cloister/other", "acme"}) {
    expect_problem(post("join-tokens", {{"id", id}, {"lifetime_seconds", 60}}, admin()), 400, "invalid-request");
  }
  for (const Json& lifetime : {Json(0), Json(604'801), Json("60"), Json(nullptr)}) {
    expect_problem(post("join-tokens", {{"id", kWorkload}, {"lifetime_seconds", lifetime}}, admin()), 400,
                   "invalid-request");
  }
}

TEST_F(EnrolmentTest, ExpiredTokensGo) {
  token(kWorkload, 60);
  token(kWorkload, 6000);
  harness.now = kStart + minutes(2);
  token(kWorkload, 60);
  EXPECT_EQ(value_of(harness.keys->store().settings("join_token:")).size(), 2U);
}

TEST_F(EnrolmentTest, RenewalKeepsTheIdentity) {
  const Sender workload{kWorkload, ""};
  const Answered renewed = post("renew", {{"request", request_pem(kWorkload)}}, workload);
  ASSERT_EQ(renewed.status(), 200U) << renewed.body();
  EXPECT_EQ(renewed.json()["spiffe_id"], kWorkload);
  EXPECT_EQ(rows("identity.renew", audit::Outcome::kAllowed), 1U);
  expect_problem(post("renew", {{"request", request_pem(kTenantAdmin)}}, workload), 409, "wrong-state");
  expect_problem(post("renew", {{"request", request_pem()}, {"id", kTenantAdmin}}, workload), 400, "invalid-request");
  expect_problem(post("renew", {{"request", request_pem()}}, nobody()), 401, "unauthenticated");
  Sender local;
  local.uid = 4242;  // known by the table, but without a certificate
  expect_problem(post("renew", {{"request", request_pem()}}, local), 401, "unauthenticated");
  expect_problem(post("renew", {{"request", request_pem()}}, {"spiffe://acme.test/cloister/keys", ""}), 403, "refused");
}

TEST_F(EnrolmentTest, ProcessesOfThisMachine) {
  Sender local{"", ""};
  local.uid = ::getuid();
  const Answered answered = post("enroll-unix", {{"request", request_pem()}}, local);
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(answered.json()["spiffe_id"], "spiffe://acme.test/acme/local");
  local.uid = 4242;
  EXPECT_EQ(post("enroll-unix", {{"request", request_pem()}}, local).json()["spiffe_id"],
            "spiffe://acme.test/acme/grouped");
  expect_problem(post("enroll-unix", {{"request", request_pem()}, {"id", "spiffe://acme.test/acme/program"}}, local),
                 401, "unauthenticated");
  local.uid = 77;
  expect_problem(post("enroll-unix", {{"request", request_pem()}}, local), 401, "unauthenticated");
  expect_problem(post("enroll-unix", {{"request", request_pem()}}, nobody()), 401, "unauthenticated");
  local.uid = ::getuid();
  enrolment->replace_workloads({});
  expect_problem(post("enroll-unix", {{"request", request_pem()}}, local), 401, "unauthenticated");
}

TEST_F(EnrolmentTest, TokensForOthers) {
  const Answered answered = post("jwt", {{"audience", {"https://vault.test"}}}, {kWorkload, ""});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  const auto svid = value_of(identity::verify_jwt_svid(answered.json().value("token", ""),
                                                       identity::BundleSet().with(issuer->current()->bundle()),
                                                       {"https://vault.test", kStart, {}}));
  EXPECT_EQ(svid.id.uri(), kWorkload);
  expect_problem(post("jwt", {{"audience", Json::array()}}, {kWorkload, ""}), 400, "invalid-request");
  expect_problem(post("jwt", {{"audience", "x"}}, {kWorkload, ""}), 400, "invalid-request");
  expect_problem(post("jwt", {{"audience", {"x"}}, {"sub", "y"}}, {kWorkload, ""}), 400, "invalid-request");
  expect_problem(post("jwt", {{"audience", std::vector<std::string>(17, "x")}}, {kWorkload, ""}), 400,
                 "invalid-request");
  expect_problem(post("jwt", {{"audience", {"x"}}}, nobody()), 401, "unauthenticated");
}

TEST_F(EnrolmentTest, DeniedIdentitiesGetNothing) {
  const std::string join_token = token();
  deny(kWorkload);
  expect_problem(enroll(join_token, request_pem()), 403, "refused");
  EXPECT_NE(harness.last_event().detail.find("leaked"), std::string::npos);
  for (const char* path : {"renew", "jwt"}) {
    const Json body = path == std::string("jwt") ? Json{{"audience", {"x"}}} : Json{{"request", request_pem()}};
    expect_problem(post(path, body, {kWorkload, ""}), 401, "unauthenticated");
    EXPECT_EQ(harness.last_event().outcome, audit::Outcome::kRefused);
  }
  expect_problem(post("join-tokens", {{"id", kWorkload}, {"lifetime_seconds", 60}}, {kWorkload, "operate"}), 401,
                 "unauthenticated");
  denied.reset();
  EXPECT_EQ(enroll(join_token, request_pem()).status(), 200U);
}

TEST_F(EnrolmentTest, DenyListThatIsKept) {
  const Json body{{"id", kWorkload}, {"lifetime_seconds", 7200}, {"reason", "leaked"}};
  ASSERT_EQ(post("deny", body, admin()).status(), 200U);
  EXPECT_EQ(changes, 1);
  const Answered list = harness.send("GET", "/v1/identity/denied/acme", "", admin());
  ASSERT_EQ(list.status(), 200U) << list.body();
  EXPECT_EQ(list.json()["denied"][0]["id"], kWorkload);
  EXPECT_EQ(harness.send("GET", "/v1/identity/denied/rival", "", admin()).status(), 403U);
  EXPECT_EQ(post("allow", {{"id", kWorkload}}, admin()).status(), 200U);
  expect_problem(post("allow", {{"id", kWorkload}}, admin()), 404, "not-found");
  EXPECT_TRUE(harness.send("GET", "/v1/identity/denied/acme", "", admin()).json()["denied"].empty());
}

TEST_F(EnrolmentTest, DenyingWhatIsNotOnes) {
  const auto refused = [&](const char* id, unsigned lifetime, unsigned status, const char* code) {
    expect_problem(post("deny", {{"id", id}, {"lifetime_seconds", lifetime}, {"reason", "x"}}, admin()), status, code);
  };
  refused("spiffe://acme.test/rival/x", 7200, 403, "refused");
  refused("spiffe://acme.test/cloister/keys", 7200, 400, "invalid-request");
  refused(kWorkload, 60, 400, "invalid-request");  // shorter than its certificates live
  EXPECT_EQ(changes, 0);
}

TEST_F(EnrolmentTest, BundleForAnyone) {
  const Answered answered = harness.send("GET", "/v1/identity/bundle", "", nobody());
  ASSERT_EQ(answered.status(), 200U);
  EXPECT_EQ(value_of(identity::parse_bundle(issuer->trust_domain(), answered.body(), identity::Conformance::kStrict)),
            issuer->current()->bundle());
}

}  // namespace
}  // namespace cloister::service
