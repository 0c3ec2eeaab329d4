// The service without sockets: a real SQLite store, a software root, and requests that say who sends them.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <future>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "kms/software_key.h"
#include "service/service.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"
#include "tests/unit/service/schema_check.h"

namespace cloister::service {

using Json = nlohmann::json;

inline constexpr Time kStart{1'800'000'000'000};
inline constexpr const char* kAdmin = "spiffe://acme.test/ops/anna";
inline constexpr const char* kTrainer = "spiffe://acme.test/train/job-7";
inline constexpr const char* kRivalTrainer = "spiffe://rival.test/train/job-1";

// Anna may do everything to any tenant; trainers only use the data keys of their own tenant.
inline constexpr const char* kPolicy = R"(version = 1
id = "test-1"
not_after = "never"
[[allow]]
name = "operators"
caller = "spiffe://acme.test/ops/*"
operation = "any"
tenant = "any"
environment = "any"
dataset = "any"
purpose = "any"
[[allow]]
name = "trainers"
caller = "spiffe://acme.test/train/*"
operation = ["generate", "wrap", "unwrap", "rewrap"]
tenant = "acme"
environment = "any"
dataset = "any"
purpose = ["train", "ingest", "rewrap"]
[[allow]]
name = "rivals"
caller = "spiffe://rival.test/train/*"
operation = ["generate", "unwrap"]
tenant = "rival"
environment = "none"
dataset = "any"
purpose = "train"
[[quota]]
tenant = "any"
requests_per_second = 1000
burst = 1000
keys_per_batch = 2000
[[quota]]
tenant = "small"
requests_per_second = 2
burst = 3
keys_per_batch = 10
)";

// Who sends a request, and what goes with it. An empty id: no certificate.
struct Sender {
  std::string id = kTrainer;
  std::string purpose = "train";
  std::string idempotency_key = {};
  std::optional<uid_t> uid = {};  // by the Unix socket instead
};

struct Answered {
  net::Response response;
  unsigned status() const { return response.status; }
  std::string body() const { return std::string(as_text(response.body)); }
  Json json() const { return Json::parse(body()); }
  std::string header(std::string_view name) const {
    const std::string* value = response.headers.find(name);
    return value == nullptr ? "" : *value;
  }
  std::string code() const { return json().value("code", ""); }
};

class Waiting final : public net::Deferral {
 public:
  net::Answer take() override {
    taken_ = true;
    return net::Answer([promise = promise_](net::Response response) { promise->set_value(std::move(response)); });
  }
  bool taken() const { return taken_; }
  net::Response wait() {
    auto future = promise_->get_future();
    CLOISTER_CHECK(future.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    return future.get();
  }

 private:
  bool taken_ = false;
  std::shared_ptr<std::promise<net::Response>> promise_ = std::make_shared<std::promise<net::Response>>();
};

inline net::Request request_of(const std::string& method, const std::string& target, const std::string& body,
                               const Sender& sender) {
  net::Request request;
  request.method = method;
  request.target = target;
  request.headers.add("host", "keys.test");
  if (!body.empty()) request.headers.add("content-type", "application/json");
  if (!sender.purpose.empty()) request.headers.add("cloister-purpose", sender.purpose);
  if (!sender.idempotency_key.empty()) request.headers.add("idempotency-key", sender.idempotency_key);
  request.body = net::to_buffer(body);
  auto connection = std::make_shared<net::ConnectionInfo>();
  connection->remote = sender.uid ? "unix" : "192.0.2.7:51820";
  if (sender.uid) {
    connection->unix_peer = net::UnixPeer{1, *sender.uid, 100, nullptr};
  } else if (!sender.id.empty()) {
    connection->peer = net::Peer{sender.id, kStart + days(1)};
  }
  request.connection = std::move(connection);
  return request;
}

class Harness {
 public:
  Harness() {
    CLOISTER_CHECK(kms::create_key_file(directory / "root.key", std::nullopt, {}, random).ok());
    root = testing::value_of(kms::SoftwareKey::open(directory / "root.key", std::nullopt, random));
    keys.emplace(testing::value_of(keys::Hierarchy::create(testing::value_of(keys::Store::create(store_path())), *root,
                                                           root->key_id(), random, caller())));
  }
  ~Harness() { service.reset(); }

