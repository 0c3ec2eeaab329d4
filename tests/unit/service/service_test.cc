// The service when something around it fails, is full, or is changed in the middle.
#include "service/service.h"

#include <thread>

#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

constexpr const char* kMnist = "/v1/tenants/acme/datasets/mnist";
constexpr const char* kOne = R"({"count":1})";

class ServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"acme", "rival"}) {
      ASSERT_TRUE(home_.keys->create_tenant({name, ""}, std::nullopt, Harness::caller()).ok());
      ASSERT_TRUE(home_.keys->create_dataset({name, "", "mnist"}, Harness::caller()).ok());
    }
  }
  Answered generate(const Sender& sender = {}) {
    return home_.send("POST", std::string(kMnist) + "/generate", kOne, sender);
  }

  // A route of the test's own: GET /v1/test/{name}.
  static Route route(Access access, Recording recording, Work work, const Act& act) {
    Route route{"GET", "/v1/test/{name}", access, policy::Operation::kPolicyRead, recording, work, {}};
    route.parse = [act](Call&) -> Result<Parsed> { return Parsed{{}, act, {}}; };
    return route;
  }

  Harness home_;
};

TEST_F(ServiceTest, NoKeyWhenTheLogCanNotBeWritten) {
  home_.start();
  ASSERT_EQ(generate().status(), 200U);
  const auto rows = home_.audit_rows().size();
  home_.sql("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END");
  const auto answered = generate();
  expect_problem(answered, 503, "audit-unavailable");
  EXPECT_EQ(answered.header("retry-after"), "1");
  EXPECT_EQ(answered.body().find("\"key\""), std::string::npos);
  expect_problem(generate({.id = kRivalTrainer}), 503, "audit-unavailable");  // a refusal
  EXPECT_EQ(home_.service->counters().record_failures, 2U);
  // So do the verbs: nothing is changed.
  const Sender anna{.id = kAdmin};
  EXPECT_GE(home_.send("POST", "/v1/tenants", R"({"name":"new"})", anna).status(), 500U);
  home_.sql("DROP TRIGGER full");
  EXPECT_EQ(generate().status(), 200U);
  EXPECT_EQ(home_.audit_rows().size(), rows + 1);
  expect_problem(home_.send("GET", "/v1/tenants/new", "", anna), 404, "not-found");
}

TEST_F(ServiceTest, BusyWorkers) {
  home_.options.workers = 1;
  home_.options.queue = 1;
  std::promise<void> gate;
  std::shared_future<void> open = gate.get_future().share();
  std::atomic<int> inside{0};
  home_.start({route(Access::kVerifiedPeer, Recording::kNone, Work::kWorker,
                     [open, &inside](Call&, keys::Hierarchy*) -> Result<Reply> {
                       ++inside;
                       open.wait();
                       return Reply{net::json_response(200, "{}")};
                     })});
  std::vector<std::thread> threads;
  std::atomic<int> done{0}, busy{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto answered = home_.send_unchecked("GET", "/v1/test/a");
      answered.status() == 200 ? ++done : ++busy;
    });
    while (i == 0 && inside == 0) std::this_thread::yield();
  }
  while (busy < 2) std::this_thread::yield();
  gate.set_value();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(busy, 2);
}

TEST_F(ServiceTest, FullRecorder) {
  home_.options.records = 0;
  home_.start();
  expect_problem(generate(), 503, "busy");
}

TEST_F(ServiceTest, DecisionsAreTold) {
  std::vector<std::string> told;
  std::mutex mutex;
  home_.options.on_decision = [&](const DecisionEvent& event) {
    const std::lock_guard lock(mutex);
    told.push_back(std::string(event.operation) + " " + std::string(event.tenant) + "/" + std::string(event.dataset) +
                   " " + std::string(event.caller) + " " + std::string(event.purpose) + " " +
                   std::to_string(event.keys) + " " + std::string(audit::outcome_name(event.outcome)) + " " +
                   std::to_string(event.status) + " " + std::string(event.problem) + " " + std::string(event.remote));
  };
  home_.start();
  generate();
  generate({.id = kRivalTrainer});
  generate({.uid = 7});
  home_.send("GET", "/v1/nothing");
  const std::lock_guard lock(mutex);
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[0], "generate acme/mnist spiffe://acme.test/train/job-7 train 1 allowed 200  192.0.2.7:51820");
  EXPECT_EQ(told[1], "generate acme/mnist spiffe://rival.test/train/job-1 train 1 refused 403 refused 192.0.2.7:51820");
  EXPECT_EQ(told[2], "generate acme/mnist  train 1 refused 401 unauthenticated unix");
  EXPECT_EQ(told[3], " /   1 refused 404 no-such-route 192.0.2.7:51820");
}

