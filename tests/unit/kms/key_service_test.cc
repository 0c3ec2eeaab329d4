// The client of a key service against a server that answers as a test tells it to: what it asks, what it believes, what
// it keeps, and what it does when nobody answers.
#include "kms/key_service.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

#include "base/base64.h"
#include "crypto/random.h"
#include "kms/service_answer.h"
#include "kms/service_wrapper.h"
#include "net/http_server.h"
#include "tests/support/temp_dir.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kKeyring = "000102030405060708090a0b0c0d0e0f";

class Scripted final : public net::Handler {
 public:
  std::optional<net::Response> handle(net::Request& request, net::Deferral&) override {
    const std::lock_guard lock(mutex);
    const std::string* purpose = request.headers.find("cloister-purpose");
    asked.push_back(request.method + " " + request.target + " for " + (purpose == nullptr ? "nothing" : *purpose));
    bodies.emplace_back(as_text(request.body));
    if (failures > 0) {
      --failures;
      return net::problem(503);
    }
    if (request.method == "GET") return answer(describe_status, describe);
    return answer(status, body);
  }
  static net::Response answer(unsigned status, const std::string& json) { return net::json_response(status, json); }

  std::mutex mutex;
  std::vector<std::string> asked, bodies;
  unsigned failures = 0;
  unsigned describe_status = 200, status = 200;
  std::string describe = R"({"keyring":")" + std::string(kKeyring) + R"(","signing_public_key":")" +
                         to_base64(Bytes(32, 7)) +
                         R"(","keys":[{"version":1,"state":"enabled"},{"version":2,"state":"primary"}]})";
  std::string body;
};

class KeyServiceTest : public ::testing::Test {
 protected:
  void SetUp() override { start(); }
  void start() {
    net::ServerOptions options;
    options.clock = [] { return system_time(); };
    server_ = net::HttpServer::create(std::move(options), script_).value();
    ASSERT_TRUE(server_->listen({socket_, net::UnixUsers::only({::getuid()})}).ok());
  }
  std::shared_ptr<KeyService> service(unsigned attempts = 1) {
    auto client = net::HttpClient::create(net::UnixTarget{socket_, ::getuid()}, {}).value();
    return std::make_shared<KeyService>(std::move(client), "test", "train",
                                        ServicePatience{seconds(5), attempts, Duration{1}});
  }
  std::unique_ptr<ServiceWrapper> open(Duration check_every = minutes(1)) {
    return ServiceWrapper::open(service(), {"acme", "", "mnist"}, check_every).value();
  }
  void answer_key(const crypto::KeyMaterial& key, int lease_seconds) {
    script_->body = R"({"keyring":")" + std::string(kKeyring) + R"(","lease_seconds":)" +
                    std::to_string(lease_seconds) + R"(,"keys":[{"key":")" + to_base64(key.secret().expose()) +
                    R"("}]})";
  }
  static crypto::WrapContext context(std::string tenant = "acme", std::string purpose = "dek") {
    return {std::move(tenant), "mnist", Bytes(16, 7), std::move(purpose), {}};
  }
  static crypto::WrappedKey wrapped(std::uint32_t version = 2) {
    return {crypto::WrapType::kDatasetKey, std::string(kKeyring), version, {}, Bytes(72, 9)};
  }
  std::size_t times_asked() {
    const std::lock_guard lock(script_->mutex);
    return script_->asked.size();
  }

  const testing::TempDir folder_;
  const Path socket_ = folder_ / "service";
  crypto::SystemRandom random_;
  const std::shared_ptr<Scripted> script_ = std::make_shared<Scripted>();
  std::unique_ptr<net::HttpServer> server_;
};

bool same(const crypto::KeyMaterial& a, const crypto::KeyMaterial& b) {
  return crypto::equal_constant_time(a.secret().expose(), b.secret().expose());
}

TEST_F(KeyServiceTest, AsksForTheDatasetAndThePurpose) {
  const auto wrapper = open();
  EXPECT_EQ(to_hex(wrapper->keyring().id), kKeyring);
  ASSERT_EQ(wrapper->keyring().versions.size(), 2u);
  EXPECT_EQ(script_->asked.front(), "GET /v1/tenants/acme/datasets/mnist for train");
  EXPECT_EQ((ServiceDataset{"acme", "production", "mnist"}.path()),
            "/v1/tenants/acme/environments/production/datasets/mnist");
}

