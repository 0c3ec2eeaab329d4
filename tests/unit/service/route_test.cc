#include "service/route.h"

#include <gtest/gtest.h>

namespace cloister::service {
namespace {

Route route(std::string method, std::string path) {
  Route route;
  route.method = std::move(method);
  route.path = std::move(path);
  route.operation = policy::Operation::kRandom;
  route.parse = [](Call&) -> Result<Parsed> { return Parsed{}; };
  return route;
}

TEST(Router, FindsByMethodAndPath) {
  const Router router({route("GET", "/v1/things"), route("POST", "/v1/things"), route("GET", "/v1/things/{thing}"),
                       route("GET", "/v1/things/{thing}/parts/{part}")});
  EXPECT_EQ(router.find("POST", "/v1/things").route, &router.routes()[1]);
  const auto found = router.find("GET", "/v1/things/wheel/parts/spoke");
  EXPECT_EQ(found.route, &router.routes()[3]);
  EXPECT_EQ(found.parameters.find("thing"), "wheel");
  EXPECT_EQ(found.parameters.find("part"), "spoke");
  EXPECT_EQ(found.parameters.find("colour"), "");
}

TEST(Router, ExactSegmentsGoFirst) {
  const Router router({route("GET", "/v1/things/{thing}"), route("GET", "/v1/things/all"),
                       route("GET", "/v1/{kind}/all/of"), route("GET", "/v1/things/all/too")});
  EXPECT_EQ(router.find("GET", "/v1/things/all").route, &router.routes()[1]);
  EXPECT_EQ(router.find("GET", "/v1/things/one").route, &router.routes()[0]);
  const auto back = router.find("GET", "/v1/things/all/of");
  EXPECT_EQ(back.route, &router.routes()[2]);
  EXPECT_EQ(back.parameters.find("kind"), "things");
  EXPECT_EQ(back.parameters.find("thing"), "");
}

TEST(Router, WrongMethod) {
  const Router router({route("GET", "/v1/things"), route("POST", "/v1/things")});
  const auto found = router.find("DELETE", "/v1/things");
  EXPECT_EQ(found.route, nullptr);
  EXPECT_EQ(found.allowed, "GET, POST");
}

TEST(Router, NothingAtThePath) {
  const Router router({route("GET", "/v1/things/{thing}")});
  for (const char* path : {"", "*", "/", "/v1", "/v1/things", "/v1/things/", "/v1/things/a/", "/v1/things/a/b",
                           "//v1/things/a", "/v1//a", "/V1/things/a", "v1/things/a"}) {
    const auto found = router.find("GET", path);
    EXPECT_EQ(found.route, nullptr) << path;
    EXPECT_EQ(found.allowed, "") << path;
  }
}

TEST(RouterDeath, MistakesOfOurs) {
  EXPECT_DEATH(Router({route("GET", "/a"), route("GET", "/a")}), "check failed");
  EXPECT_DEATH(Router({route("GET", "/{a}"), route("POST", "/{b}")}), "check failed");
  Route undecided = route("GET", "/a");
  undecided.operation.reset();
  EXPECT_DEATH(Router({undecided}), "check failed");
}

TEST(Routes, OfATenantAndItsEnvironment) {
  std::vector<Route> routes;
  add_of_tenant(routes, "/kek", route("GET", ""));
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].path, "/v1/tenants/{tenant}/kek");
  EXPECT_EQ(routes[1].path, "/v1/tenants/{tenant}/environments/{environment}/kek");
}

}  // namespace
}  // namespace cloister::service