TEST_F(ServiceTest, AccessOfRoutes) {
  const Act act = [](Call& call, keys::Hierarchy* hierarchy) -> Result<Reply> {
    return Reply{net::json_response(200, "{\"caller\":\"" + call.caller + std::string(hierarchy ? "+" : "") + "\"}")};
  };
  Route open = route(Access::kAnyone, Recording::kNone, Work::kInline, act);
  Route known = route(Access::kVerifiedPeer, Recording::kNone, Work::kWorker, act);
  known.path = "/v1/known";
  Route decided = route(Access::kPolicy, Recording::kService, Work::kInline, act);
  decided.path = "/v1/decided";
  home_.start({open, known, decided});
  const Sender nobody{.id = "", .purpose = ""};
  const Sender anna{.id = kAdmin, .purpose = ""};
  EXPECT_EQ(home_.send_unchecked("GET", "/v1/test/x", nobody).json()["caller"].get<std::string>(), "");
  EXPECT_EQ(home_.send_unchecked("GET", "/v1/known", nobody).code(), "unauthenticated");
  EXPECT_EQ(home_.send_unchecked("GET", "/v1/known", anna).json()["caller"].get<std::string>(),
            std::string(kAdmin) + "+");
  EXPECT_EQ(home_.send_unchecked("GET", "/v1/decided", anna).code(), "purpose-missing");
  EXPECT_EQ(home_.send_unchecked("GET", "/v1/decided", {.purpose = "train"}).code(), "refused");
  const auto answered = home_.send_unchecked("GET", "/v1/decided", {.id = kAdmin, .purpose = "audit"});
  EXPECT_EQ(answered.status(), 200U);
  EXPECT_NE(answered.header("audit-index").find("/-#"), std::string::npos);
}

TEST_F(ServiceTest, ManyAtOnce) {
  home_.start();
  const Json made = generate().json()["keys"][0];
  const Json item = {{"object", made["object"]}, {"version", made["version"]}, {"wrapped", made["wrapped"]}};
  const std::string unwrap = Json{{"keys", Json::array({item})}}.dump();
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto answered = home_.send_unchecked("POST", std::string(kMnist) + "/unwrap", {}, unwrap);
        right += answered.status() == 200 && answered.json()["keys"][0]["key"] == made["key"] ? 1 : 0;
        if (t == 0 && i % 8 == 0) {
          EXPECT_TRUE(home_.keys->rotate_kek({"acme", ""}, Harness::caller()).ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 100);
  std::size_t uses = 0;
  for (const audit::Row& row : home_.audit_rows()) uses += row.event.action == "unwrap" ? 1 : 0;
  EXPECT_EQ(uses, 100U);
  EXPECT_LE(home_.service->counters().commits, home_.service->counters().records);
}

TEST_F(ServiceTest, AnswersAreSentBeforeItEnds) {
  home_.start();
  Waiting waiting;
  net::Request request;
  request.method = "POST";
  request.target = std::string(kMnist) + "/generate";
  request.headers.add("content-type", "application/json");
  request.headers.add("cloister-purpose", "train");
  auto connection = std::make_shared<net::ConnectionInfo>();
  connection->peer = net::Peer{kTrainer, kStart + days(1)};
  request.connection = connection;
  request.body = net::to_buffer(kOne);
  ASSERT_FALSE(home_.service->handle(request, waiting));
  home_.service.reset();
  EXPECT_EQ(waiting.wait().status, 200U);
}

TEST_F(ServiceTest, NothingStartsWithoutItsParts) {
  EXPECT_FALSE(Service::create({}, home_.backend(), Harness::snapshot_of(kPolicy)).ok());
  ServiceOptions options;
  options.clock = [] { return kStart; };
  options.random = &home_.random;
  EXPECT_FALSE(Service::create(options, home_.backend(), nullptr).ok());
  Backend broken = home_.backend();
  broken.open_store = [] { return Result<keys::Store>(Error(Code::kUnavailable, "no store")); };
  EXPECT_EQ(Service::create(options, broken, Harness::snapshot_of(kPolicy)).error().code(), Code::kUnavailable);
}

TEST_F(ServiceTest, NoPolicyRefusesEverything) {
  home_.start();
  home_.service->reload(std::make_shared<Snapshot>());
  expect_problem(generate(), 403, "refused");
  expect_problem(home_.send("GET", "/v1/tenants", "", {.id = kAdmin, .purpose = "operate"}), 403, "refused");
}

TEST_F(ServiceTest, TenantsMadeElsewhereAreNoticed) {
  home_.start();
  const auto tenant_of_refusal = [&] {
    expect_problem(home_.send("POST", "/v1/tenants/late/datasets/x/generate", kOne), 403, "refused");
    return home_.last_event().tenant;
  };
  ASSERT_TRUE(home_.keys->create_tenant({"late", ""}, std::nullopt, Harness::caller()).ok());
  EXPECT_EQ(tenant_of_refusal(), "");  // and it looks again
  for (int i = 0; i < 100 && tenant_of_refusal() != "late"; ++i) std::this_thread::yield();
  EXPECT_EQ(tenant_of_refusal(), "late");
}

}  // namespace
}  // namespace cloister::service