TEST_F(KeyServiceTest, UnwrapsAndSendsWhatTheWrapIsBoundTo) {
  const auto wrapper = open();
  const auto key = crypto::KeyMaterial::random(random_);
  answer_key(key, 0);
  const auto unwrapped = wrapper->unwrap(wrapped(), context());
  ASSERT_TRUE(unwrapped.ok()) << unwrapped.error().message();
  EXPECT_TRUE(same(*unwrapped, key));
  EXPECT_EQ(script_->bodies.back(), R"({"keys":[{"object":")" + to_base64(Bytes(16, 7)) + R"(","commitment":")" +
                                        to_base64(Bytes(32, 0)) + R"(","version":2,"wrapped":")" +
                                        to_base64(Bytes(72, 9)) + R"("}]})");
}

TEST_F(KeyServiceTest, WrapsAndRewraps) {
  const auto wrapper = open();
  const auto key = crypto::KeyMaterial::random(random_);
  script_->body = R"({"keys":[{"version":2,"wrapped":")" + to_base64(Bytes(72, 5)) + R"("}]})";
  const auto slot = wrapper->wrap(key, context());
  ASSERT_TRUE(slot.ok()) << slot.error().message();
  EXPECT_EQ(slot->key_id, kKeyring);
  EXPECT_EQ(slot->key_version, 2u);
  EXPECT_EQ(slot->ciphertext, Bytes(72, 5));
  EXPECT_NE(script_->bodies.back().find(R"("key":")" + to_base64(key.secret().expose())), std::string::npos);
  const auto again = wrapper->rewrap(wrapped(1), context());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(script_->asked.back(), "POST /v1/tenants/acme/datasets/mnist/rewrap for train");
}

TEST_F(KeyServiceTest, AnotherTenantsContextIsNeverSent) {
  const auto wrapper = open();
  const std::size_t before = times_asked();
  const auto key = crypto::KeyMaterial::random(random_);
  EXPECT_EQ(wrapper->wrap(key, context("globex")).error().code(), Code::kDenied);
  EXPECT_EQ(wrapper->unwrap(wrapped(), context("globex")).error().code(), Code::kDenied);
  EXPECT_EQ(wrapper->rewrap(wrapped(), context("acme", "ring")).error().code(), Code::kDenied);
  crypto::WrappedKey foreign = wrapped();
  foreign.key_id = std::string(32, 'f');
  EXPECT_EQ(wrapper->unwrap(foreign, context()).error().code(), Code::kNotFound);
  EXPECT_EQ(times_asked(), before);
}

TEST_F(KeyServiceTest, ALeasedKeyIsNotAskedForAgain) {
  const auto wrapper = open();
  const auto key = crypto::KeyMaterial::random(random_);
  answer_key(key, 60);
  ASSERT_TRUE(wrapper->unwrap(wrapped(), context()).ok());
  const std::size_t before = times_asked();
  const auto again = wrapper->unwrap(wrapped(), context());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(same(*again, key));
  EXPECT_EQ(times_asked(), before);
  crypto::WrapContext other = context();
  other.object = Bytes(16, 8);
  ASSERT_TRUE(wrapper->unwrap(wrapped(), other).ok());
  EXPECT_EQ(times_asked(), before + 1) << "a lease is for one wrap in one context";
}

TEST_F(KeyServiceTest, ALeaseOutlivesAnOutageButNotItsEnd) {
  const auto wrapper = open(Duration{0});
  const auto key = crypto::KeyMaterial::random(random_);
  answer_key(key, 3);
  ASSERT_TRUE(wrapper->unwrap(wrapped(), context()).ok());
  server_.reset();
  EXPECT_TRUE(wrapper->unwrap(wrapped(), context()).ok());
  for (int i = 0; i < 1000 && wrapper->leases().size() > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(wrapper->unwrap(wrapped(), context()).error().code(), Code::kUnavailable);
}

TEST_F(KeyServiceTest, ARevokedVersionEndsItsLeases) {
  const auto wrapper = open(Duration{0});
  const auto key = crypto::KeyMaterial::random(random_);
  answer_key(key, 600);
  ASSERT_TRUE(wrapper->unwrap(wrapped(), context()).ok());
  {
    const std::lock_guard lock(script_->mutex);
    script_->describe.replace(script_->describe.find("primary"), 7, "disabled");
    script_->status = 409;
    script_->body = R"({"code":"key-version-disabled","detail":"version 2 is disabled","request_id":"77"})";
  }
  const auto refused = wrapper->unwrap(wrapped(), context());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Code::kDenied);
  EXPECT_NE(refused.error().message().find("version 2 is disabled (key-version-disabled, request 77)"),
            std::string::npos)
      << refused.error().message();
  EXPECT_EQ(wrapper->leases().size(), 0u);
}

TEST_F(KeyServiceTest, ACallerTurnedAwayLosesItsLeases) {
  const auto wrapper = open(Duration{0});
  answer_key(crypto::KeyMaterial::random(random_), 600);
  ASSERT_TRUE(wrapper->unwrap(wrapped(), context()).ok());
  script_->describe_status = 403;
  EXPECT_EQ(wrapper->unwrap(wrapped(), context()).error().code(), Code::kDenied);
  EXPECT_EQ(wrapper->leases().size(), 0u);
}

TEST_F(KeyServiceTest, TriesAgainWhileItIsBusyAndThenGivesUp) {
  script_->failures = 2;
  EXPECT_TRUE(service(3)->describe({"acme", "", "mnist"}).ok());
  script_->failures = 3;
  const auto gone = service(3)->describe({"acme", "", "mnist"});
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), Code::kUnavailable);
  EXPECT_NE(gone.error().message().find("ask the key service test"), std::string::npos);
}