  Path store_path() const { return directory / "store.db"; }
  static keys::Caller caller() { return {"uid:1000 test", kStart}; }
  Backend backend() {
    return {[this]() -> Result<keys::Hierarchy> {
              CLOISTER_TRY(keys::Store store, keys::Store::open(store_path()));
              return keys::Hierarchy::open(std::move(store), *root, root->key_id(), random);
            },
            [this] { return keys::Store::open(store_path()); }};
  }
  static std::shared_ptr<const Snapshot> snapshot_of(std::string_view policy_text) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->policy = testing::value_of(policy::load_policy(policy_text));
    snapshot->policy_digest = crypto::sha256(as_bytes(policy_text));
    snapshot->unix_callers = {{4242, kAdmin}};
    return snapshot;
  }
  void start(std::vector<Route> more = {}) {
    options.clock = [this] { return now.load(); };
    options.random = &random;
    service = testing::value_of(Service::create(options, backend(), snapshot_of(kPolicy), std::move(more)));
  }

  // Every answer is held against the description of the API.
  Answered send(const std::string& method, const std::string& target, const std::string& body = "",
                const Sender& sender = {}) {
    return send(request_of(method, target, body, sender));
  }
  Answered send(net::Request request) {
    const std::string method = request.method;
    const std::string path(request.path());
    Answered answered = pass(std::move(request));
    EXPECT_EQ(api.fault_of_answer(method, path, answered.response), "") << method << " " << path;
    return answered;
  }
  // For routes of a test's own, and from several threads at once.
  Answered send_unchecked(const std::string& method, const std::string& target, const Sender& sender = {},
                          const std::string& body = "") {
    return pass(request_of(method, target, body, sender));
  }

  Answered pass(net::Request request) {
    Waiting waiting;
    auto response = service->handle(request, waiting);
    if (!response) {
      CLOISTER_CHECK(waiting.taken());
      response = waiting.wait();
    }
    return {std::move(*response)};
  }

  // Behind the store's back.
  void sql(const std::string& text) {
    sqlite3* database = nullptr;
    CLOISTER_CHECK(sqlite3_open(store_path().c_str(), &database) == SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << text;
    sqlite3_close(database);
  }
  std::vector<audit::Row> audit_rows() {
    std::vector<audit::Row> rows;
    auto store = testing::value_of(keys::Store::open(store_path()));
    const Status status = store.for_each_audit_row([&](const audit::Row& row) {
      rows.push_back(row);
      return ok_status();
    });
    EXPECT_TRUE(status.ok()) << status.error().message();
    return rows;
  }
  audit::Event last_event() { return audit_rows().back().event; }

  const ApiDescription api;
  testing::TempDir directory;
  crypto::SystemRandom random;
  std::unique_ptr<kms::SoftwareKey> root;
  std::optional<keys::Hierarchy> keys;  // beside the service, as another program would have the store open
  std::atomic<Time> now{kStart};
  ServiceOptions options;
  std::shared_ptr<Service> service;
};

inline std::string base64_of(std::string_view text) { return to_base64(as_bytes(text)); }

// The refusal, by code and status.
inline void expect_problem(const Answered& answered, unsigned status, std::string_view code) {
  EXPECT_EQ(answered.status(), status) << answered.body();
  EXPECT_EQ(answered.header("content-type"), "application/problem+json");
  const Json json = answered.json();
  EXPECT_EQ(json.value("code", ""), code) << answered.body();
  EXPECT_EQ(json.value("type", ""), "urn:cloister:problem:" + std::string(code));
  EXPECT_EQ(json.value("status", 0U), status);
  EXPECT_EQ(json.value("request_id", ""), answered.header("request-id"));
  EXPECT_FALSE(json.value("request_id", "").empty());
}

}  // namespace cloister::service
