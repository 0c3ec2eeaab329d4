// Two daemons' halves of a federation: one serves its bundle, the other follows it and keeps what it saw.
#include "cloisterd/federation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "cloisterd/bundle_endpoint.h"
#include "net/http_server.h"
#include "net/spiffe_credentials.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cloisterd/domain.h"
#include "tests/unit/identity/fixture.h"

namespace cloister::daemon {
namespace {

using testing::expect_refused;
using testing::TempDir;
using testing::value_of;

class FederationTest : public ::testing::Test {
 protected:
  FederationTest() {
    net::ServerOptions options;
    options.clock = [this] { return theirs.now.load(); };
    server =
        value_of(net::HttpServer::create(std::move(options), std::make_shared<BundleHandler>(*theirs.issuer, "/b")));
    const auto credentials = value_of(net::SpiffeCredentials::follow(theirs.own->source()));
    const auto tls = value_of(net::ServerOnlyTls::create(credentials));
    config.address = {"127.0.0.1", value_of(server->listen({"127.0.0.1", 0}, tls))};
    config.target = "/b";
    config.endpoint_id = theirs.own->id().uri();
    config.bundle_file = (folder / "theirs.json").string();
    write(identity::format_bundle(theirs.issuer->current()->bundle()));
  }

  void write(const std::string& text) {
    CLOISTER_CHECK(write_file(config.bundle_file, as_bytes(text), Overwrite::kReplace, 0600).ok());
  }

  Result<std::unique_ptr<Federation>> start() {
    return Federation::start({[this] { return ours.home.place.open(); }, ours.settings, *ours.issuer,
                              [this] { return ours.now.load(); }, *ours.log, ours.metrics, "cloisterd"},
                             {config});
  }

  // Waits, for at most ten seconds.
  template <typename Condition>
  static bool eventually(Condition condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) ::usleep(10'000);
    return condition();
  }
  bool has_failed() {
    return eventually([this] { return ours.metrics.federation_failures > 0; });
  }

  TempDir folder;
  Domain ours{"ours.test"}, theirs{"theirs.test"};
  std::unique_ptr<net::HttpServer> server;
  Federated config{theirs.issuer->trust_domain(), {}, {}, BundleProfile::kSpiffe, {}, {}, {}};
};

TEST_F(FederationTest, FollowsAndKeeps) {
  identity::BundleContents contents{theirs.issuer->current()->bundle().x509_authorities(), {}, std::uint64_t{0}, {}};
  write(identity::format_bundle(
      value_of(identity::Bundle::create(config.trust_domain, contents, identity::Conformance::kStrict))));
  auto federation = value_of(start());
  const auto fetched = [&] {
    const auto set = federation->bundles();
    const identity::Bundle* bundle = set->find(config.trust_domain);
    return bundle != nullptr && *bundle == theirs.issuer->current()->bundle();
  };
  EXPECT_TRUE(eventually(fetched));
  federation.reset();
  const auto rows = ours.events("federation.update");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].subject, "spiffe://theirs.test");
  // The other end is away, and the file too.
  server.reset();
  config.bundle_file.clear();
  federation = value_of(start());
  EXPECT_TRUE(fetched());
  EXPECT_TRUE(has_failed());
  EXPECT_TRUE(fetched());
}

TEST_F(FederationTest, AnotherServerThanExpected) {
  config.endpoint_id = "spiffe://theirs.test/another";
  const auto federation = value_of(start());
  EXPECT_TRUE(has_failed());
  EXPECT_EQ(ours.events("federation.update").size(), 1U) << "more than the file";
}

TEST_F(FederationTest, NobodyKnowsTheServer) {
  config.bundle_file.clear();
  const auto federation = value_of(start());
  EXPECT_TRUE(has_failed());
  EXPECT_TRUE(federation->bundles()->all().empty());
}

TEST_F(FederationTest, NothingAtThatPath) {
  config.target = "/";
  const auto federation = value_of(start());
  EXPECT_TRUE(has_failed());
}

TEST_F(FederationTest, NewFileBeginsAnew) {
  config.target = "/";
  {
    const auto federation = value_of(start());
  }
  const identity::Realm other("theirs.test", 77);
  write(identity::format_bundle(other.rotation.bundle()));
  const auto federation = value_of(start());
  const auto set = federation->bundles();
  EXPECT_EQ(*set->find(config.trust_domain), other.rotation.bundle());
}

TEST_F(FederationTest, OldFileDoesNotComeBack) {
  identity::BundleContents contents{theirs.issuer->current()->bundle().x509_authorities(), {}, std::uint64_t{0}, {}};
  const auto first = value_of(identity::Bundle::create(config.trust_domain, contents, identity::Conformance::kStrict));
  write(identity::format_bundle(first));
  {
    const auto federation = value_of(start());
    EXPECT_TRUE(eventually([&] { return !(*federation->bundles()->find(config.trust_domain) == first); }));
  }
  server.reset();
  const auto federation = value_of(start());
  EXPECT_FALSE(*federation->bundles()->find(config.trust_domain) == first);
}

TEST_F(FederationTest, FilesAndStoresThatCannotBeBelieved) {
  write("{}");
  expect_refused(start(), Code::kInvalid, "theirs.json");
  write(identity::format_bundle(theirs.issuer->current()->bundle()));
  std::filesystem::permissions(config.bundle_file, std::filesystem::perms(0666));
  expect_refused(start(), Code::kDenied, "");
  config.bundle_file.clear();
  const audit::Event event{keys::kStart, "thief", "test", "", "", audit::Outcome::kAllowed, ""};
  ASSERT_TRUE(ours.home.keys->store()
                  .change(event,
                          [](keys::Store::Change& change) {
                            return change.put_setting("federated_bundle:theirs.test", R"({"keys":[]})");
                          })
                  .ok());
  expect_refused(start(), Code::kCorrupt, "wasn't written by this service");
}

}  // namespace
}  // namespace cloister::daemon