TEST(ServiceAnswer, WhatIsNoProperAnswerIsRefused) {
  const std::string key44 = to_base64(Bytes(32, 1));
  for (const std::string& body :
       {std::string(), std::string("[]"), std::string("{"), std::string(R"({"lease_seconds":5,"keys":[]})"),
        R"({"lease_seconds":-5,"keys":[{"key":")" + key44 + R"("}]})",
        R"({"lease_seconds":99999999,"keys":[{"key":")" + key44 + R"("}]})", R"({"keys":[{"key":")" + key44 + R"("}]})",
        R"({"lease_seconds":5,"keys":[{"key":")" + key44 + R"("},{"key":")" + key44 + R"("}]})",
        std::string(R"({"lease_seconds":5,"keys":[{"key":"AAAA"}]})"), std::string(R"({"lease_seconds":5,"keys":[7]})"),
        std::string(R"({"lease_seconds":5,"keys":[{"key":7}]})")}) {
    EXPECT_EQ(parse_unwrap_answer(as_bytes(body)).error().code(), Code::kInvalid) << body;
  }
  for (const std::string_view body :
       {R"({"keys":[{"version":2}]})", R"({"keys":[{"wrapped":"AAAA"}]})", R"({"keys":[{"version":2,"wrapped":""}]})",
        R"({"keys":[{"version":4294967296,"wrapped":"AAAA"}]})", R"({"keys":[{"version":2,"wrapped":"A"}]})"}) {
    EXPECT_EQ(parse_wrap_answer(as_bytes(body)).error().code(), Code::kInvalid) << body;
  }
  std::string deep(64, '[');
  EXPECT_EQ(parse_keyring_answer(as_bytes(R"({"keys":)" + deep)).error().code(), Code::kInvalid);
}

TEST(ServiceAnswer, AProblemIsAnErrorOfOneLine) {
  const auto error = parse_problem(403, as_bytes("{\"code\":\"refused\",\"detail\":\"no rule\\nallows it\"}"));
  EXPECT_EQ(error.code(), Code::kDenied);
  EXPECT_EQ(error.message(), "no rule?allows it (refused)");
  EXPECT_EQ(parse_problem(502, as_bytes("<html>")).code(), Code::kUnavailable);
  EXPECT_EQ(parse_problem(404, as_bytes("")).code(), Code::kNotFound);
  EXPECT_EQ(parse_problem(418, as_bytes("")).message(), "it answered 418");
}

}  // namespace
}  // namespace cloister::kms
