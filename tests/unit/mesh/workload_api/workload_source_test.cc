#include "mesh/workload_api/workload_source.h"

#include <gtest/gtest.h>

#include <thread>

#include "mesh/workload_api/workload_api.h"
#include "net/grpc_server.h"
#include "net/http_server.h"
#include "tests/support/certificates.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_identities.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::kNow;
using testing::TempDir;
using testing::TestIdentities;
using testing::value_of;
using State = WorkloadHealth::State;

constexpr Duration kPatience{20'000};

bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// Answers every call in one way.
class Scripted final : public net::GrpcService {
 public:
  using Answer = std::function<void(net::GrpcCall&)>;
  explicit Scripted(Answer answer) : answer_(std::move(answer)) {}
  std::unique_ptr<net::GrpcReceiver> begin(std::shared_ptr<net::GrpcCall> call) override {
    class Receiver final : public net::GrpcReceiver {
     public:
      Receiver(Scripted& service, std::shared_ptr<net::GrpcCall> one) : service_(service), call_(std::move(one)) {}
      void message(net::Buffer) override {}
      void half_closed() override { service_.answer_(*call_); }
      void gone() override {}

     private:
      Scripted& service_;
      std::shared_ptr<net::GrpcCall> call_;
    };
    ++calls;
    return std::make_unique<Receiver>(*this, std::move(call));
  }
  std::atomic<int> calls{0};

 private:
  const Answer answer_;
};

class WorkloadSourceTest : public ::testing::Test {
 protected:
  WorkloadSourceTest() { identities_.set_entries({{"/worker", "main"}, {"/other", "side"}}); }
  ~WorkloadSourceTest() override {
    server_.reset();
    workers_->stop();
  }

  void serve() {
    serve(std::make_shared<WorkloadApi>(
        WorkloadApiParts{identities_, feed_, *workers_, limits_, [] { return kNow; }, {}}));
  }
  void serve(std::shared_ptr<net::GrpcService> service) {
    net::ServerOptions options;
    options.clock = [] { return kNow; };
    server_ =
        value_of(net::HttpServer::create(std::move(options), value_of(net::grpc_handler(std::move(service), {}))));
    const Status listening = server_->listen({folder_ / "socket", net::UnixUsers::everybody()});
    ASSERT_TRUE(listening.ok()) << listening.error().message();
  }
  WorkloadSourceOptions options() {
    WorkloadSourceOptions options;
    options.endpoint = {folder_ / "socket"};
    options.server_user = ::getuid();
    options.clock = [] { return kNow; };
    options.changed = [this] { ++changes_; };
    return options;
  }

  TestIdentities identities_{"acme.test", [] { return kNow; }};
  std::unique_ptr<Workers> workers_ = value_of(Workers::start(1, 16));
  crypto::SystemRandom random_;
  StateFeed feed_{identities_, *workers_, random_, {.jitter = Duration{0}}};
  CallerLimits limits_;
  const TempDir folder_;
  std::atomic<int> changes_{0};
  std::unique_ptr<net::HttpServer> server_;
};

TEST_F(WorkloadSourceTest, TheDefaultIdentity) {
  serve();
  const auto source = WorkloadSource::create(options(), kPatience);
  ASSERT_TRUE(source.ok()) << source.error().message();
  const auto snapshot = (*source)->source()->current();
  EXPECT_EQ(snapshot->svid().id().uri(), "spiffe://acme.test/worker");
  EXPECT_EQ(snapshot->bundles().all().size(), 1U);
  EXPECT_EQ((*source)->health().state, State::kFollowing);
  EXPECT_EQ((*source)->health().updates, 1U);
}

TEST_F(WorkloadSourceTest, AnotherIdentityByName) {
  serve();
  auto named = options();
  named.id = value_of(identity::SpiffeId::parse("spiffe://acme.test/other"));
  const auto source = value_of(WorkloadSource::create(named, kPatience));
  EXPECT_EQ(source->source()->current()->svid().id().uri(), "spiffe://acme.test/other");
  named.id = value_of(identity::SpiffeId::parse("spiffe://acme.test/missing"));
  const auto missing = WorkloadSource::create(named, Duration{200});
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), Code::kDenied);
}

