// The description of the API beside the table of routes: all described, nothing more described.
#include "service/openapi.h"

#include <fstream>
#include <set>

#include "service/access_keys.h"
#include "service/attestation/attested_release.h"
#include "service/enrolment.h"
#include "service/operator_routes.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

// "GET /v1/tenants" and so on.
std::set<std::string> described(const ApiDescription& api) {
  std::set<std::string> all;
  for (const auto& [path, operations] : api.root()["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c & ~0x20); });
      all.insert(upper + " " + path);
    }
  }
  return all;
}

// The routes that a daemon adds to the service's own.
struct Identities {
  explicit Identities(Harness& home)
      : issuer(testing::value_of(Issuer::open(home.keys->store(), *home.root, home.random,
                                              {testing::value_of(identity::TrustDomain::parse("acme.test")), {}},
                                              Harness::caller()))),
        enrolment(
            *issuer,
            testing::value_of(AuthenticSettings::open(home.keys->store(), *home.root, home.random, Harness::caller())),
            home.random,
            EnrolmentOptions{testing::value_of(identity::SpiffeId::parse("spiffe://acme.test/cloister/keys"))}),
        access_keys(
            testing::value_of(AuthenticSettings::open(home.keys->store(), *home.root, home.random, Harness::caller())),
            home.random),
        releases(testing::value_of(AttestedRelease::open(
            {testing::value_of(AuthenticSettings::open(home.keys->store(), *home.root, home.random, Harness::caller())),
             home.directory / "attestation",
             {},
             &home.random},
            home.keys->store(), Harness::caller()))) {}

  std::vector<Route> all_routes() {
    std::vector<Route> routes = enrolment.routes();
    std::ranges::move(access_keys.routes(), std::back_inserter(routes));
    std::ranges::move(releases->routes(), std::back_inserter(routes));
    for (Route& route : operator_routes({[] { return Readiness{}; }, [] { return std::string("up 1\n"); }})) {
      routes.push_back(std::move(route));
    }
    return routes;
  }

  std::unique_ptr<Issuer> issuer;
  Enrolment enrolment;
  AccessKeys access_keys;
  std::unique_ptr<AttestedRelease> releases;
};

TEST(OpenApi, DescribesEveryRouteAndNoOther) {
  Harness home;
  Identities identities(home);
  home.start(identities.all_routes());
  std::set<std::string> routes;
  for (const Route& route : home.service->routes()) routes.insert(route.method + " " + route.path);
  EXPECT_EQ(routes, described(home.api));
}

TEST(OpenApi, SaysWhichOperationDecides) {
  Harness home;
  Identities identities(home);
  home.start(identities.all_routes());
  for (const Route& route : home.service->routes()) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    const Json& operation = home.api.root()["paths"][route.path][method];
    const std::string expected(route.operation ? policy::operation_name(*route.operation) : "");
    EXPECT_EQ(operation.value("x-policy-operation", ""), expected) << route.method << " " << route.path;
  }
}

TEST(OpenApi, OperationIdsAreUnique) {
  Harness home;
  std::set<std::string> ids;
  for (const auto& [path, operations] : home.api.root()["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      EXPECT_TRUE(ids.insert(operation["operationId"].get<std::string>()).second) << operation["operationId"];
    }
  }
}

TEST(OpenApi, CodesAreThoseOfTheTable) {
  Harness home;
  std::set<std::string> codes, listed;
  for (const ProblemKind& kind : problem_kinds()) codes.insert(std::string(kind.name));
  for (const Json& code : home.api.root()["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) {
    listed.insert(code.get<std::string>());
  }
  EXPECT_EQ(codes, listed);
  std::ifstream page(std::string(CLOISTER_SOURCE_DIR) + "/docs/api/errors.md");
  const std::string text((std::istreambuf_iterator<char>(page)), {});
  for (const ProblemKind& kind : problem_kinds()) {
    const std::string row = "| `" + std::string(kind.name) + "` | " + std::to_string(kind.status) + " |";
    EXPECT_NE(text.find(row), std::string::npos) << row;
  }
  for (std::size_t i = 0; i < problem_kinds().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(problem_kinds()[i].code), i);
  }
}

TEST(OpenApi, IsServedToAnyone) {
  Harness home;
  home.start();
  const auto answered = home.send("GET", "/v1/openapi.json", "", {.id = "", .purpose = ""});
  ASSERT_EQ(answered.status(), 200U) << answered.body();
  EXPECT_EQ(answered.body(), openapi_text());
  EXPECT_EQ(answered.header("audit-index"), "");
  expect_problem(home.send("GET", "/v1/openapi.json?x=1", "", {.id = ""}), 400, "invalid-request");
}

TEST(OpenApi, HealthAndNumbers) {
  Harness home;
  Identities identities(home);
  home.start(identities.all_routes());
  const Sender nobody{.id = "", .purpose = ""};
  EXPECT_EQ(home.send("GET", "/livez", "", nobody).body(), "ok\n");
  EXPECT_EQ(home.send("GET", "/readyz", "", nobody).status(), 503U);
  expect_problem(home.send("GET", "/metrics", "", nobody), 401, "unauthenticated");
  EXPECT_EQ(home.send("GET", "/metrics", "", {.purpose = "", .uid = 4242}).body(), "up 1\n");
}

TEST(OpenApi, ASchemaThatIsNotMetIsNoticed) {
  const ApiDescription api;
  const Json& tenant = api.root()["components"]["schemas"]["Tenant"];
  Json good = {{"name", "acme"},
               {"created", "2026-01-01T00:00:00.000Z"},
               {"kek_id", std::string(32, 'a')},
               {"kek_version", 1U},
               {"rotate_after_seconds", nullptr}};
  EXPECT_EQ(api.fault(tenant, good), "");
  for (const auto& [name, value] : std::vector<std::pair<std::string, Json>>{
           {"name", 7}, {"kek_id", "A"}, {"rotate_after_seconds", 0}, {"more", 1}, {"kek_version", "1"}}) {
    Json bad = good;
    bad[name] = value;
    EXPECT_NE(api.fault(tenant, bad), "") << name;
  }
  good.erase("name");
  EXPECT_NE(api.fault(tenant, good), "");
}

}  // namespace
}  // namespace cloister::service
