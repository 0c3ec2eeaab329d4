// Several servers of one store that find the same rotations due.
#include <gtest/gtest.h>

#include <barrier>
#include <thread>

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

class RotateDue : public OnBoth {};
INSTANTIATE_TEST_SUITE_P(Stores, RotateDue, ::testing::ValuesIn(kinds()), kind_name);

TEST_P(RotateDue, OnceAmongSeveralServers) {
  constexpr int kServers = 4, kTenants = 6;
  Home home(GetParam());
  for (int i = 0; i < kTenants; ++i) {
    expect_ok(home.keys->create_tenant({"tenant" + std::to_string(i), ""}, days(1), home.caller()));
  }
  std::vector<Hierarchy> servers;
  for (int i = 0; i < kServers; ++i) {
    auto opened = home.open();
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    servers.push_back(std::move(*opened));
  }
  std::barrier start(kServers);
  std::vector<std::size_t> rotated(kServers);
  std::vector<std::thread> threads;
  for (int i = 0; i < kServers; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      const auto due = servers[static_cast<std::size_t>(i)].rotate_due(home.caller(days(2)));
      EXPECT_TRUE(due.ok() && !due->failure) << (due.ok() ? due->failure->message() : due.error().message());
      if (due.ok()) rotated[static_cast<std::size_t>(i)] = due->rotated.size();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t all = 0;
  for (const std::size_t count : rotated) all += count;
  EXPECT_EQ(all, std::size_t{kTenants});
  const auto tenants = home.keys->store().tenants();
  ASSERT_TRUE(tenants.ok());
  for (const TenantRecord& tenant : *tenants) EXPECT_EQ(tenant.versions.size(), 2U) << tenant.tenant;
  for (const audit::Row& row : home.audit_rows()) EXPECT_EQ(row.event.outcome, audit::Outcome::kAllowed);
}

}  // namespace
}  // namespace cloister::keys