TEST_F(WorkloadSourceTest, FollowsRotations) {
  serve();
  const auto source = value_of(WorkloadSource::create(options(), kPatience));
  const auto first = source->source()->current();
  identities_.rotate();
  EXPECT_TRUE(eventually([&] { return source->source()->current()->svid().leaf() != first->svid().leaf(); }));
  identities_.replace_authority();
  EXPECT_TRUE(eventually([&] { return source->source()->current()->bundles().all() != first->bundles().all(); }));
  EXPECT_GE(changes_, 3);
}

TEST_F(WorkloadSourceTest, BundleThatIsTakenAwayIsDropped) {
  TestIdentities rival{"rival.test", [] { return kNow; }};
  identities_.federate(rival.bundle());
  identities_.set_entries({{"/worker", "", {"rival.test"}}});
  serve();
  const auto source = value_of(WorkloadSource::create(options(), kPatience));
  EXPECT_EQ(source->source()->current()->bundles().all().size(), 2U);
  identities_.unfederate("rival.test");
  EXPECT_TRUE(eventually([&] { return source->source()->current()->bundles().all().size() == 1; }));
}

TEST_F(WorkloadSourceTest, ComesBackToAServerThatWasAway) {
  serve();
  const auto source = value_of(WorkloadSource::create(options(), kPatience));
  const auto first = source->source()->current();
  server_.reset();
  EXPECT_TRUE(eventually([&] { return source->health().state == State::kAway; }));
  EXPECT_EQ(source->source()->current(), first);  // it keeps what it has
  identities_.rotate();
  serve();
  EXPECT_TRUE(eventually([&] { return source->source()->current() != first; }));
  EXPECT_EQ(source->health().state, State::kFollowing);
}

TEST_F(WorkloadSourceTest, NothingRegistered) {
  identities_.set_entries({});
  serve();
  const auto source = WorkloadSource::create(options(), Duration{300});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code(), Code::kDenied);
  EXPECT_NE(source.error().message().find("no identity issued"), std::string::npos) << source.error().message();
}

TEST_F(WorkloadSourceTest, RegisteredWhileItWaits) {
  identities_.set_entries({});
  serve();
  std::thread registrar([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    identities_.set_entries({{"/late", ""}});
  });
  const auto source = WorkloadSource::create(options(), kPatience);
  registrar.join();
  ASSERT_TRUE(source.ok()) << source.error().message();
}

TEST_F(WorkloadSourceTest, ServerThatWillNeverAnswer) {
  auto service =
      std::make_shared<Scripted>([](net::GrpcCall& call) { call.finish({net::GrpcCode::kInvalidArgument, "not so"}); });
  serve(service);
  const auto source = WorkloadSource::create(options(), kPatience);
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code(), Code::kInvalid);
  EXPECT_EQ(service->calls, 1);  // section 6: not asked again
}

TEST_F(WorkloadSourceTest, AnswerThatCannotBeUsed) {
  serve(std::make_shared<Scripted>([](net::GrpcCall& call) { call.send(net::to_buffer("\x0a\x02\x0a\x01")); }));
  const auto source = WorkloadSource::create(options(), Duration{300});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code(), Code::kUnavailable);
}

TEST_F(WorkloadSourceTest, NobodyListens) {
  const auto source = WorkloadSource::create(options(), Duration{200});
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().code(), Code::kUnavailable);
  auto without = options();
  without.clock = nullptr;
  EXPECT_EQ(WorkloadSource::create(std::move(without), kPatience).error().code(), Code::kInvalid);
}

TEST_F(WorkloadSourceTest, AnotherUserListens) {
  serve();
  auto wrong = options();
  wrong.server_user = ::getuid() + 1;
  const auto source = WorkloadSource::create(std::move(wrong), Duration{200});
  ASSERT_FALSE(source.ok());
  EXPECT_NE(source.error().message().find("listens there"), std::string::npos) << source.error().message();
}

}  // namespace
}  // namespace cloister::mesh
